"""What is seen after a speed-up has run out of picture: the last one, held.

media     [ 10 s at twice the speed ]
played    [ 2x:  5 s ][ last frame: 1 s ]      for a clip that is 6 s long
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from timeline_io.edit import Knot
from timeline_io.model import Nest

if TYPE_CHECKING:
    from timeline_io.shots import Piece

# A hold that is shorter than a frame of most edits was rounded, and never meant.
_SHORTEST_S = Fraction(1, 25)
# The last picture is the one that is seen a moment before the end.
_MOMENT_S = Fraction(1, 1000)


def held(piece: Piece, frame_s: Fraction) -> Piece:
    """The piece with the last frame of its media held where it asks for more; `frame_s` is a frame of the timeline.

    Media lengths are rounded: only a speed-up of which a whole frame lies outside is held.
    """
    last_s = piece.clip.last_frame_s
    if last_s is None or piece.clip.source_start_s >= last_s or not (piece.ramp or piece.speed > 1):
        return piece
    if piece.source_at(piece.end_s - frame_s) < last_s + 2 * frame_s:
        return piece
    line = piece.ramp or ((piece.start_s, piece.source_start_s), (piece.end_s, piece.source_at(piece.end_s)))
    ramp = capped(line, last_s)
    if len(ramp) < 3:
        # It had come to the end before.
        return replace(piece, source_start_s=last_s, speed=Fraction(0), ramp=())
    return replace(piece, ramp=ramp, speed=(ramp[-1][1] - ramp[0][1]) / (ramp[-1][0] - ramp[0][0]))


def hold_of(nest: Nest) -> Nest | None:
    """The frozen rest of a nested sequence that is played faster than it lasts; None where nothing is left."""
    ends = (item.start_s + item.length_s for track in nest.tracks for item in track.items)
    end_s = max(ends, default=Fraction(0))
    if nest.speed <= 1 or nest.source_start_s >= end_s:
        return None
    played_s = (end_s - nest.source_start_s) / nest.speed
    if nest.length_s - played_s < _SHORTEST_S:
        return None
    return replace(
        nest,
        start_s=nest.start_s + played_s,
        length_s=nest.length_s - played_s,
        source_start_s=end_s - _MOMENT_S,
        speed=Fraction(0),
        markers=(),
    )


def capped(ramp: tuple[Knot, ...], highest_s: Fraction) -> tuple[Knot, ...]:
    """A ramp that holds `highest_s` where it would go beyond; two knots are left of one that is all beyond."""
    knots = [(ramp[0][0], min(ramp[0][1], highest_s))]
    for (start_s, from_s), (end_s, to_s) in pairwise(ramp):
        if min(from_s, to_s) < highest_s < max(from_s, to_s):
            knots.append((start_s + (highest_s - from_s) * (end_s - start_s) / (to_s - from_s), highest_s))
        elif min(from_s, to_s) >= highest_s and len(knots) > 1 and knots[-2][1] == highest_s:
            # The hold goes on.
            knots.pop()
        knots.append((end_s, min(to_s, highest_s)))
    return tuple(knots)
