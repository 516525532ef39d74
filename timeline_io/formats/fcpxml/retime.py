"""How a Final Cut Pro X clip plays its source: frame rate conforming and time maps, as knots on straight lines.

A clip has a clock of its own. `start` is what it shows first; markers and connected clips count by it as well:

    parent time   offset ............ offset + duration
    own clock     start  ............ start + duration * conform
    source        time map of that, or just the same

With a time map, the own clock is that of the retimed clip, and the map leads from there to the source.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from xml.etree.ElementTree import Element

from timeline_io.edit import Knot
from timeline_io.formats.fcpxml.values import is_on, time_of
from timeline_io.frames import snap_rate
from timeline_io.shots import ramp_at, ramp_between

# 24 in 25, 25 in 24, 29.97 in 30 are played faster or slower; 29.97 in 24 drops frames.
_CONFORMS_WITHIN = Fraction(6, 100)
# Media at 23.976 is played as if at 24 nearly everywhere, whatever the chart in Apple's documentation says. Exports of
# Final Cut Pro prove it, those in orchetect/DAWFileKit: connected clips fall on whole frames at 1.001 only, and markers
# where they are written down to be seen, in 24.fcpxml, 30.fcpxml, 50.fcpxml, 59.94.fcpxml, 60.fcpxml. None has it at
# 29.97, which is taken to be like 59.94, or at 25, where the chart's frame for frame (25/23.976) stays; 25i.fcpxml
# proves that 29.97 in 25 with its scaling off is not scaled.
_FILM = Fraction(24000, 1001)
_FILM_AS_24_IN = frozenset({Fraction(30000, 1001), Fraction(30), Fraction(50), Fraction(60000, 1001), Fraction(60)})
_STEPS_PER_BEND = 8
# A clip that holds others has one speed from bend to bend: a shot for every step of a bend would help nobody.
_ROUNDED = frozenset({"asset-clip", "video"})


def conform_speed(clip: Element, rate: Fraction) -> Fraction:
    """Seconds of the clip's own clock per second of its parent, whose frame rate is `rate`."""
    conform = clip.find("conform-rate")
    if conform is None or not is_on(conform, "scaleEnabled"):
        return Fraction(1)
    try:
        source = snap_rate(conform.get("srcFrameRate", ""))
    except ValueError:
        return Fraction(1)
    speed = Fraction(24) / source if source == _FILM and rate in _FILM_AS_24_IN else rate / source
    # Twice the rate is conformed too: 50 plays as 48 in 24, and every other frame is left out.
    for factor in (Fraction(1), Fraction(2), Fraction(1, 2)):
        if abs(speed * factor - 1) < _CONFORMS_WITHIN:
            return speed * factor
    return Fraction(1)


def knots_of(clip: Element, start_s: Fraction, length_s: Fraction, conform: Fraction) -> tuple[Knot, ...]:
    """Knots (seconds after the clip's first edge, source time in seconds) with straight lines between them.

    `start_s` is the clip's own clock at its first edge. The first knot is at 0, the last at `length_s`; two of
    them mean a constant speed. A clip without a length gets two knots nevertheless, a second apart.
    """
    length_s = length_s if length_s > 0 else Fraction(1)
    points = _points(clip)
    if not points:
        return ((Fraction(0), start_s), (length_s, start_s + conform * length_s))
    played = [((time_s - start_s) / conform, value_s) for time_s, value_s in points]
    return _straightened(ramp_between(played, Fraction(0), length_s))


def cut_to(knots: tuple[Knot, ...], head_s: Fraction, tail_s: Fraction) -> tuple[Knot, ...]:
    """The knots of the part [head_s, tail_s) of a clip, counted from its new first edge."""
    return tuple((at_s - head_s, source_s) for at_s, source_s in ramp_between(knots, head_s, tail_s))


def speed_of(knots: tuple[Knot, ...]) -> Fraction:
    """Seconds of source per second played, on the whole."""
    (first_s, first_source_s), (last_s, last_source_s) = knots[0], knots[-1]
    return (last_source_s - first_source_s) / (last_s - first_s)


def _points(clip: Element) -> list[Knot]:
    """The clip's time map as straight lines: its points, the bends between two speeds rounded off."""
    points: dict[Fraction, tuple[Fraction, Element]] = {}
    for point in clip.iterfind("timeMap/timept"):
        time_s, value_s = time_of(point, "time"), time_of(point, "value")
        if time_s is not None and value_s is not None:
            points.setdefault(time_s, (value_s, point))
    line = [(time_s, points[time_s][0]) for time_s in sorted(points)]
    if len(line) < 2:
        return []
    if clip.tag not in _ROUNDED:
        return line
    bends = [_bend(line, index, points[line[index][0]][1]) for index in range(1, len(line) - 1)]
    # Two bends may meet half way between their points.
    return sorted(dict([line[0], *(knot for bend in bends for knot in bend), line[-1]]).items())


def _bend(line: list[Knot], index: int, point: Element) -> list[Knot]:
    """A point where the speed changes: at once, or evenly from `inTime` before it to `outTime` after it."""
    corner_s = line[index][0]
    before_s = max(corner_s - (time_of(point, "inTime") or 0), (line[index - 1][0] + corner_s) / 2)
    after_s = min(corner_s + (time_of(point, "outTime") or 0), (corner_s + line[index + 1][0]) / 2)
    if point.get("interp") == "linear" or before_s >= corner_s or after_s <= corner_s:
        return [line[index]]
    first = (before_s, ramp_at(line[index - 1 : index + 1], before_s))
    last = (after_s, ramp_at(line[index : index + 2], after_s))
    steps = (Fraction(step, _STEPS_PER_BEND) for step in range(_STEPS_PER_BEND + 1))
    return [_on_curve(first, line[index], last, share) for share in steps]


def _on_curve(first: Knot, corner: Knot, last: Knot, share: Fraction) -> Knot:
    """A point of the parabola that touches both lines at `first` and `last`: there the speed changes evenly."""
    weights = ((1 - share) ** 2, 2 * share * (1 - share), share**2)
    times = sum(weight * knot[0] for weight, knot in zip(weights, (first, corner, last), strict=True))
    values = sum(weight * knot[1] for weight, knot in zip(weights, (first, corner, last), strict=True))
    return Fraction(times), Fraction(values)


def _straightened(knots: tuple[Knot, ...]) -> tuple[Knot, ...]:
    """The same line without the knots at which it does not bend."""
    kept = [knots[0]]
    for knot, after in pairwise(knots[1:]):
        if speed_of((kept[-1], knot)) != speed_of((knot, after)):
            kept.append(knot)
    return (*kept, knots[-1])
