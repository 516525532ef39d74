"""The sound tracks of an AAF composition, as whatever program wrote it last. They carry no markers of ours."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from timeline_io.formats.aaf.cuts import cuts
from timeline_io.formats.aaf.fades import fade_length, fades_of
from timeline_io.formats.aaf.media import Mob, Mobs
from timeline_io.formats.aaf.retime import is_disabled
from timeline_io.formats.aaf.sound import MARK
from timeline_io.formats.aaf.unseen import effect_name
from timeline_io.formats.aaf.values import attributes, children, kind, number, rate_of, text, value
from timeline_io.formats.found import FoundClip, FoundTrack, transition


def clips_of(slot: Any) -> list[Any]:
    """All source clips of a sound slot, whatever effects an editor put around them; none in another slot."""
    segment = value(slot, "Segment") if kind(slot) == "TimelineMobSlot" else None
    if segment is None or segment.media_kind not in ("Sound", "LegacySound"):
        return []
    return _source_clips(segment)


def is_marked(mob: Mob | None) -> bool:
    """Whether a mob carries our mark."""
    return mob is not None and MARK in attributes(mob.thing, "UserComments")


def found_track(slot: Any, mobs: Mobs) -> FoundTrack:
    """A sound slot."""
    segment, rate = value(slot, "Segment"), rate_of(slot)
    parts = children(segment, "Components") if kind(segment) == "Sequence" else [segment]
    indices = [index for index, part in enumerate(parts) if kind(part) != "Transition"]
    clips = [
        replace(found, fade_in_s=fades[0] / rate, fade_out_s=fades[1] / rate)
        for index, (part, start, first, last) in zip(indices, cuts(parts), strict=True)
        for fades in [fades_of(parts, index)]
        for clip in _source_clips(part)
        for found in [_found(part, clip, mobs, rate, (first, last, first - start))]
    ]
    transitions = (index for index, part in enumerate(parts) if kind(part) == "Transition")
    others = [transition() for index in transitions if not fade_length(parts, index)]
    return FoundTrack(key=str(number(slot, "SlotID")), name=text(slot, "SlotName"), clips=(*clips, *others))


def _source_clips(segment: Any) -> list[Any]:
    return [found for found, _ in segment.walk_references() if kind(found) == "SourceClip"]


def _found(part: Any, clip: Any, mobs: Mobs, rate: Fraction, place: tuple[int, int, int]) -> FoundClip:
    """`clip` is the part of a track itself or lies inside it; `place` is its first and last frame, and how far into
    the part the first is."""
    source = mobs.source(clip, rate)
    first, last, begun = place
    return FoundClip(
        name=source.name or "a clip without a name",
        media_ref=source.ref,
        start_s=first / rate,
        length_s=(last - first) / rate,
        source_s=source.start_s + begun / rate,
        effects=() if clip is part or kind(part) == "Selector" else (_name_of(part),),
        enabled=kind(part) != "Selector" or not is_disabled(part),
        marked=is_marked(mobs.referenced(clip)),
    )


def _name_of(part: Any) -> str:
    return effect_name(part) if kind(part) == "OperationGroup" else "another clip around it"
