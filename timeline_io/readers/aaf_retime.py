"""Speed effects of an AAF -> which frame of the input is seen at which frame of the effect.

Avid writes the same change of speed up to three times: as a curve of input frames, which is exact, as a curve
of speeds, and as `SpeedRatio`, the length of the effect over that of its input, both rounded to whole frames.
Only the first of them that is there counts.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

from timeline_io.edit import Knot
from timeline_io.readers.aaf_items import TimeMap, straightened
from timeline_io.readers.aaf_values import attributes, children, fraction, is_true, kind, length_of, value
from timeline_io.shots import ramp_between

_SPEED_RATIO = "SpeedRatio"
_SPEED_MAP = "PARAM_SPEED_MAP_U"
_SPEED_OFFSET_MAP = "PARAM_SPEED_OFFSET_MAP_U"
_OFFSET_MAP = "PARAM_OFFSET_MAP_U"
_NAMES = {
    "72559a80-24d7-11d3-8a50-0050040ef7d2": _SPEED_RATIO,
    "8d56827c-847e-11d5-935a-50f857c10000": _SPEED_MAP,
    "8d56827d-847e-11d5-935a-50f857c10000": _SPEED_OFFSET_MAP,
}
_MOST_POINTS = 100_000
_LONGEST_CURVE = 100_000
# Curves are stored in decimals: what is nearer to a line than this is that line.
_TOLERANCE_FRAMES = Fraction(1, 1000)


def frame_map(effect: Any) -> TimeMap | None:
    """Frame of the effect -> frame of its input, over the length of the effect; None when it changes no speed."""
    length = length_of(effect)
    found = _parameters(effect)
    is_warp = bool(value(value(effect, "Operation"), "IsTimeWarp")) if value(effect, "Operation") else False
    if not length or not (is_warp or any(name in found for name in _NAMES.values()) or _OFFSET_MAP in found):
        return None
    end = Fraction(length)
    for name in (_SPEED_OFFSET_MAP, _OFFSET_MAP):
        knots = _curve(found.get(name), end)
        if len(knots) > 1:
            return _edges(ramp_between(knots, Fraction(0), end))
    speeds = _curve(found.get(_SPEED_MAP), end)
    if speeds:
        return straightened(_summed(speeds, end), _TOLERANCE_FRAMES)
    return _by_ratio(fraction(value(found[_SPEED_RATIO], "Value")) if _SPEED_RATIO in found else None, effect)


def inner_rate(effect: Any, frames: TimeMap, rate: Fraction) -> Fraction:
    """The rate that the frames of the input are counted at: a rate adapter plays other frames in the same time."""
    for segment in children(effect, "InputSegments"):
        own = mixed_rate(segment)
        if own is not None:
            return own
    if is_adapter(effect):
        shown = abs(frames[-1][1] - frames[0][1]) / (frames[-1][0] - frames[0][0])
        return rate * shown if shown else rate
    return rate


def is_adapter(effect: Any) -> bool:
    """Whether the effect only fits media of another rate into this one."""
    return str(attributes(effect).get("_MIXMATCH_MOTIONADAPTER", "0")) not in ("0", "", "None")


def mixed_rate(segment: Any) -> Fraction | None:
    """The rate a sequence says its own frames are counted at, against the rule of AAF that the track's rate counts."""
    if kind(segment) != "Sequence":
        return None
    tags = attributes(segment)
    above, below = fraction(tags.get("_MIXMATCH_RATE_NUM")), fraction(tags.get("_MIXMATCH_RATE_DENOM"))
    return above / below if above and below and above / below > 0 else None


def is_disabled(selector: Any) -> bool:
    """Whether a selector is there to switch a clip off."""
    return is_true(attributes(selector).get("_DISABLE_CLIP_FLAG"))


def _parameters(effect: Any) -> dict[str, Any]:
    found = {}
    for parameter in children(effect, "Parameters"):
        definition = str(value(parameter, "Definition"))
        name = _NAMES.get(definition)
        if name is None:
            known = parameter.parameterdef
            name = "" if known is None else str(known.name)
        found[name] = parameter
    return found


