"""Pieces of picture that the audience sees as one, made one: a cut through a clip changes nothing.

clip at 0 s [ 0-2 s ][ 2-5 s ]   ->   [ 0-5 s ]
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from timeline_io.model import Clip
from timeline_io.shots import Piece

# Two pieces join when the second continues the first within a quarter of a frame: exporters round
# source times, and the smallest jump cut is a whole frame.
_CONTINUES_WITHIN_FRAMES = Fraction(1, 4)


def joined(pieces: tuple[Piece, ...], rate: Fraction) -> list[Piece]:
    """Pieces with those made one that the audience sees as one: a cut through a clip that changes nothing."""
    found: list[Piece] = []
    for piece in pieces:
        if found and _continues(found[-1], piece, rate):
            before = found[-1]
            markers = tuple(dict.fromkeys((*before.markers, *piece.markers)))
            found[-1] = replace(before, end_s=piece.end_s, markers=markers, ramp=before.ramp + piece.ramp[1:])
        else:
            found.append(piece)
    return found


def _continues(before: Piece, after: Piece, rate: Fraction) -> bool:
    same_clip = before.clip is after.clip or (bool(before.clip.media_ref) and _shown(before.clip) == _shown(after.clip))
    jump_s = abs(after.source_start_s - before.source_at(before.end_s))
    return (
        same_clip
        and before.end_s == after.start_s
        and before.speed == after.speed
        and bool(before.ramp) == bool(after.ramp)
        and (before.clip is after.clip or not before.ramp)
        and jump_s * rate < _CONTINUES_WITHIN_FRAMES
    )


def _shown(clip: Clip) -> tuple[object, ...]:
    """What two clips have in common that show one file in the same way; media may yet tell two motions apart."""
    return clip.media_ref, clip.numbered, clip.reel, clip.name, clip.notes, clip.motion and clip.motion.fps
