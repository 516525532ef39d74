"""Where the components of an AAF sequence are cut, transitions considered."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from timeline_io.formats.aaf.values import kind, length_of, number
from timeline_io.model import Dissolve


def cuts(components: list[Any]) -> Iterator[tuple[Any, int, int, int]]:
    """(component, where it starts, first and last frame seen of it): a transition lies over its neighbours' ends.

    [ A            ]
              [ B            ]       they overlap by the length of the transition,
              [T  | ]                and the cut is at its cut point.
    """
    at = 0
    pending: tuple[Any, int, int] | None = None
    first = 0
    for component in components:
        length = length_of(component)
        if kind(component) == "Transition":
            at = max(0, at - length)
            first = at + _cut_point(component, length)
            if pending is not None:
                yield (*pending, max(pending[2], first))
                pending = None
            continue
        if pending is not None:
            yield (*pending, at)
        first = max(first, at)
        pending = (component, at, first)
        at += length
    if pending is not None:
        yield (*pending, at)


def dissolves(components: list[Any], rate: Fraction) -> tuple[Dissolve, ...]:
    """The transitions of a sequence of `rate` frames per second."""
    found, at = [], 0
    for component in components:
        length = length_of(component)
        if kind(component) == "Transition":
            at = max(0, at - length)
            cut = at + _cut_point(component, length)
            found.append(Dissolve(start_s=at / rate, cut_s=cut / rate, end_s=(at + length) / rate))
        else:
            at += length
    return tuple(found)


def _cut_point(transition: Any, length: int) -> int:
    """Frames from the start of a transition to its cut."""
    return min(max(number(transition, "CutPoint"), 0), length)