def _by_ratio(ratio: Fraction | None, effect: Any) -> TimeMap:
    length = Fraction(length_of(effect))
    inner = Fraction(max((length_of(segment) for segment in children(effect, "InputSegments")), default=0))
    if inner == 1 and (ratio is None or abs(ratio) == length):
        # One frame for the whole length: frozen, not slowed down.
        return ((Fraction(0), Fraction(0)), (length, Fraction(0)))
    shown = length / ratio if ratio else (inner if ratio is None else Fraction(0))
    begin = -shown if shown < 0 else Fraction(0)
    # Backwards, an input that was rounded up to whole frames begins where it ends.
    begin = max(begin, inner) if shown < 0 and inner - begin < 1 else begin
    return ((Fraction(0), begin), (length, begin + shown))


def _edges(frames: TimeMap) -> TimeMap:
    """Frame numbers as edges: backwards, the picture of frame n is seen from its far edge, n + 1, on."""
    last = frames[-1][1]
    if last < frames[0][1] and -1 <= last < 0:
        frames = tuple((t, v - last) for t, v in frames)
    return straightened(frames, _TOLERANCE_FRAMES)


def _curve(parameter: Any, end: Fraction) -> list[Knot]:
    """The points of a varying value; curved lines are followed from frame to frame."""
    if parameter is None:
        return []
    if kind(parameter) == "ConstantValue":
        constant = fraction(value(parameter, "Value"))
        return [] if constant is None else [(Fraction(0), constant)]
    knots: dict[Fraction, Fraction] = {}
    for point in children(parameter, "PointList")[:_MOST_POINTS]:
        time, height = fraction(value(point, "Time")), fraction(value(point, "Value"))
        if time is not None and height is not None:
            knots[time] = height
    ordered = sorted(knots.items())
    return _followed(parameter.value_at, ordered, end) if _is_curved(parameter) and len(ordered) > 2 else ordered


def _is_curved(parameter: Any) -> bool:
    interpolation = value(parameter, "Interpolation")
    name = "" if interpolation is None else str(interpolation.name)
    return "Bezier" in name or "Cubic" in name


def _followed(height_at: Callable[[float], float], knots: list[Knot], end: Fraction) -> list[Knot]:
    try:
        followed = [fraction(height_at(float(frame))) for frame in range(min(int(end), _LONGEST_CURVE) + 1)]
    except (NotImplementedError, AssertionError, ArithmeticError, NameError, ValueError):
        # pyaaf2 does not follow every kind of curve; straight lines between its points are near.
        return knots
    return [(Fraction(frame), height) for frame, height in enumerate(followed) if height is not None]


def _summed(speeds: list[Knot], end: Fraction) -> list[Knot]:
    """Speeds over time -> input frames over time, counted from the first frame of the effect."""
    if len(speeds) == 1:
        return _from_zero([(Fraction(0), Fraction(0)), (end, end * speeds[0][1])])
    # Between two speeds the frames run along a curve: followed from frame to frame, it is as good as straight.
    times = {Fraction(frame) for frame in range(min(int(end), _LONGEST_CURVE))} | {Fraction(0), end}
    times |= {time for time, _ in speeds if 0 < time < end}
    held = [(time, _held(speeds, time)) for time in sorted(times)]
    total = Fraction(0)
    frames = [(Fraction(0), total)]
    for (t0, before), (t1, after) in pairwise(held):
        total += (before + after) / 2 * (t1 - t0)
        frames.append((t1, total))
    return _from_zero(frames)


def _from_zero(frames: list[Knot]) -> list[Knot]:
    """What runs backwards begins inside its input, not before it."""
    lowest = min(frame for _, frame in frames)
    return [(time, frame - min(lowest, Fraction(0))) for time, frame in frames]


def _held(knots: list[Knot], time: Fraction) -> Fraction:
    """The height at `time`, held before the first and after the last knot."""
    if time <= knots[0][0]:
        return knots[0][1]
    if time >= knots[-1][0]:
        return knots[-1][1]
    (t0, before), (t1, after) = next(pair for pair in pairwise(knots) if pair[0][0] <= time <= pair[1][0])
    return before + (after - before) * (time - t0) / (t1 - t0)
