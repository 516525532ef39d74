"""What is connected to the primary storyline of a Final Cut Pro X project, as whatever program wrote it last.

Final Cut decides by itself on which lane a clip lies, so every clip counts for itself: what else lies at its depth
says nothing, but a storyline or another clip that an editor put around it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple
from xml.etree.ElementTree import Element

from timeline_io.formats.fcpxml.clip import Timing, markers_of, timing_of
from timeline_io.formats.fcpxml.media import media_of, source_of
from timeline_io.formats.fcpxml.new_clips import ID_PREFIX
from timeline_io.formats.fcpxml.place import HOLDERS, STORY_ITEMS, lane_of
from timeline_io.formats.fcpxml.story import Builder
from timeline_io.formats.fcpxml.values import is_on as is_switched_on
from timeline_io.formats.fcpxml.values import time_of
from timeline_io.formats.found import FoundClip, FoundTrack
from timeline_io.formats.on_markers import is_on
from timeline_io.formats.target import Target

_SOUNDS = ("asset-clip", "audio")
_WITH_AMOUNT = ("adjust-volume", "adjust-panner")
_FADES_ALONE = ({"fadeIn"}, {"fadeOut"}, {"fadeIn", "fadeOut"})


class _Sound(NamedTuple):
    """A clip that may be a sound, when it begins, and what holds it."""

    element: Element
    at_s: Fraction
    around: str = ""


def is_marked(asset: Element) -> bool:
    """Whether an asset carries our mark."""
    return asset.get("id", "").startswith(ID_PREFIX)


def lanes(sequence: Element) -> dict[int, str]:
    """The lane of every element below a sequence by the id of the object: -2, or 1.-2 for lane -2 below lane 1."""
    found: dict[int, str] = {}
    waiting = [(sequence, "")]
    while waiting:
        element, lane = waiting.pop()
        if lane_of(element):
            lane = f"{lane}.{lane_of(element)}".lstrip(".")
        found[id(element)] = lane
        waiting += [(child, lane) for child in element]
    return found


def found_tracks(sequence: Element, builder: Builder, target: Target) -> tuple[FoundTrack, ...]:
    """The connected sounds by lanes, from the top down."""
    spine, first_s = sequence.find("spine"), time_of(sequence, "tcStart") or Fraction(0)
    on_lane = lanes(sequence)
    clips: dict[str, list[FoundClip]] = {}
    for host, timing in () if spine is None else builder.hosts(spine, target.rate, first_s):
        for sound in _connected(host, timing, builder, target.rate):
            found = _found(sound, first_s, builder, target.rate)
            clips.setdefault(on_lane[id(sound.element)], []).append(found)
    downwards = sorted(clips, key=lambda key: [int(number) for number in key.split(".") if number], reverse=True)
    return tuple(FoundTrack(key=key, name=f"lane {key}", clips=tuple(clips[key]), is_lane=True) for key in downwards)


def _connected(host: Element, timing: Timing, builder: Builder, rate: Fraction) -> Iterator[_Sound]:
    """The sounds that are connected to an element, and to those in turn."""
    for child in host:
        is_inside = host.tag in HOLDERS and not lane_of(child)
        if is_inside or (child.tag != "spine" and child.tag not in STORY_ITEMS):
            continue
        at_s = timing.at_clock(time_of(child, "offset"))
        if child.tag == "spine":
            for held, held_timing in builder.hosts(child, rate, Fraction(0)):
                yield _Sound(held, at_s + held_timing.at_s, "a storyline around it")
        elif child.tag in _SOUNDS:
            yield _Sound(child, at_s)
            yield from _connected(child, _timing(child, at_s, builder, rate), builder, rate)
        else:
            yield from (_Sound(held, at_s, "another clip around it") for held in child.iter() if held.tag in _SOUNDS)


def _timing(clip: Element, at_s: Fraction, builder: Builder, rate: Fraction) -> Timing:
    media = media_of(clip, builder.resources)
    return timing_of(clip, at_s, rate, media.start_s, media.length_s)


def _found(sound: _Sound, first_s: Fraction, builder: Builder, rate: Fraction) -> FoundClip:
    clip, asset = sound.element, builder.resources.get(sound.element.get("ref"), "asset")
    timing = _timing(clip, sound.at_s, builder, rate)
    in_s = timing.knots[0][1]
    markers = [marker for marker in markers_of(clip, timing) if is_on(marker.texts)]
    return FoundClip(
        name=clip.get("name") or "a clip without a name",
        media_ref="" if asset is None else source_of(asset),
        start_s=sound.at_s - first_s,
        length_s=timing.length_s,
        source_s=in_s - media_of(clip, builder.resources).from_file_start(in_s),
        ons=tuple((marker.at_s - first_s, marker.length_s) for marker in markers),
        effects=(*([sound.around] if sound.around else []), *_effects(clip)),
        fade_in_s=_fade_s(clip, "fadeIn"),
        fade_out_s=_fade_s(clip, "fadeOut"),
        enabled=is_switched_on(clip, "enabled"),
        marked=asset is not None and is_marked(asset),
    )


def _effects(clip: Element) -> Iterator[str]:
    """What changes how a clip sounds, and what hangs on it."""
    for child in (*clip, *(inner for channel in clip.iterfind("audio-channel-source") for inner in channel)):
        if child.tag == "timeMap":
            yield "a change of speed"
        elif child.tag in STORY_ITEMS or child.tag == "spine":
            yield f"a clip connected to it ({child.get('name') or child.tag[:40]})"
        elif child.tag == "filter-audio" and is_switched_on(child, "enabled"):
            yield child.get("name") or "an effect"
        elif child.tag.startswith("adjust-") and not _is_neutral(child):
            yield child.tag.removeprefix("adjust-")[:40]
        elif child.tag == "audio-channel-source" and not (
            is_switched_on(child, "enabled") and is_switched_on(child, "active")
        ):
            yield "a channel switched off"


def _is_neutral(adjustment: Element) -> bool:
    """Whether an adjustment is there and does nothing but fade, as Final Cut writes some."""
    amount = adjustment.get("amount", "0").strip().removesuffix("dB").strip("+-0.")
    return adjustment.tag in _WITH_AMOUNT and all(map(_only_fades, adjustment)) and not amount


def _only_fades(parameter: Element) -> bool:
    return parameter.attrib == {"name": "amount"} and {part.tag for part in parameter} in _FADES_ALONE


def _fade_s(clip: Element, tag: str) -> Fraction:
    """The length of a clip's `fadeIn` or `fadeOut`; Final Cut writes it in the clip or in its channels."""
    for volume in clip.iter("adjust-volume"):
        fade = volume.find(f"param[@name='amount']/{tag}")
        if fade is not None:
            return time_of(fade, "duration") or Fraction(0)
    return Fraction(0)
