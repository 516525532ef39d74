"""Speed effects of an AAF -> which frame of the input is seen at which frame of the effect.

Avid writes the same change of speed up to three times: as a curve of input frames, which is exact, as a curve
of speeds, and as `SpeedRatio`, the length of the effect over that of its input, both rounded to whole frames.
Only the first of them that is there counts. The curve of frames has two spellings:

    PARAM_SPEED_OFFSET_MAP_U  (0, 0) (100, 50)   frame of the effect -> frame of its input; 100 is its far edge
    PARAM_OFFSET_MAP_U        (0, 0) (1, 49)     0 is its first frame and 1 its last: (0, 0) (99, 49) for 100 frames

A trimmed effect keeps the points that lie outside it. What runs past the end of its input holds the last frame.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

from timeline_io.edit import Knot
from timeline_io.formats.aaf.items import TimeMap, straightened
from timeline_io.formats.aaf.values import attributes, children, fraction, is_true, kind, length_of, value
from timeline_io.holds import capped
from timeline_io.shots import ramp_at, ramp_between

_SPEED_RATIO = "SpeedRatio"
_SPEED_MAP = "PARAM_SPEED_MAP_U"
_SPEED_OFFSET_MAP = "PARAM_SPEED_OFFSET_MAP_U"
_OFFSET_MAP = "PARAM_OFFSET_MAP_U"
_NAMES = {
    "8d56827a-847e-11d5-935a-50f857c10000": _OFFSET_MAP,
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
    frames = _written_map(effect)
    inputs = children(effect, "InputSegments")
    # The lengths in and under an adapter of rates are counted at one rate or the other.
    if frames is None or not inputs or is_adapter(effect) or mixed_rate(inputs[0]) is not None:
        return frames
    return _within(frames, Fraction(length_of(inputs[0])))


def _within(frames: TimeMap, inner: Fraction) -> TimeMap:
    """The map that holds the last frame of its input, and backwards the first, for the frames it has no other for."""
    last = frames[-1][0] - 1
    shown = (*(frame for at, frame in frames if at <= last), ramp_at(frames, last))
    if frames[0][1] < inner <= max(shown):
        return capped(frames, inner - 1)
    if min(shown) < 0 and frames[-1][1] < frames[0][1]:
        # The far edge of frame 0 is 1; upside down, what falls short of an edge goes beyond it.
        edges = capped(tuple((at, -frame - 1) for at, frame in frames), Fraction(0))
        return tuple((at, -edge) for at, edge in edges)
    return frames


def _written_map(effect: Any) -> TimeMap | None:
    length = length_of(effect)
    found = _parameters(effect)
    is_warp = bool(value(value(effect, "Operation"), "IsTimeWarp")) if value(effect, "Operation") else False
    if not length or not (is_warp or any(name in found for name in _NAMES.values())):
        return None
    end = Fraction(length)
    last = max(end - 1, Fraction(1))
    for name, unit in ((_SPEED_OFFSET_MAP, Fraction(1)), (_OFFSET_MAP, last)):
        knots = _curve(found.get(name), end, unit)
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


def _curve(parameter: Any, end: Fraction, unit: Fraction = Fraction(1)) -> list[Knot]:
    """The points of a varying value, its times `unit` frames each; curved lines are followed from frame to frame."""
    if parameter is None:
        return []
    if kind(parameter) == "ConstantValue":
        constant = fraction(value(parameter, "Value"))
        return [] if constant is None else [(Fraction(0), constant)]
    knots: dict[Fraction, Fraction] = {}
    for point in children(parameter, "PointList")[:_MOST_POINTS]:
        time, height = fraction(value(point, "Time")), fraction(value(point, "Value"))
        if time is not None and height is not None:
            knots[time * unit] = height
    ordered = sorted(knots.items())
    if not _is_curved(parameter) or len(ordered) < 3:
        return ordered
    return _followed(lambda frame: parameter.value_at(frame / float(unit)), ordered, end)


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
