"""Clips and nests cut to a window or seen through a change of speed; an AAF says both around whatever it holds.

items  [ A    ][ B    ]           cut to a window    [ A ][ B ]
through a map from outer to inner time, 2x then 1x   [ A ][ B    ]
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from timeline_io.edit import Knot
from timeline_io.model import Clip, Marker, Nest
from timeline_io.shots import ramp_at, ramp_between

Item = Clip | Nest
# Outer time -> inner time, with straight lines between the knots.
TimeMap = tuple[Knot, ...]


def window(items: SequenceOf[Item], start_s: Fraction, end_s: Fraction, at_s: Fraction) -> list[Item]:
    """What lies inside [start_s, end_s), with `start_s` moved to `at_s`; items without a length stay, to be listed."""
    seen = []
    for item in items:
        first_s = max(item.start_s, start_s)
        last_s = min(item.start_s + item.length_s, end_s)
        if last_s > first_s or (item.length_s == 0 and start_s <= item.start_s <= end_s):
            seen.append(_part(item, first_s, last_s, at_s + first_s - start_s))
    return seen


def retimed(items: SequenceOf[Item], time_map: TimeMap, inner_s: Fraction) -> tuple[list[Item], bool]:
    """The items as seen through `time_map`, and whether all are exact; `inner_s` is the length they fill.

    The first and the last item reach as far as the map asks: inner lengths are rounded to whole frames.
    A nest that lies across a change of speed is played at its mean, which is not exact.
    """
    low = min(source_s for _, source_s in time_map)
    high = max(source_s for _, source_s in time_map)
    seen: list[Item] = []
    is_exact = True
    for index, item in enumerate(items):
        end_s = item.start_s + item.length_s
        first_s = min(low, item.start_s) if index == 0 and item.start_s == 0 else item.start_s
        last_s = max(high, end_s) if index == len(items) - 1 and end_s >= inner_s else end_s
        for run in _runs(time_map, first_s, last_s, is_last=index == len(items) - 1):
            for part in (run,) if isinstance(item, Clip) else _without_hold(run):
                is_exact = is_exact and (isinstance(item, Clip) or len(part) == 2)
                seen.append(_through(item, part))
    return sorted(seen, key=lambda item: item.start_s), is_exact


def straightened(knots: SequenceOf[Knot], tolerance: Fraction) -> TimeMap:
    """The knots without those that lie within `tolerance` of the line between their neighbours that stay."""
    kept = list(knots[:1])
    for index in range(1, len(knots) - 1):
        (t0, v0), (t1, v1), (t2, v2) = kept[-1], knots[index], knots[index + 1]
        if t2 > t0 and abs(v0 + (v2 - v0) * (t1 - t0) / (t2 - t0) - v1) > tolerance:
            kept.append(knots[index])
    return (*kept, *knots[1:][-1:])


def _part(item: Item, first_s: Fraction, last_s: Fraction, at_s: Fraction) -> Item:
    offset_s = first_s - item.start_s
    markers = _moved(item.markers, -offset_s)
    length_s = max(last_s - first_s, Fraction(0))
    if isinstance(item, Nest):
        source_s = item.source_start_s + item.speed * offset_s
        return replace(item, start_s=at_s, length_s=length_s, source_start_s=source_s, markers=markers)
    ramp = ramp_between(item.ramp, offset_s, offset_s + length_s)
    return replace(
        _at_source(item, _source_at(item, offset_s)),
        start_s=at_s,
        length_s=length_s,
        ramp=tuple((t - offset_s, source_s) for t, source_s in ramp),
        markers=markers,
    )


def _without_hold(run: list[Knot]) -> list[list[Knot]]:
    """A run and the hold at its end by itself: a frozen nest is exact."""
    return [run[:-1], run[-2:]] if len(run) > 2 and run[-2][1] == run[-1][1] else [run]


def _runs(time_map: TimeMap, first_s: Fraction, last_s: Fraction, *, is_last: bool) -> list[list[Knot]]:
    """The stretches of the map whose inner time lies in [first_s, last_s]; one that only touches it is none.

    A frame that is held belongs to the item that begins with it, and only `is_last` holds its far edge.
    """
    runs: list[list[Knot]] = []
    for (t0, v0), (t1, v1) in pairwise(time_map):
        inside = _clipped(t0, v0, t1, v1, first_s, last_s)
        if inside is None or (v0 == v1 == last_s and not is_last):
            continue
        if runs and runs[-1][-1] == inside[0]:
            runs[-1].append(inside[1])
        else:
            runs.append(list(inside))
    return runs


def _clipped(
    t0: Fraction, v0: Fraction, t1: Fraction, v1: Fraction, first_s: Fraction, last_s: Fraction
) -> tuple[Knot, Knot] | None:
    if v0 == v1:
        return ((t0, v0), (t1, v1)) if first_s <= v0 <= last_s and t1 > t0 else None
    begin = min(max(v0, first_s), last_s)
    end = min(max(v1, first_s), last_s)
    if begin == end:
        return None
    per_second = (t1 - t0) / (v1 - v0)
    return (t0 + (begin - v0) * per_second, begin), (t0 + (end - v0) * per_second, end)


def _through(item: Item, run: list[Knot]) -> Item:
    (start_s, first_s), (end_s, last_s) = run[0], run[-1]
    length_s = end_s - start_s
    mean = (last_s - first_s) / length_s
    offset_s = first_s - item.start_s
    markers = tuple(
        replace(marker, at_s=(marker.at_s - offset_s) / mean, length_s=marker.length_s / abs(mean))
        for marker in item.markers
        if mean
    )
    if isinstance(item, Nest):
        source_s = item.source_start_s + item.speed * offset_s
        speed = item.speed * mean
        return replace(item, start_s=start_s, length_s=length_s, source_start_s=source_s, speed=speed, markers=markers)
    knots = straightened(_composed(item, run), Fraction(0))
    ramp = tuple((t - start_s, source_s) for t, source_s in knots) if len(knots) > 2 else ()
    return replace(
        _at_source(item, knots[0][1]),
        start_s=start_s,
        length_s=length_s,
        speed=(knots[-1][1] - knots[0][1]) / length_s,
        ramp=ramp,
        markers=markers,
    )


def _composed(clip: Clip, run: list[Knot]) -> list[Knot]:
    """Outer time -> media time: the knots of the run, and between them those of the clip's own ramp."""
    knots = [(run[0][0], _source_at(clip, run[0][1] - clip.start_s))]
    for (t0, v0), (t1, v1) in pairwise(run):
        bends = [clip.start_s + t for t, _ in clip.ramp if min(v0, v1) < clip.start_s + t < max(v0, v1)]
        for inner_s in [*sorted(bends, reverse=v1 < v0), v1]:
            outer_s = t1 if inner_s == v1 else t0 + (inner_s - v0) * (t1 - t0) / (v1 - v0)
            knots.append((outer_s, _source_at(clip, inner_s - clip.start_s)))
    return knots


def _source_at(clip: Clip, offset_s: Fraction) -> Fraction:
    return ramp_at(clip.ramp, offset_s) if clip.ramp else clip.source_start_s + clip.speed * offset_s


def _at_source(clip: Clip, source_s: Fraction) -> Clip:
    """The clip from another place in its media on, which its own timecode moves along with."""
    timecode_s = clip.source_timecode_s
    if timecode_s is not None:
        timecode_s += source_s - clip.source_start_s
    return replace(clip, source_start_s=source_s, source_timecode_s=timecode_s)


def _moved(markers: tuple[Marker, ...], by_s: Fraction) -> tuple[Marker, ...]:
    return tuple(replace(marker, at_s=marker.at_s + by_s) for marker in markers)
