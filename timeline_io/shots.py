"""What the audience sees: the layers of a sequence flattened into pieces of single clips.

    V2        [  B  ]              a higher track covers a lower one,
    V1   [ A            ]   [C]    a nested sequence is flattened first and then placed
    ->   [A ][  B  ][ A ]   [C]    with its own trim and speed.

The second piece of A starts at `A.source_start_s + A.speed * offset`: with a 2x speed it lies twice
as far into the media as into the clip.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from timeline_io.cover import Cover
from timeline_io.edit import Knot
from timeline_io.errors import UnreadableEditError
from timeline_io.holds import hold_of
from timeline_io.model import Clip, Dissolve, Marker, Nest, Track

# Sequences nested in each other multiply: ten levels of ten would be ten thousand million pieces.
MAX_PIECES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A visible stretch of one clip, in seconds of the sequence it is seen in, the knots of its ramp as well."""

    clip: Clip
    track: str
    start_s: Fraction
    end_s: Fraction
    source_start_s: Fraction
    speed: Fraction
    markers: tuple[Marker, ...]
    ramp: tuple[Knot, ...] = ()

    def source_at(self, time_s: Fraction) -> Fraction:
        """Seconds into the media seen at `time_s`."""
        if self.ramp:
            return ramp_at(self.ramp, time_s)
        return self.source_start_s + self.speed * (time_s - self.start_s)

    def between(self, start_s: Fraction, end_s: Fraction) -> Piece:
        """The part of the piece inside [start_s, end_s)."""
        start_s, end_s = max(start_s, self.start_s), min(end_s, self.end_s)
        first_s, last_s = self.source_at(start_s), self.source_at(end_s)
        return replace(
            self,
            start_s=start_s,
            end_s=end_s,
            source_start_s=first_s,
            # The mean of a ramp is that of the part that is seen.
            speed=(last_s - first_s) / (end_s - start_s) if self.ramp and end_s > start_s else self.speed,
            ramp=ramp_between(self.ramp, start_s, end_s),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A clip of which nothing is seen, why, and where it lies in seconds of the sequence."""

    name: str
    reason: str
    start_s: Fraction
    end_s: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A flattened sequence: its visible pieces in time order, the clips that are not seen, and the dissolves of every
    track with the track's name, whether or not both sides are seen."""

    pieces: tuple[Piece, ...]
    unseen: tuple[Unseen, ...]
    dissolves: tuple[tuple[str, Dissolve], ...] = ()


def flatten(tracks: SequenceOf[Track], _known: dict[int, Picture] | None = None) -> Picture:
    """Picture tracks from the bottom up -> what is visible, with nested sequences resolved.

    Raises UnreadableEditError when nested sequences multiply beyond all reason.
    """
    known = {} if _known is None else _known
    covered = Cover()
    pieces: list[Piece] = []
    unseen: list[Unseen] = []
    dissolves: list[tuple[str, Dissolve]] = []
    for track in reversed(tracks):
        dissolves += [(track.name, dissolve) for dissolve in track.dissolves]
        for item in track.items:
            layer = _layer(item, track, known)
            unseen += layer.unseen
            dissolves += layer.dissolves
            for piece in layer.pieces:
                _show(piece, covered, pieces, unseen)
            if len(pieces) + len(unseen) > MAX_PIECES:
                raise UnreadableEditError(f"the edit's nested sequences hold more than {MAX_PIECES} clips")
    pieces.sort(key=lambda piece: piece.start_s)
    return Picture(pieces=tuple(pieces), unseen=tuple(unseen), dissolves=tuple(dissolves))


def _show(piece: Piece, covered: Cover, pieces: list[Piece], unseen: list[Unseen]) -> None:
    """Add what no higher layer covers of `piece`, and cover what lies below it."""
    free = covered.gaps(piece.start_s, piece.end_s)
    pieces += [piece.between(start, end) for start, end in free]
    if not free:
        above = " and ".join(covered.names(piece.start_s, piece.end_s)[:3])
        unseen.append(_unseen(piece.clip.name, f"hidden behind {above}", piece.start_s, piece.end_s))
    covered.add(piece.start_s, piece.end_s, piece.clip.name)


def _layer(item: Clip | Nest, track: Track, known: dict[int, Picture]) -> Picture:
    """One item by itself, in the time of its track."""
    reason = _why_unseen(item, track)
    if reason:
        end_s = item.start_s + max(item.length_s, Fraction(0))
        return Picture(pieces=(), unseen=(_unseen(item.name, reason, item.start_s, end_s),))
    if isinstance(item, Clip):
        return Picture(pieces=(_whole(item, track.name),), unseen=())
    if id(item.tracks) not in known:
        known[id(item.tracks)] = flatten(item.tracks, known)
    return _placed(known[id(item.tracks)], item, track.name)


def _why_unseen(item: Clip | Nest, track: Track) -> str:
    if not item.enabled:
        return "disabled"
    if not track.enabled:
        return f"on the disabled track {track.name}"
    if isinstance(item, Clip) and item.no_picture:
        return item.no_picture
    return "" if item.length_s > 0 else "has no length"


def _whole(clip: Clip, track: str) -> Piece:
    return Piece(
        clip=clip,
        track=track,
        start_s=clip.start_s,
        end_s=clip.start_s + clip.length_s,
        source_start_s=clip.source_start_s,
        speed=clip.speed,
        markers=_moved(clip.markers, clip.start_s),
        ramp=tuple((clip.start_s + t, source_s) for t, source_s in clip.ramp),
    )


def _placed(inside: Picture, nest: Nest, track: str) -> Picture:
    """A flattened sequence as seen through the clip that uses it: trimmed, retimed and moved."""
    edges = (nest.source_start_s, nest.source_start_s + nest.speed * nest.length_s)
    window = (min(edges), max(edges))
    pieces: list[Piece] = []
    unseen: list[Unseen] = []
    nest_end_s = nest.start_s + nest.length_s
    for piece in inside.pieces:
        if nest.speed == 0 and piece.start_s <= window[0] < piece.end_s:
            pieces.append(_frozen(piece, nest, track))
        elif nest.speed != 0 and piece.start_s < window[1] and piece.end_s > window[0]:
            pieces.append(_through(piece.between(*window), nest, track))
        else:
            reason = f"outside the part of {nest.name} that is used"
            unseen.append(_unseen(piece.clip.name, reason, nest.start_s, nest_end_s))
    hold = hold_of(nest)
    if hold is not None:
        last_s = hold.source_start_s
        pieces += [_frozen(piece, hold, track) for piece in inside.pieces if piece.start_s <= last_s < piece.end_s]
    unseen += [replace(lost, start_s=nest.start_s, end_s=nest_end_s) for lost in inside.unseen]
    if not pieces and not unseen:
        unseen.append(_unseen(nest.name, "a nested sequence without a picture", nest.start_s, nest_end_s))
    dissolves = [(track, _outside(inner, nest)) for _, inner in inside.dissolves] if nest.speed else []
    return Picture(pieces=tuple(pieces), unseen=tuple(unseen), dissolves=tuple(dissolves))


def _through(piece: Piece, nest: Nest, track: str) -> Piece:
    """A piece inside a nested sequence, in the time of the sequence around it; speeds multiply."""

    def outside(time_s: Fraction) -> Fraction:
        return _time_outside(time_s, nest)

    # Played backwards, the last frame inside is the first one outside.
    first_s = piece.start_s if nest.speed > 0 else piece.end_s
    edges = sorted((outside(piece.start_s), outside(piece.end_s)))
    inner = (*piece.markers, *nest.inner_markers)
    return replace(
        piece,
        track=track,
        start_s=edges[0],
        end_s=edges[1],
        source_start_s=piece.source_at(first_s),
        speed=piece.speed * nest.speed,
        ramp=tuple(sorted((outside(t), source_s) for t, source_s in piece.ramp)),
        markers=(*(replace(m, at_s=outside(m.at_s)) for m in inner), *_moved(nest.markers, nest.start_s)),
    )


def _outside(dissolve: Dissolve, nest: Nest) -> Dissolve:
    start_s, end_s = sorted((_time_outside(dissolve.start_s, nest), _time_outside(dissolve.end_s, nest)))
    return Dissolve(start_s=start_s, cut_s=_time_outside(dissolve.cut_s, nest), end_s=end_s)


def _time_outside(time_s: Fraction, nest: Nest) -> Fraction:
    """A time inside a nested sequence, in the time of the sequence around it."""
    return nest.start_s + (time_s - nest.source_start_s) / nest.speed


def _frozen(piece: Piece, nest: Nest, track: str) -> Piece:
    return replace(
        piece,
        track=track,
        start_s=nest.start_s,
        end_s=nest.start_s + nest.length_s,
        source_start_s=piece.source_at(nest.source_start_s),
        speed=Fraction(0),
        ramp=(),
        markers=_moved(nest.markers, nest.start_s),
    )


def ramp_at(ramp: SequenceOf[Knot], time_s: Fraction) -> Fraction:
    """The source time at `time_s`; before the first and after the last knot the nearest line goes on."""
    for before, after in pairwise(ramp):
        if time_s < after[0] or after is ramp[-1]:
            return before[1] + (after[1] - before[1]) * (time_s - before[0]) / (after[0] - before[0])
    return ramp[0][1]


def ramp_between(ramp: SequenceOf[Knot], start_s: Fraction, end_s: Fraction) -> tuple[Knot, ...]:
    """The knots inside (start_s, end_s), with one at each edge; none of none."""
    if not ramp:
        return ()
    inside = [knot for knot in ramp if start_s < knot[0] < end_s]
    return ((start_s, ramp_at(ramp, start_s)), *inside, (end_s, ramp_at(ramp, end_s)))


def _moved(markers: SequenceOf[Marker], by_s: Fraction) -> tuple[Marker, ...]:
    return tuple(replace(marker, at_s=marker.at_s + by_s) for marker in markers)


def _unseen(name: str, reason: str, start_s: Fraction, end_s: Fraction) -> Unseen:
    return Unseen(name=name, reason=reason, start_s=start_s, end_s=end_s)
