"""Exact time: rates are Fractions, frames are ints, samples come from rounding absolute edges.

A literal 23.976 is 346 samples wrong after two hours, so every rate is snapped once, where it enters.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

_NOMINAL_NTSC_RATES = (24, 30, 48, 60, 120)


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


def sample_at(frame: int, rate: Fraction, sample_rate_hz: int) -> int:
    """The sample nearest to the leading edge of `frame` (halves round up)."""
    return (2 * frame * sample_rate_hz * rate.denominator + rate.numerator) // (2 * rate.numerator)


def snap_rate(rate: float | int | str | Fraction) -> Fraction:
    """The exact frame rate meant by any usual spelling: 23.976, "23.98" and 23.976024 are 24000/1001.

    Raises ValueError for a rate that is not a positive number.
    """
    try:
        exact = Fraction(rate).limit_denominator(10_000_000)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise ValueError(f"{rate!r} is not a frame rate") from error
    if exact <= 0:
        raise ValueError(f"{rate!r} is not a frame rate: it must be greater than zero")
    for nominal in _NOMINAL_NTSC_RATES:
        ntsc = Fraction(nominal * 1000, 1001)
        if abs(exact - ntsc) < Fraction(nominal, 4800):
            return ntsc
    if abs(exact - round(exact)) < Fraction(1, 2000):
        return Fraction(round(exact))
    return exact


def timecode(frame: int, rate: Fraction, drop_frame: bool = False) -> str:
    """SMPTE ST 12-1 timecode of an absolute frame number: HH:MM:SS:FF, or HH:MM:SS;FF when dropping."""
    nominal = max(1, round(rate))
    if drop_frame:
        frame = _with_dropped_numbers(frame, nominal)
    frames = frame % nominal
    seconds = frame // nominal
    separator = ";" if drop_frame else ":"
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{separator}{frames:02d}"


def _with_dropped_numbers(frame: int, nominal: int) -> int:
    dropped = nominal // 15
    per_minute = nominal * 60 - dropped
    per_ten_minutes = per_minute * 10 + dropped
    tens, rest = divmod(frame, per_ten_minutes)
    minutes = 0 if rest < nominal * 60 else 1 + (rest - nominal * 60) // per_minute
    return frame + dropped * (9 * tens + minutes)
