"""Time effects of an .otio item -> one speed, or knots where the speed changes.

OpenTimelineIO itself has constant speeds only. A `TimeEffect` says nothing but its name; what it does stands in
the metadata of the program that wrote it:

    Resolve   Resolve_OTIO["Key Frames"] = [[seconds played, seconds of media, ...handles of the curve], ...]
    Hiero     lookup = [frames to add to the source at the first frame, at the second, ...]
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeGuard

from timeline_io.edit import Knot
from timeline_io.formats.otio.document import OtioObject, objects, rate_of, scalar, schema
from timeline_io.formats.ramps import knots_of, mean_speed, visible_between
from timeline_io.shots import ramp_at

# Seconds; a longer clip is a damaged number.
_LONGEST = 10**7


@dataclass(frozen=True, slots=True)
class Seen:
    """Where in the media playing begins, in seconds, how fast it runs, and the knots of a ramp through it."""

    start_s: Fraction
    speed: Fraction
    ramp: tuple[Knot, ...] = ()


@dataclass(frozen=True, slots=True)
class Retime:
    """A constant speed (negative: backwards, 0: frozen) and what a person should know about it.

    Where the speed changes, `ramp` holds knots (seconds played, seconds of media after the source range's start).
    """

    speed: Fraction
    notes: tuple[str, ...] = ()
    ramp: tuple[Knot, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether nothing is retimed."""
        return self.speed == 1 and not self.ramp

    def media_length(self, played_s: Fraction) -> Fraction:
        """Seconds of media shown in `played_s` seconds."""
        return abs(self.speed) * played_s

    def seen(self, start_s: Fraction, played_s: Fraction) -> Seen:
        """The media of a source range that starts at `start_s` and plays `played_s`."""
        if self.ramp and played_s > 0:
            ramp = tuple(
                (at_s, start_s + source_s) for at_s, source_s in visible_between(self.ramp, Fraction(0), played_s)
            )
            return Seen(ramp[0][1], mean_speed(ramp), ramp)
        # Backwards, playing begins at the far edge.
        first_s = start_s + self.media_length(played_s) if self.speed < 0 else start_s
        return Seen(first_s, self.speed)


def retime_of(item: OtioObject) -> Retime:
    """All time effects of an item together; several warps multiply."""
    speed = Fraction(1)
    notes: list[str] = []
    ramp: tuple[Knot, ...] = ()
    for effect in objects(item, "effects"):
        kind = schema(effect) if effect.get("enabled") is not False else ""
        if kind == "LinearTimeWarp":
            speed *= scalar(effect)
        elif kind == "FreezeFrame":
            speed = Fraction(0)
        elif kind == "TimeEffect":
            ramp = _resolve_ramp(effect) or _hiero_ramp(effect, item)
            notes += [] if ramp else ["its changing speed is read as normal speed"]
    if not ramp:
        return Retime(speed, tuple(notes))
    # A constant speed beside a ramp runs it faster.
    ramp = tuple((played_s, speed * source_s) for played_s, source_s in ramp)
    return Retime(mean_speed(ramp), tuple(notes), ramp if len(ramp) > 2 else ())


def _resolve_ramp(effect: OtioObject) -> tuple[Knot, ...]:
    """Resolve's key frames, its curves straightened; they may count from the start of the clip or of the media."""
    keys = _inside(_inside(effect, "metadata"), "Resolve_OTIO").get("Key Frames")
    pairs = [(_exact(key[0]), _exact(key[1])) for key in keys if _is_pair(key)] if isinstance(keys, list) else []
    knots = knots_of(pairs)
    if len(knots) < 2:
        return ()
    first = ramp_at(knots, Fraction(0))
    return tuple((played_s, source_s - first) for played_s, source_s in knots)


def _hiero_ramp(effect: OtioObject, item: OtioObject) -> tuple[Knot, ...]:
    lookup = _inside(effect, "metadata").get("lookup")
    span = item.get("source_range")
    if not isinstance(lookup, list) or not isinstance(span, dict) or not all(_is_time(offset) for offset in lookup):
        return ()
    rate = rate_of(span.get("duration"), "a retimed clip")
    knots = knots_of((index / rate, (index + _exact(offset)) / rate) for index, offset in enumerate(lookup))
    return knots if len(knots) > 1 else ()


def _inside(thing: OtioObject, key: str) -> OtioObject:
    value = thing.get(key)
    return value if isinstance(value, dict) else {}


def _is_pair(key: object) -> TypeGuard[list[float]]:
    return isinstance(key, list) and len(key) > 1 and _is_time(key[0]) and _is_time(key[1])


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LONGEST


def _exact(value: float) -> Fraction:
    return Fraction(value).limit_denominator(1_000_000)
