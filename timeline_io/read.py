"""An edit on disk -> plain shots. The one public way in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from timeline_io.edit import Edit, Shot, SkippedItem
from timeline_io.errors import EmptyEditError, TimelineError
from timeline_io.files import digest_of, read_edit_bytes
from timeline_io.frames import FrameSpan, frame_at
from timeline_io.media import MediaSearch
from timeline_io.model import Clip, Marker, Sequence
from timeline_io.readers import reader_of, refuse_unread_suffix
from timeline_io.shots import Piece, flatten, ramp_between

# Two pieces join when the second continues the first within a quarter of a frame: exporters round
# source times, and the smallest jump cut is a whole frame.
_CONTINUES_WITHIN_FRAMES = Fraction(1, 4)


def read_edit(path: Path, *, media: MediaSearch | None = None, sequence: str | None = None) -> Edit:
    """The shots of an edit in record order, and what was left out with the reason.

    `media` says where files may be found (default: as written, or in the edit's folder);
    `sequence` names one sequence of a file that holds several.
    Raises UnreadableEditError, UnsupportedEditError or EmptyEditError, each one sentence.
    """
    refuse_unread_suffix(path.name, path.suffix)
    data = read_edit_bytes(path)
    reader = reader_of(data, path.name)
    with _naming(path.name):
        timeline = reader.read(data, path.name, sequence)
        if not timeline.tracks:
            raise EmptyEditError(f"{path.name} has no picture track: there is nothing to make sound for")
        shots, skipped = _shots_of(timeline, media or MediaSearch(edit_folder=path.parent))
    if not shots:
        raise EmptyEditError(_nothing_seen(path.name, skipped))
    return Edit(
        path=path,
        format=reader.name,
        name=timeline.name or path.stem,
        rate=timeline.rate,
        start_frame=timeline.start_frame,
        frame_count=frame_at(timeline.length_s, timeline.rate),
        shots=shots,
        skipped=skipped,
        digest=digest_of(data),
        drop_frame=timeline.drop_frame,
        remarks=timeline.remarks,
    )


@contextmanager
def _naming(file_name: str) -> Iterator[None]:
    """Errors found deep inside an edit say what is wrong; this adds in which file."""
    try:
        yield
    except TimelineError as error:
        if file_name in str(error):
            raise
        raise type(error)(f"{file_name}: {error}") from error


def _shots_of(timeline: Sequence, search: MediaSearch) -> tuple[tuple[Shot, ...], tuple[SkippedItem, ...]]:
    picture = flatten(timeline.tracks)
    skipped = [
        SkippedItem(name=lost.name, reason=lost.reason, record=_record(timeline, lost.start_s, lost.end_s))
        for lost in picture.unseen
    ]
    shots: list[Shot] = []
    for piece in _joined(picture.pieces, timeline.rate):
        record = _record(timeline, piece.start_s, piece.end_s)
        if record.count > 0:
            shots.append(_shot(f"sh{10 * (len(shots) + 1):04d}", piece, record, timeline, search))
        else:
            skipped.append(SkippedItem(name=piece.clip.name, reason="shorter than one frame", record=record))
    return tuple(shots), tuple(skipped)


def _joined(pieces: tuple[Piece, ...], rate: Fraction) -> list[Piece]:
    """Pieces with those made one that the audience sees as one: a cut through a clip that changes nothing."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and _continues(joined[-1], piece, rate):
            before = joined[-1]
            markers = tuple(dict.fromkeys((*before.markers, *piece.markers)))
            joined[-1] = replace(before, end_s=piece.end_s, markers=markers, ramp=before.ramp + piece.ramp[1:])
        else:
            joined.append(piece)
    return joined


def _continues(before: Piece, after: Piece, rate: Fraction) -> bool:
    same_clip = before.clip is after.clip or (
        bool(before.clip.media_ref)
        and (before.clip.media_ref, before.clip.name, before.clip.notes)
        == (after.clip.media_ref, after.clip.name, after.clip.notes)
    )
    jump_s = abs(after.source_start_s - before.source_at(before.end_s))
    return (
        same_clip
        and before.end_s == after.start_s
        and before.speed == after.speed
        and bool(before.ramp) == bool(after.ramp)
        and (before.clip is after.clip or not before.ramp)
        and jump_s * rate < _CONTINUES_WITHIN_FRAMES
    )


def _record(timeline: Sequence, start_s: Fraction, end_s: Fraction) -> FrameSpan:
    first, end = frame_at(start_s, timeline.rate), frame_at(end_s, timeline.rate)
    return FrameSpan(first=timeline.start_frame + first, count=end - first, rate=timeline.rate)


def _shot(shot_id: str, piece: Piece, record: FrameSpan, timeline: Sequence, search: MediaSearch) -> Shot:
    clip = piece.clip
    media = None if clip.offline_reason else search.resolve(clip.media_ref)
    # The record edge was rounded to a frame; the source must be the one seen at that edge.
    begin_s = Fraction(record.first - timeline.start_frame) / timeline.rate
    end_s = begin_s + record.duration_s
    ramp = tuple((t - begin_s, source_s) for t, source_s in ramp_between(piece.ramp, begin_s, end_s))
    source_start_s = piece.source_at(begin_s)
    return Shot(
        shot_id=shot_id,
        name=clip.name,
        media=media,
        media_ref=clip.media_ref,
        record=record,
        source_start_s=source_start_s,
        speed=piece.speed,
        notes=_notes(piece, timeline.markers),
        track=piece.track,
        ramp=ramp,
        source_timecode_s=_timecode(clip, source_start_s),
        start_unknown=clip.start_unknown,
        offline_reason="" if media else clip.offline_reason or _offline_reason(clip.media_ref, search),
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


def _offline_reason(media_ref: str, search: MediaSearch) -> str:
    if not media_ref:
        return "offline: the edit names no media file"
    tried = [str(path) for path in search.looked_for(media_ref)]
    return f"offline: looked for {', '.join(tried) or media_ref}"


def _nothing_seen(file_name: str, skipped: tuple[SkippedItem, ...]) -> str:
    if not skipped:
        return f"the picture tracks of {file_name} hold no clip: there is nothing to make sound for"
    left_out = "; ".join(f"{item.name} ({item.reason})" for item in skipped[:5])
    more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    return f"no clip of {file_name} can be seen: {left_out}{more}"
