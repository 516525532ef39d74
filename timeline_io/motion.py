"""Motion in frames of media a second, as the M2 lines of an edit decision list say it -> multiples of normal speed.

Frames a second are a speed only together with the rate of the media they are frames of: 48 are twice the normal speed
of media at 24, and .8 of it at 60.
"""

from __future__ import annotations

from fractions import Fraction

FASTEST = 1000
_PERCENT = Fraction(1, 100)
_MOST_DECIMALS = 6


def speed_at(fps: Fraction, rate: Fraction) -> Fraction:
    """The speed of media of `rate` frames a second of which `fps` are played in one, negative backwards.

    It is a whole percentage where `fps` is one, rounded; 60 is normal speed at 59.94 as well.
    """
    meant = (meant_speed(fps, counted, _PERCENT) for counted in (rate, Fraction(round(rate)) or rate))
    speed = next((found for found in meant if found is not None), abs(fps) / rate)
    return min(speed, Fraction(FASTEST)) * (-1 if fps < 0 else 1)


def meant_speed(fps: Fraction, rate: Fraction, step: Fraction) -> Fraction | None:
    """The multiple of `step` that `fps` at `rate` was rounded from, None when there is none."""
    nearest = round(abs(fps) / rate / step) * step
    return nearest if nearest and is_rounded_from(fps, nearest * rate) else None


def is_rounded_from(fps: Fraction, exact: Fraction) -> bool:
    """Whether frames a second, whichever their direction, were rounded from `exact` ones: 24.0 from 23.976."""
    decimals = next((n for n in range(1, _MOST_DECIMALS) if (fps * 10**n).denominator == 1), _MOST_DECIMALS)
    return abs(abs(fps) - exact) <= Fraction(1, 2 * 10**decimals)
