"""The stretches of a timeline that are already taken by higher layers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from fractions import Fraction


class Cover:
    """A growing set of taken stretches [start, end), each with the name of what lies there."""

    def __init__(self) -> None:
        # Sorted and disjoint, so both lists grow together and a look-up is a bisection.
        self._starts: list[Fraction] = []
        self._stretches: list[tuple[Fraction, Fraction, str]] = []

    def gaps(self, start: Fraction, end: Fraction) -> list[tuple[Fraction, Fraction]]:
        """The parts of [start, end) that are still free, in order."""
        free = []
        for taken_start, taken_end, _name in self._within(start, end):
            if taken_start > start:
                free.append((start, taken_start))
            start = max(start, taken_end)
        if start < end:
            free.append((start, end))
        return free

    def names(self, start: Fraction, end: Fraction) -> list[str]:
        """The names of what covers [start, end), each once, in order."""
        return list(dict.fromkeys(name for _start, _end, name in self._within(start, end)))

    def add(self, start: Fraction, end: Fraction, name: str) -> None:
        """Take what is still free of [start, end)."""
        for free_start, free_end in self.gaps(start, end):
            index = bisect_left(self._starts, free_start)
            self._starts.insert(index, free_start)
            self._stretches.insert(index, (free_start, free_end, name))

    def _within(self, start: Fraction, end: Fraction) -> list[tuple[Fraction, Fraction, str]]:
        first = max(0, bisect_right(self._starts, start) - 1)
        last = bisect_left(self._starts, end)
        return [stretch for stretch in self._stretches[first:last] if stretch[1] > start]
