"""An edit on disk -> plain shots. The one public way in."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as SequenceOf
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from timeline_io.bundles import container_of
from timeline_io.edit import Edit, Shot, SkippedItem, shot_id_of
from timeline_io.errors import EmptyEditError, SequenceChoiceError, TimelineError, UnsupportedEditError
from timeline_io.files import digest_of
from timeline_io.formats import format_of, refuse_unread_suffix
from timeline_io.formats.base import Format
from timeline_io.frames import FrameSpan, frame_at, rate_name, snap_rate
from timeline_io.holds import held
from timeline_io.joined import joined
from timeline_io.media import MediaSearch
from timeline_io.model import Clip, Marker, Sequence
from timeline_io.motion import motion_remarks
from timeline_io.shot_media import with_media
from timeline_io.shots import Picture, Piece, Unseen, flatten, ramp_between


def read_edit(
    path: Path, *, media: MediaSearch | None = None, sequence: str | None = None, rate: Fraction | None = None
) -> Edit:
    """The shots of an edit in record order, and what was left out with the reason; there may be no shot at all.

    `path` is a timeline file or a bundle of one. `media` says where files may be found (default: as written, or in
    the edit's folder); `sequence` names one sequence of a file that holds several; `rate` is the frame rate of an
    edit decision list, which does not state it (default: found from its numbers, and told in `Edit.remarks`).
    Raises UnreadableEditError, UnsupportedEditError or EmptyEditError, each one sentence.
    """
    return with_media(read_timeline(path, sequence, rate), media)


def read_timeline(path: Path, sequence: str | None = None, rate: Fraction | None = None) -> Edit:
    """`read_edit` without looking for media: every shot is offline, without a reason where none is in the file."""
    refuse_unread_suffix(path.name, path.suffix)
    return edit_of(container_of(path).timeline(), path, sequence, rate)


def list_sequences(path: Path) -> tuple[str, ...]:
    """The names of the sequences that a file holds, as `read_edit` takes them. Raises the errors of read_edit."""
    refuse_unread_suffix(path.name, path.suffix)
    data = container_of(path).timeline()
    try:
        with _naming(path.name):
            only = format_of(data, path.name).read(data, path.name, None)
    except SequenceChoiceError as error:
        return error.names
    return (only.name or path.stem,)


def edit_of(data: bytes, path: Path, sequence: str | None = None, rate: Fraction | None = None) -> Edit:
    """The edit that the bytes of a timeline describe, its media not looked for; `path` names it."""
    found = format_of(data, path.name)
    with _naming(path.name):
        timeline = _read(found, data, path.name, sequence, rate)
        if not timeline.tracks:
            raise EmptyEditError(f"{path.name} has no picture track: there is nothing to make sound for")
        shots, skipped = _shots_of(timeline)
    if not shots and not skipped:
        raise EmptyEditError(f"the picture tracks of {path.name} hold no clip: there is nothing to make sound for")
    return Edit(
        path=path,
        format=found.name,
        name=timeline.name or path.stem,
        rate=timeline.rate,
        start_frame=timeline.start_frame,
        frame_count=frame_at(timeline.length_s, timeline.rate),
        shots=shots,
        skipped=skipped,
        digest=digest_of(data),
        drop_frame=timeline.drop_frame,
        remarks=(*timeline.remarks, *motion_remarks(shot.motion for shot in shots)),
    )


def _read(found: Format, data: bytes, file_name: str, sequence: str | None, rate: Fraction | None) -> Sequence:
    """The sequence, at `rate` in a format that leaves it open; UnsupportedEditError when the file says another."""
    if rate is None:
        return found.read(data, file_name, sequence)
    try:
        exact = snap_rate(rate)
    except ValueError as error:
        raise UnsupportedEditError(str(error)) from error
    if found.read_at is not None:
        return found.read_at(data, file_name, sequence, exact)
    timeline = found.read(data, file_name, sequence)
    if timeline.rate != exact:
        runs, wanted = rate_name(timeline.rate), rate_name(exact)
        raise UnsupportedEditError(f"{file_name} says itself that it runs at {runs}, not at {wanted}: say no rate")
    return timeline


def require_shots(edit: Edit) -> Edit:
    """The edit; raises EmptyEditError, which says what was left out and why, when none of its clips can be seen."""
    if edit.shots:
        return edit
    left_out = "; ".join(f"{item.name} ({item.reason})" for item in edit.skipped[:5])
    more = f" and {len(edit.skipped) - 5} more" if len(edit.skipped) > 5 else ""
    raise EmptyEditError(f"no clip of {edit.path.name} can be seen: {left_out}{more}")


@contextmanager
def _naming(file_name: str) -> Iterator[None]:
    """Errors found deep inside an edit say what is wrong; this adds in which file."""
    try:
        yield
    except TimelineError as error:
        if file_name in str(error):
            raise
        raise type(error)(f"{file_name}: {error}") from error


def _shots_of(timeline: Sequence) -> tuple[tuple[Shot, ...], tuple[SkippedItem, ...]]:
    picture = _from_the_start(flatten(timeline.tracks))
    skipped = [
        SkippedItem(name=lost.name, reason=lost.reason, record=_record(timeline, lost.start_s, lost.end_s))
        for lost in picture.unseen
    ]
    shots: list[Shot] = []
    pieces: list[Piece] = []
    for whole in joined(picture.pieces, timeline.rate):
        piece = held(whole, 1 / timeline.rate)
        record = _record(timeline, piece.start_s, piece.end_s)
        if record.count > 0:
            shots.append(_shot(shot_id_of(len(shots) + 1), piece, record, timeline))
            pieces.append(piece)
        else:
            skipped.append(SkippedItem(name=piece.clip.name, reason="shorter than one frame", record=record))
    return _dissolved(shots, pieces, picture, timeline), tuple(skipped)


def _dissolved(
    shots: SequenceOf[Shot], pieces: SequenceOf[Piece], picture: Picture, timeline: Sequence
) -> tuple[Shot, ...]:
    """The shots with the dissolves of which both sides are seen, as far as they are seen."""
    dissolves = {(track, dissolve.cut_s): dissolve for track, dissolve in picture.dissolves}
    found = list(shots)
    for index, (before, after) in enumerate(pairwise(pieces), start=1):
        dissolve = dissolves.get((after.track, after.start_s))
        if dissolve is None or (before.track, before.end_s) != (after.track, after.start_s):
            continue
        start_s, end_s = max(dissolve.start_s, before.start_s), min(dissolve.end_s, after.end_s)
        span = _record(timeline, start_s, end_s)
        if span.count > 0:
            found[index - 1] = replace(found[index - 1], dissolve_out=span)
            found[index] = replace(found[index], dissolve_in=span)
    return tuple(found)


def _from_the_start(picture: Picture) -> Picture:
    """The picture without what lies before the first frame of the timeline: nobody sees that."""
    start_s = Fraction(0)
    if all(piece.start_s >= start_s for piece in picture.pieces):
        return picture
    seen = [piece.between(start_s, piece.end_s) for piece in picture.pieces if piece.end_s > start_s]
    before = (piece for piece in picture.pieces if piece.end_s <= start_s)
    reason = "before the start of the timeline"
    unseen = (Unseen(name=p.clip.name, reason=reason, start_s=p.start_s, end_s=p.end_s) for p in before)
    return replace(picture, pieces=tuple(seen), unseen=(*picture.unseen, *unseen))


def _record(timeline: Sequence, start_s: Fraction, end_s: Fraction) -> FrameSpan:
    first, end = frame_at(start_s, timeline.rate), frame_at(end_s, timeline.rate)
    return FrameSpan(first=timeline.start_frame + first, count=end - first, rate=timeline.rate)


def _shot(shot_id: str, piece: Piece, record: FrameSpan, timeline: Sequence) -> Shot:
    clip = piece.clip
    # The record edge was rounded to a frame; the source must be the one seen at that edge.
    begin_s = Fraction(record.first - timeline.start_frame) / timeline.rate
    end_s = begin_s + record.duration_s
    ramp = tuple((t - begin_s, source_s) for t, source_s in ramp_between(piece.ramp, begin_s, end_s))
    source_start_s = piece.source_at(begin_s)
    return Shot(
        shot_id=shot_id,
        name=clip.name,
        media=None,
        media_ref=clip.media_ref,
        record=record,
        source_start_s=source_start_s,
        speed=piece.speed,
        notes=_notes(piece, timeline.markers),
        track=piece.track,
        ramp=ramp,
        source_timecode_s=_timecode(clip, source_start_s),
        source_counted=clip.source_counted,
        start_unknown=clip.start_unknown,
        reel=clip.reel,
        offline_reason=clip.offline_reason,
        numbered=clip.numbered and replace(clip.numbered, rate=clip.numbered.rate or timeline.rate),
        motion=clip.motion,
    )


def _timecode(clip: Clip, source_start_s: Fraction) -> Fraction | None:
    """The source time of a shot in the media's own timecode; the clip says how far that is from the file's start."""
    if clip.source_timecode_s is None:
        return None
    return source_start_s + clip.source_timecode_s - clip.source_start_s


def _notes(piece: Piece, timeline_markers: tuple[Marker, ...]) -> tuple[str, ...]:
    texts = [*piece.clip.notes]
    for marker in sorted((*piece.markers, *timeline_markers), key=lambda marker: marker.at_s):
        inside = piece.start_s <= marker.at_s < piece.end_s
        runs_in = marker.at_s < piece.start_s < marker.at_s + marker.length_s
        if inside or runs_in:
            texts += marker.texts
    return tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))
