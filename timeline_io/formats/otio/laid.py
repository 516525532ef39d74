"""The audio tracks of an .otio timeline, as whatever program wrote it last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from timeline_io.errors import TimelineError
from timeline_io.formats.found import FoundClip, FoundTrack, transition
from timeline_io.formats.on_markers import is_on
from timeline_io.formats.otio.document import OtioObject, marker_texts, objects, offsets_of, schema, span_of, text
from timeline_io.formats.otio.media import media_of, source_offset
from timeline_io.formats.otio.retime import retime_of

MARK = "smooth_foley"


def is_marked(item: OtioObject) -> bool:
    """Whether a track or clip carries our mark."""
    return MARK in _metadata(item)


def found_track(track: OtioObject, key: str) -> FoundTrack:
    """An audio track; its items follow each other without holes."""
    name = text(track, "name")
    window = span_of(track, "source_range", name)
    at_s = -window[0] if window else Fraction(0)
    clips = []
    items = list(objects(track, "children"))
    for index, item in enumerate(items):
        kind = schema(item)
        if kind == "Transition":
            if not any(_fade_of(items, index)):
                clips.append(transition())
            continue
        found = _found(item, kind, at_s)
        at_s += found.length_s
        if kind != "Gap":
            clips.append(replace(found, fade_in_s=_fade_in_s(items, index), fade_out_s=_fade_out_s(items, index)))
    return FoundTrack(key=key, name=name, clips=tuple(clips), enabled=track.get("enabled") is not False)


def _fade_in_s(items: list[OtioObject], index: int) -> Fraction:
    """How long the item at `index` fades in."""
    return _fade_of(items, index - 1)[0] if index and schema(items[index - 1]) == "Transition" else Fraction(0)


def _fade_out_s(items: list[OtioObject], index: int) -> Fraction:
    following = items[index + 1 : index + 2]
    return _fade_of(items, index + 1)[1] if following and schema(following[0]) == "Transition" else Fraction(0)


def _fade_of(items: list[OtioObject], index: int) -> tuple[Fraction, Fraction]:
    """The lengths of the fade-in of the item after a transition and of the fade-out of the one before it; zeros for a
    transition that is neither, because it lies over two clips or reaches out of its clip."""
    nothing = Fraction(0)
    before_s, after_s = offsets_of(items[index])
    beside = items[index - 1 : index] if index else [], items[index + 1 : index + 2]
    is_clip = [bool(one) and schema(one[0]) != "Gap" for one in beside]
    if is_clip == [False, True] and not before_s:
        return after_s, nothing
    if is_clip == [True, False] and not after_s:
        return nothing, before_s
    return nothing, nothing


def _found(item: OtioObject, kind: str, at_s: Fraction) -> FoundClip:
    """An item; of one whose media or markers are damaged only its place, which is all that reading an edit needs."""
    name = text(item, "name") or "a clip without a name"
    try:
        if kind == "Clip":
            return _clip(item, name, at_s)
    except TimelineError:
        pass
    span = span_of(item, "source_range", name)
    return FoundClip(name=name, start_s=at_s, length_s=max(span[1], Fraction(0)) if span else Fraction(0))


def _clip(clip: OtioObject, name: str, at_s: Fraction) -> FoundClip:
    media = media_of(clip, name)
    first_s, length_s = span_of(clip, "source_range", name) or media.available or (Fraction(0), Fraction(0))
    return FoundClip(
        name=name,
        media_ref=media.ref,
        start_s=at_s,
        length_s=max(length_s, Fraction(0)),
        source_s=source_offset(clip, first_s, length_s, media),
        ons=tuple(_ons(clip, at_s - first_s, media.available[0] if media.available else Fraction(0))),
        effects=tuple(_effects(clip)),
        enabled=clip.get("enabled") is not False,
        marked=is_marked(clip),
    )


def _ons(clip: OtioObject, shift_s: Fraction, media_s: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
    """Markers count like the clip's source range; those before the media begins were counted from its start."""
    for marker in objects(clip, "markers"):
        span = span_of(marker, "marked_range", "a marker")
        if span and is_on(marker_texts(marker)):
            own_s = span[0] + media_s if span[0] < media_s else span[0]
            yield own_s + shift_s, max(span[1], Fraction(0))


def _effects(clip: OtioObject) -> Iterator[str]:
    """Effects that do something. What Premiere writes about every clip does not say whether it was changed."""
    if not retime_of(clip).is_plain:
        yield "a change of speed"
    for effect in objects(clip, "effects"):
        if effect.get("enabled") is False or schema(effect) in ("LinearTimeWarp", "FreezeFrame", "TimeEffect"):
            continue
        block = _metadata(effect).get("Resolve_OTIO")
        if isinstance(block, dict):
            if block.get("Enabled") is not False and any(map(_is_changed, objects(block, "Parameters"))):
                yield text(block, "Effect Name") or "an effect"
        elif "PremierePro_OTIO" not in _metadata(effect):
            yield text(effect, "effect_name") or text(effect, "name") or "an effect"


def _is_changed(parameter: OtioObject) -> bool:
    """Whether a parameter of Resolve's, which writes some effects on every clip, is not as it was at first."""
    return bool(parameter.get("Key Frames")) or parameter.get("Parameter Value") != parameter.get(
        "Default Parameter Value", 0
    )


def _metadata(item: OtioObject) -> OtioObject:
    metadata = item.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
