"""How a media file counts its own timecode, and where in the file a time of that timecode lies.

file from 23:59:58:00, source 00:00:01:00   ->   3 s into the file: after midnight it counts from zero
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from timeline_io.frames import Counting, frames_of_day, timecode


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaClock:
    """The number `first` belongs to the first picture of the file, and `rate` numbers a second follow it."""

    first: int
    rate: Fraction
    drop_frame: bool = False

    @property
    def start_s(self) -> Fraction:
        """The first number in seconds from midnight, as this clock counts them."""
        return self.first / self.rate

    def offset_s(self, time_s: Fraction, counted: Counting | None = None) -> Fraction:
        """Seconds from the first picture to `time_s`, at least 0 and less than a day.

        `counted` is how a list counted what it writes, which does not know whether 24 are a second, nor what the file
        drops: the same is then counted again as the file counts. None: seconds are seconds.
        """
        own = Counting(rate=self.rate, drop_frame=self.drop_frame)
        if counted is not None:
            written_s = counted.numbered(time_s) / round(counted.rate)
            time_s = own.time_s(written_s * round(self.rate))
        return (time_s * self.rate - self.first) % self.day / self.rate

    @property
    def day(self) -> int:
        """The numbers of 24 hours."""
        return frames_of_day(self.rate, self.drop_frame)

    @property
    def day_s(self) -> Fraction:
        """24 hours of this clock in seconds."""
        return self.day / self.rate

    def written(self, offset_s: Fraction) -> str:
        """The timecode at a place in the file."""
        number = self.first + (2 * offset_s * self.rate + 1) // 2
        return timecode(number % self.day, self.rate, self.drop_frame)
