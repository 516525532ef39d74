"""Where in its media a Final Cut Pro 7 clip starts, and how fast it runs.

Editors count `<in>` and `<out>` of a retimed clip in frames of the already retimed media, so that
out - in is the length on the timeline; some programs count media frames. The lengths tell which.
A reversed clip is counted from the end of its media.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from xml.etree.ElementTree import Element

from timeline_io.edit import Knot
from timeline_io.formats.fcp7.elements import content, frames, is_on, number
from timeline_io.formats.ramps import knots_of, mean_speed, visible_between

_PERCENT = Fraction(1, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRange:
    """What a clip item says about itself, in seconds; `length_s` is what it plays on the timeline."""

    in_s: Fraction
    out_s: Fraction
    length_s: Fraction
    media_s: Fraction | None
    trimmed_head_s: Fraction
    trimmed_tail_s: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Start in the media in seconds, and speed; where that changes, knots (seconds played, seconds of media)."""

    start_s: Fraction
    speed: Fraction
    ramp: tuple[Knot, ...] = ()

    def seen(self, start_s: Fraction, length_s: Fraction) -> Source:
        """The source of the part that begins `start_s` seconds later and lasts `length_s`."""
        if not self.ramp or length_s <= 0:
            return Source(start_s=self.start_s + self.speed * start_s, speed=self.speed)
        ramp = visible_between(self.ramp, start_s, start_s + length_s)
        return Source(start_s=ramp[0][1], speed=mean_speed(ramp), ramp=ramp)


def source_of(item: Element, used: SourceRange, rate: Fraction) -> Source:
    """The source of a clip item whose `<in>` and keyframes are frames at `rate`."""
    remap = _time_remap(item)
    if is_on(item, "stillframe", default=False):
        offset = frames(item, "stillframeoffset")
        return Source(start_s=used.in_s if offset is None else offset / rate, speed=Fraction(0))
    if remap is None:
        return Source(start_s=used.trimmed_head_s + used.in_s, speed=Fraction(1))
    ramp = _ramp(remap, used, rate)
    return ramp if ramp is not None else _constant(remap, used)


def plays_media_frames(used: SourceRange, speed: Fraction) -> bool:
    """Whether `<in>` and `<out>` count frames of the media itself and not of the retimed clip."""
    span_s = used.out_s - used.in_s
    return abs(span_s - used.length_s * abs(speed)) < abs(span_s - used.length_s)


def speed_of(item: Element) -> Fraction | None:
    """How fast an item says that it runs, whichever way; None where that changes, or where it stands still."""
    remap = _time_remap(item)
    if remap is None:
        return None if is_on(item, "stillframe", default=False) else Fraction(1)
    if "variablespeed" in remap and is_on(remap["variablespeed"], "value", default=False):
        return None
    return abs(_percentage(remap)) or None


def _time_remap(item: Element) -> dict[str, Element] | None:
    """The parameters of the clip's time remap, by id."""
    for effect in item.iterfind("filter/effect"):
        if content(effect, "effectid").casefold() == "timeremap":
            return {content(parameter, "parameterid").casefold(): parameter for parameter in effect.iter("parameter")}
    return None


def _constant(remap: dict[str, Element], used: SourceRange) -> Source:
    speed = _percentage(remap)
    backwards = speed < 0 or ("reverse" in remap and is_on(remap["reverse"], "value", default=False))
    speed = abs(speed)
    if speed == 0:
        return Source(start_s=used.trimmed_head_s + used.in_s, speed=Fraction(0))
    scale = Fraction(1) if plays_media_frames(used, speed) else speed
    start_s = used.trimmed_head_s + used.in_s * scale
    if not backwards:
        return Source(start_s=start_s, speed=speed)
    return Source(start_s=_far_edge(used, start_s, used.in_s * scale, speed), speed=-speed)


def _percentage(remap: dict[str, Element]) -> Fraction:
    percent = number(remap["speed"], "value") if "speed" in remap else None
    return Fraction(1) if percent is None else percent * _PERCENT


def _far_edge(used: SourceRange, start_s: Fraction, in_s: Fraction, speed: Fraction) -> Fraction:
    """Where a reversed clip begins: `in` before the end of its media, if that leaves enough to play."""
    shown_s = used.length_s * speed
    if used.media_s is not None:
        edge_s = used.media_s - used.trimmed_tail_s - in_s
        if edge_s - shown_s >= 0:
            return edge_s
    return start_s + shown_s


def _ramp(remap: dict[str, Element], used: SourceRange, rate: Fraction) -> Source | None:
    """A changing speed by its key frames (retimed frame -> media frame); the curves between them are straightened."""
    is_ramp = "variablespeed" in remap and is_on(remap["variablespeed"], "value", default=False)
    points = sorted(_key_frames(remap["graphdict"])) if is_ramp and "graphdict" in remap else []
    if len(points) < 2 or used.length_s <= 0:
        return None
    first, last = used.in_s * rate, (used.in_s + used.length_s) * rate
    bends = [when for when, _value in points if first < when < last]
    ramp = knots_of(
        ((when - first) / rate, used.trimmed_head_s + _along(points, when) / rate) for when in (first, *bends, last)
    )
    return Source(start_s=ramp[0][1], speed=mean_speed(ramp), ramp=ramp if len(ramp) > 2 else ())


def _key_frames(graph: Element) -> list[tuple[Fraction, Fraction]]:
    pairs = ((number(key, "when"), number(key, "value")) for key in graph.iter("keyframe"))
    return [(when, value) for when, value in pairs if when is not None and value is not None]


def _along(points: list[tuple[Fraction, Fraction]], when: Fraction) -> Fraction:
    """The value at `when` on the line through the points, held beyond their ends."""
    if when <= points[0][0]:
        return points[0][1]
    for (left, low), (right, high) in pairwise(points):
        if left <= when < right:
            return low + (high - low) * (when - left) / (right - left)
    return points[-1][1]
