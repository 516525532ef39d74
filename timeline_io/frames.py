"""Exact time: rates are Fractions, frames are ints, samples come from rounding absolute edges.

A literal 23.976 is 346 samples wrong after two hours, so every rate is snapped once, where it enters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

_NOMINAL_NTSC_RATES = (12, 15, 24, 30, 48, 60, 120)
# Text is checked before it becomes a Fraction: "1e999999999" would fill the memory with digits.
_PLAIN_NUMBER = re.compile(r"\d{1,12}(\.\d{1,18})?(/\d{1,12})?")
_TIMECODE = re.compile(r"(\d{1,3})[:;.](\d{1,2})[:;.](\d{1,2})([:;.,])(\d{1,3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpan:
    """A half-open stretch [first, first + count) of frames at an exact rate in frames per second."""

    first: int
    count: int
    rate: Fraction

    @property
    def end(self) -> int:
        """The first frame after the span."""
        return self.first + self.count

    @property
    def duration_s(self) -> Fraction:
        """Length in seconds, exact."""
        return Fraction(self.count) / self.rate

    def samples(self, sample_rate_hz: int) -> tuple[int, int]:
        """First sample and number of samples: both edges rounded, so neighbouring spans tile."""
        begin = sample_at(self.first, self.rate, sample_rate_hz)
        return begin, sample_at(self.end, self.rate, sample_rate_hz) - begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How timecodes were turned into times: `rate` numbers a second, some of them dropped where `drop_frame` says."""

    rate: Fraction
    drop_frame: bool = False

    def numbered(self, time_s: Fraction) -> Fraction:
        """The number that is written for a time, dropped numbers counted as well, so many a second as it is called."""
        number = time_s * self.rate
        return number + _dropped_before(number // 1, _nominal(self.rate)) if self.drops else number

    def time_s(self, number: Fraction) -> Fraction:
        """The time for which a number is written; the other way round."""
        minutes = number // (60 * _nominal(self.rate))
        dropped = _nominal(self.rate) // 15 * (minutes - minutes // 10) if self.drops else 0
        return (number - dropped) / self.rate

    @property
    def drops(self) -> bool:
        """Whether numbers are left out: 24 and 25 have none to leave out, whatever a file says."""
        return self.drop_frame and _may_drop(_nominal(self.rate))


def sample_at(frame: int, rate: Fraction, sample_rate_hz: int) -> int:
    """The sample nearest to the leading edge of `frame` (halves round up)."""
    return (2 * frame * sample_rate_hz * rate.denominator + rate.numerator) // (2 * rate.numerator)


def frame_at(time_s: Fraction, rate: Fraction) -> int:
    """The frame whose leading edge is nearest to `time_s` seconds (halves round up)."""
    return (2 * time_s * rate + 1) // 2


def snap_rate(rate: float | int | str | Fraction) -> Fraction:
    """The exact frame rate meant by any usual spelling: 23.976, "23.98" and 23.976024 are 24000/1001.

    Raises ValueError for a rate that is not a positive number.
    """
    if not isinstance(rate, float | int | str | Fraction):
        raise ValueError(f"{rate!r} is not a frame rate")
    return _snapped(rate)


# An edit says the same rate thousands of times, and exact arithmetic is slow.
@lru_cache(maxsize=256)
def _snapped(rate: float | int | str | Fraction) -> Fraction:
    exact = _exact_rate(rate)
    for nominal in _NOMINAL_NTSC_RATES:
        ntsc = Fraction(nominal * 1000, 1001)
        if abs(exact - ntsc) < Fraction(nominal, 4800):
            return ntsc
    if round(exact) and abs(exact - round(exact)) < Fraction(1, 2000):
        return Fraction(round(exact))
    return exact


def rate_name(rate: Fraction) -> str:
    """A rate as people write it: 23.976, 25, 29.97."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def can_drop_frames(rate: Fraction) -> bool:
    """Whether drop-frame timecode exists at a rate: 29.97, 59.94 and 119.88."""
    return rate.denominator == 1001 and _may_drop(_nominal(rate))


def frames_of_day(rate: Fraction, drop_frame: bool) -> int:
    """How many frames of timecode 24 hours have: 2,589,408 at 29.97 when dropping."""
    nominal = _nominal(rate)
    day = 24 * 3600 * nominal
    return frame_at_timecode("24:00:00:00", rate, drop_frame=True) if drop_frame and _may_drop(nominal) else day


def timecode(frame: int, rate: Fraction, drop_frame: bool = False) -> str:
    """SMPTE ST 12-1 timecode of an absolute frame number: HH:MM:SS:FF, or HH:MM:SS;FF when dropping."""
    nominal = _nominal(rate)
    drop_frame = drop_frame and _may_drop(nominal)
    if drop_frame:
        frame += _dropped_before(frame, nominal)
    frames = frame % nominal
    seconds = frame // nominal
    separator = ";" if drop_frame else ":"
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{separator}{frames:02d}"


def frame_at_timecode(text: str, rate: Fraction, drop_frame: bool | None = None) -> int:
    """The absolute frame number of a timecode; None reads drop frame from the `;` before the frames.

    Raises ValueError when the text is no timecode of this rate.
    """
    match = _TIMECODE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a timecode")
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    nominal = _nominal(rate)
    if minutes > 59 or seconds > 59 or frames >= nominal:
        raise ValueError(f"{text!r} is not a timecode at {nominal} frames per second")
    total_minutes = hours * 60 + minutes
    frame = (total_minutes * 60 + seconds) * nominal + frames
    dropping = match[4] in ";," if drop_frame is None else drop_frame
    if dropping and _may_drop(nominal):
        frame -= nominal // 15 * (total_minutes - total_minutes // 10)
    return frame


def _exact_rate(rate: float | int | str | Fraction) -> Fraction:
    if isinstance(rate, str) and not _PLAIN_NUMBER.fullmatch(rate.strip()):
        raise ValueError(f"{rate!r} is not a frame rate")
    try:
        exact = _quotient(rate) if isinstance(rate, str) else Fraction(rate)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise ValueError(f"{rate!r} is not a frame rate") from error
    exact = exact.limit_denominator(10_000_000)
    if exact <= 0:
        raise ValueError(f"{rate!r} is not a frame rate: it must be greater than zero")
    return exact


def _quotient(text: str) -> Fraction:
    dividend, _, divisor = text.strip().partition("/")
    return Fraction(dividend) / Fraction(divisor or "1")


def _nominal(rate: Fraction) -> int:
    return max(1, round(rate))


def _may_drop(nominal: int) -> bool:
    """Whether two of every thirty numbers can be left out: also where 30 are exactly a second, as some write it."""
    return nominal % 30 == 0


def _dropped_before(frame: int, nominal: int) -> int:
    """How many numbers were left out up to a frame."""
    dropped = nominal // 15
    per_minute = nominal * 60 - dropped
    per_ten_minutes = per_minute * 10 + dropped
    tens, rest = divmod(frame, per_ten_minutes)
    minutes = 0 if rest < nominal * 60 else 1 + (rest - nominal * 60) // per_minute
    return dropped * (9 * tens + minutes)
