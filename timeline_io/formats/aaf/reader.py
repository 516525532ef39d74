"""AAF, as Media Composer, Resolve and Premiere export it -> model.Sequence."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from timeline_io.errors import UnreadableEditError
from timeline_io.formats.aaf.media import Mobs, markers_in
from timeline_io.formats.aaf.opening import opened
from timeline_io.formats.aaf.tracks import Tracks
from timeline_io.formats.aaf.values import (
    children,
    is_picture,
    kind,
    length_of,
    media_kind,
    number,
    picture_slots,
    rate_of,
    text,
    timeline_slots,
    value,
)
from timeline_io.formats.pick import pick
from timeline_io.model import Sequence, Track

_TOP_LEVEL = "Usage_TopLevel"


def read_aaf(data: bytes, file_name: str, sequence: str | None) -> Sequence:
    """The sequence of that name, or the only one that no other sequence uses."""
    with opened(data, file_name) as aaf:
        builder = Tracks(Mobs(aaf.content))
        composition = choose_composition(aaf, file_name, sequence)
        rate = picture_rate(composition)
        tracks = builder.of(composition)
        start_frame, drop_frame = start_timecode(composition, rate)
        return Sequence(
            name=text(composition, "Name"),
            rate=rate,
            start_frame=start_frame,
            length_s=_length(composition, tracks),
            tracks=tracks,
            markers=markers_in(children(composition, "Slots")),
            drop_frame=drop_frame,
            remarks=tuple(builder.remarks),
        )


def choose_composition(aaf: Any, file_name: str, wanted: str | None) -> Any:
    """The composition called `wanted`, or the only one; raises as `pick` does, or when the file holds none."""
    mobs = _compositions(aaf.content.mobs)
    if not mobs:
        raise UnreadableEditError(f"{file_name} holds no sequence: export the timeline, not single clips")
    top = [mob for mob in mobs if value(mob, "UsageCode") == _TOP_LEVEL] or _unused(mobs) or mobs
    filled = [mob for mob in top if picture_slots(mob)] or top
    # A file keeps its mobs in an order of its own; by name, choosing and naming them stays the same.
    filled.sort(key=lambda mob: (text(mob, "Name"), str(mob.mob_id)))
    return pick(filled, [text(mob, "Name") for mob in filled], file_name, wanted)


def picture_rate(composition: Any) -> Fraction:
    """Frames per second of the picture; without picture, of whatever timeline there is."""
    slots = picture_slots(composition) or list(timeline_slots(composition))
    if not slots:
        raise UnreadableEditError(f"the sequence {text(composition, 'Name')!r} has no tracks")
    return rate_of(slots[0])


def start_timecode(composition: Any, rate: Fraction) -> tuple[int, bool]:
    """The first frame counted from midnight, and whether numbers are dropped; the primary timecode is track 1."""
    nominal = max(1, round(rate))
    found: list[tuple[bool, int, int, Any]] = []
    for slot in timeline_slots(composition):
        segment = value(slot, "Segment")
        inner = next(iter(children(segment, "Components")), None) if kind(segment) == "Sequence" else segment
        if kind(inner) == "Timecode" and number(inner, "FPS") > 0:
            # Avid adds timecodes at other rates for its own use; they follow the one of the sequence.
            found.append((number(inner, "FPS") != nominal, number(slot, "PhysicalTrackNumber"), len(found), inner))
    if not found:
        return 0, False
    segment = min(found, key=lambda entry: entry[:3])[3]
    start = number(segment, "Start") * nominal // number(segment, "FPS")
    return start, bool(value(segment, "Drop")) and rate.denominator == 1001


def _compositions(mobs: Any) -> list[Any]:
    """The compositions among all mobs, without reading the others, which are many."""
    from aaf2.mobs import CompositionMob

    folders = {key: mobs.parent.dir.get(mobs.index_ref_name(key)) for key in mobs.references}
    return [mobs.get(key) for key, folder in folders.items() if folder.class_id == CompositionMob.class_id]


def _unused(mobs: list[Any]) -> list[Any]:
    """The compositions that no other composition uses, where the file does not mark the topmost."""
    used = {
        value(found, "SourceID") for mob in mobs for found, _ in mob.walk_references() if kind(found) == "SourceClip"
    }
    return [mob for mob in mobs if mob.mob_id not in used]


def _length(composition: Any, tracks: tuple[Track, ...]) -> Fraction:
    """The longest track of picture or sound, but never less than what lies on the picture tracks."""
    declared = [Fraction(0)]
    for slot in timeline_slots(composition):
        segment = value(slot, "Segment")
        if is_picture(segment) or media_kind(segment).removeprefix("Legacy") == "Sound":
            declared.append(length_of(segment) / rate_of(slot))
    laid = [item.start_s + item.length_s for track in tracks for item in track.items]
    return max(declared + laid)
