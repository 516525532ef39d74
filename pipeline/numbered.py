"""An image sequence on disk: which numbered pictures there are, and which of them is on the screen when.

sea.0001.png  sea.0002.png  sea.0004.png      at 24 pictures a second
|             |             |
0             1/24          3/24              the third is missing: the second is held until the fourth
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

from pipeline.errors import MediaError
from pipeline.records import Numbering

_COUNTER = re.compile(r"%(?:0(\d{1,2}))?d")
# Times come as floats: what is meant as a picture's own edge may arrive a hair before it.
_FLOAT_TOLERANCE_S = Fraction(1, 1_000_000)
_HELD_PAST_END_S = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The pictures of `pattern` that exist: their `numbers` ascending, at least one, the first at or after `first`."""

    pattern: Path
    rate: Fraction
    first: int
    step: int
    numbers: tuple[int, ...]

    @property
    def numbering(self) -> Numbering:
        """How they count time, with the first number known."""
        return Numbering(rate=self.rate, first=self.first, step=self.step)

    @property
    def duration_s(self) -> Fraction:
        """From the first number to the end of the last picture."""
        return (self.numbers[-1] - self.first + self.step) / self.rate

    @property
    def missing(self) -> int:
        """How many pictures are missing before the last one."""
        return (self.numbers[-1] - self.first) // self.step + 1 - len(self.numbers)

    def path_of(self, number: int) -> Path:
        """The file of one picture."""
        return self.pattern.with_name(_named(self.pattern.name, number))

    def shown_at(self, time_s: Fraction, *, backwards: bool = False) -> int:
        """The number on the screen at `time_s`; one that is missing is held over by the picture before it.

        Backwards, a time exactly on the edge between two pictures belongs to the earlier one.
        """
        if backwards:
            index = ceil((time_s - _FLOAT_TOLERANCE_S) * self.rate) - 1
        else:
            index = floor((time_s + _FLOAT_TOLERANCE_S) * self.rate)
        return self.numbers[max(0, bisect_right(self.numbers, self.first + index) - 1)]

    def check_reaches(self, time_s: Fraction) -> None:
        """Raises MediaError when `time_s` lies more than a second past the last picture."""
        if time_s > self.duration_s + _HELD_PAST_END_S:
            raise MediaError(f"The shot lies past the end of {self.pattern}: relink the clip.")


def pictures_of(pattern: Path, numbering: Numbering) -> Pictures:
    """The pictures that `pattern` (`sea.%04d.exr`) names in its folder. Raises MediaError when there are none."""
    found = sorted(_numbers(pattern))
    first = numbering.first if numbering.first is not None else next(iter(found), 0)
    numbers = tuple(number for number in found if number >= first and (number - first) % numbering.step == 0)
    if not numbers:
        raise MediaError(f"No picture of the image sequence {pattern} exists: relink the clip or render it again.")
    return Pictures(pattern=pattern, rate=numbering.rate, first=first, step=numbering.step, numbers=numbers)


def _numbers(pattern: Path) -> list[int]:
    counter = _COUNTER.search(pattern.name)
    if counter is None:
        raise MediaError(f"{pattern} names no image sequence: its name has no %04d.")
    head, tail = pattern.name[: counter.start()], pattern.name[counter.end() :]
    name = re.compile(re.escape(head) + r"(\d{1,18})" + re.escape(tail))
    try:
        entries = [entry.name for entry in pattern.parent.iterdir()]
    except OSError as error:
        reason = error.strerror
        raise MediaError(f"{pattern.parent} cannot be listed ({reason}): check its path and permissions.") from error
    found = {entry: int(match[1]) for entry in entries if (match := name.fullmatch(entry))}
    # `%04d` counts 0007 and 12345, but never 7 or 012345.
    return [number for entry, number in found.items() if entry == _named(pattern.name, number)]


def _named(pattern_name: str, number: int) -> str:
    return _COUNTER.sub(lambda counter: f"{number:0{int(counter[1] or 0)}d}", pattern_name, count=1)
