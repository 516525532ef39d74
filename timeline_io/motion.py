"""Motion in frames of media a second, as the M2 lines of an edit decision list say it -> multiples of normal speed.

Frames a second are a speed only together with the rate of the media they are frames of: 48 are twice the normal speed
of media at 24, and .8 of it at 60.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

FASTEST = 1000
_PERCENT = Fraction(1, 100)
_MOST_DECIMALS = 6
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Frames of media played in a second, negative backwards, as a line of a list says them.

    `note` is what was made of them without the media where that is not plain; "" where it is, or where the media said
    otherwise.
    """

    fps: Fraction
    line: int
    note: str = ""


def motion_remarks(motions: Iterable[Motion | None]) -> tuple[str, ...]:
    """One sentence for each way in which motions were taken without their media, with the lines that say them."""
    lines: dict[str, list[int]] = {}
    for motion in motions:
        if motion is not None and motion.note and motion.line not in lines.setdefault(motion.note, []):
            lines[motion.note].append(motion.line)
    return tuple(f"{_named(of_note)}: {note}" for note, of_note in lines.items())[:_MOST_NAMED]


def _named(lines: list[int]) -> str:
    if len(lines) == 1:
        return f"the event on line {lines[0]}"
    more = f" and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    return f"the events on lines {', '.join(map(str, lines[:_MOST_NAMED]))}{more}"


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
