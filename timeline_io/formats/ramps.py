"""Changing speeds as knots with straight lines between them, wherever an editor's key frames come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from timeline_io.edit import Knot
from timeline_io.model import Marker, Nest
from timeline_io.shots import ramp_between


def knots_of(pairs: Iterable[Knot]) -> tuple[Knot, ...]:
    """The pairs in order of their time, the last of those at one time, without those on a straight line."""
    ordered = sorted(dict(pairs).items())
    return tuple(knot for index, knot in enumerate(ordered) if not _is_on_line(ordered[max(0, index - 1) : index + 2]))


def visible_between(ramp: tuple[Knot, ...], start_s: Fraction, end_s: Fraction) -> tuple[Knot, ...]:
    """The part of a ramp inside [start_s, end_s), counted from `start_s`."""
    return tuple((at_s - start_s, source_s) for at_s, source_s in ramp_between(ramp, start_s, end_s))


def mean_speed(ramp: tuple[Knot, ...]) -> Fraction:
    """Seconds of media for each second played, from the first knot to the last."""
    (first_s, from_s), (last_s, to_s) = ramp[0], ramp[-1]
    return (to_s - from_s) / (last_s - first_s) if last_s > first_s else Fraction(1)


def ramped(nest: Nest, ramp: tuple[Knot, ...]) -> tuple[Nest, ...]:
    """A nested sequence whose speed changes as a row of nested sequences of one speed each; `ramp` as in a clip."""
    return tuple(
        replace(
            nest,
            start_s=nest.start_s + start_s,
            length_s=end_s - start_s,
            source_start_s=from_s,
            speed=(to_s - from_s) / (end_s - start_s),
            markers=_moved(nest.markers, -start_s),
        )
        for (start_s, from_s), (end_s, to_s) in pairwise(ramp)
    )


def _is_on_line(three: list[Knot]) -> bool:
    if len(three) < 3:
        return False
    (start, low), (middle, value), (end, high) = three
    return (value - low) * (end - middle) == (high - value) * (middle - start)


def _moved(markers: tuple[Marker, ...], by_s: Fraction) -> tuple[Marker, ...]:
    return tuple(replace(marker, at_s=marker.at_s + by_s) for marker in markers)
