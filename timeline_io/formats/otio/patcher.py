"""Our tracks in and out of an .otio file, as text at the end of the timeline's track list.

The tracks are made and written down by OpenTimelineIO itself, so that what we add is valid by
construction; the rest of the file is not read through it, because it would come back rewritten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, TypeGuard

from timeline_io.edit import Fade, FoleyTrack, PlacedClip
from timeline_io.errors import LayingError
from timeline_io.formats.found import FoundTrack
from timeline_io.formats.on_markers import NOTE, on_name, on_spans
from timeline_io.formats.otio.choose import TimelinePlace, choose_timeline
from timeline_io.formats.otio.document import OtioObject, decode, objects, parse, schema, text
from timeline_io.formats.otio.laid import MARK, found_track, is_marked
from timeline_io.formats.otio.spans import Span, elements_at
from timeline_io.formats.pick import reselect
from timeline_io.formats.splice import inserted, without
from timeline_io.formats.target import Folders, Keep, Target, is_ours

_MARK_VERSION = 1
_CHANNELS = {1: "Mono", 2: "Stereo"}
_WRITTEN_INDENT = 4
# The number by which Resolve knows its cross fades.
_RESOLVE_CROSS_FADE = 40
_LINE_START = re.compile(r"\n( *)")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def add_tracks(data: bytes, target: Target, tracks: tuple[FoleyTrack, ...]) -> bytes:
    """The file with `tracks` after the last track of the timeline."""
    source = decode(data, target.file_name)
    place, start, children = _track_list(data, source, target)
    layout = _Layout(source, start, children)
    rate = _spelt_rate(place.timeline, target.rate)
    versions = {"Clip": 1} if '"Clip.1"' in source and '"Clip.2"' not in source else {}
    written = [layout.fitted(_track_text(track, target, rate, versions)) for track in tracks]
    if children:
        return _encoded(data, inserted(source, children[-1][1], "".join("," + item for item in written)))
    return _encoded(data, inserted(source, start + 1, ",".join(written)))


def remove_tracks(data: bytes, target: Target, folders: Folders, keep: Keep) -> bytes:
    """The file without the tracks that were laid by us, those that stay excepted."""
    source = decode(data, target.file_name)
    place, start, children = _track_list(data, source, target)
    tracks = enumerate(place.timeline["tracks"]["children"])
    ours = [_is_ours(track, folders, str(index), keep) for index, track in tracks]
    return _encoded(data, without(source, _stretches(start, children, ours)))


def find_tracks(data: bytes, target: Target) -> tuple[FoundTrack, ...]:
    """The audio tracks of the timeline, each known by its number in the list of tracks."""
    place, _start, _children = _track_list(data, decode(data, target.file_name), target)
    tracks = enumerate(place.timeline["tracks"]["children"])
    return tuple(found_track(track, str(index)) for index, track in tracks if _is_sound(track))


def _track_list(data: bytes, source: str, target: Target) -> tuple[TimelinePlace, int, list[Span]]:
    """The timeline, where its list of tracks begins, and the spans of the tracks."""
    root = parse(data, target.file_name)

    def choose(wanted: str | None) -> TimelinePlace:
        return choose_timeline(root, target.file_name, wanted)

    place = reselect(choose, lambda item: item.name, target.sequence)
    try:
        return place, *elements_at(source, (*place.path, "tracks", "children"))
    except (KeyError, IndexError) as error:
        raise LayingError(f"{target.file_name} has no list of tracks to lay into") from error


def _stretches(start: int, children: list[Span], ours: list[bool]) -> list[Span]:
    """What to cut so that the commas and spaces around the kept tracks stay as they were."""
    kept = [index for index, our in enumerate(ours) if not our]
    head = kept[0] if kept else 0
    stretches = [(children[0][0], children[head][0])] if head else []
    for index, our in enumerate(ours):
        if our and index >= head:
            stretches.append((children[index - 1][1] if index else start + 1, children[index][1]))
    return stretches


def _is_sound(track: object) -> TypeGuard[OtioObject]:
    return isinstance(track, dict) and schema(track) == "Track" and text(track, "kind") == "Audio"


def _is_ours(track: object, folders: Folders, key: str, keep: Keep) -> bool:
    if not isinstance(track, dict):
        return False
    items = [child for child in objects(track, "children") if schema(child) not in ("Gap", "Transition")]
    marked = is_marked(track) and all(is_marked(item) for item in items)
    # What has no media of its own (a nested sequence, say) gives "", which lies in no folder of ours.
    refs = [ref for item in items for ref in _targets(item) or [""]]
    return is_ours(name=text(track, "name"), marked=marked, media=refs, folders=folders, key=key, keep=keep)


def _targets(clip: OtioObject) -> list[str]:
    references = clip.get("media_references")
    found = list(references.values()) if isinstance(references, dict) else [clip.get("media_reference")]
    return [text(reference, "target_url") for reference in found if isinstance(reference, dict)]


def _encoded(data: bytes, source: str) -> bytes:
    mark = _BYTE_ORDER_MARK if data.startswith(_BYTE_ORDER_MARK) else b""
    return mark + source.encode("utf-8")


def _spelt_rate(timeline: OtioObject, rate: Fraction) -> float:
    """The rate as the file itself writes it: a second spelling would make an importer convert between them."""
    start = timeline.get("global_start_time")
    spelt = start.get("rate") if isinstance(start, dict) else None
    if isinstance(spelt, int | float) and abs(Fraction(spelt) - rate) < Fraction(1, 100):
        return float(spelt)
    return float(rate)


def _track_text(track: FoleyTrack, target: Target, rate: float, versions: dict[str, int]) -> str:
    """One track as OpenTimelineIO writes it, indented by `_WRITTEN_INDENT`.

    `versions` keeps to the schemas of an older file: its program would refuse newer ones.
    """
    import opentimelineio as otio

    laid = otio.schema.Track(name=track.name, kind=otio.schema.TrackKind.Audio)
    laid.metadata.update(_track_metadata(max(clip.channels for clip in track.clips)))
    reached = target.start_frame
    for clip in track.clips:
        if clip.record.first > reached:
            laid.append(otio.schema.Gap(duration=otio.opentime.RationalTime(clip.record.first - reached, rate)))
        if clip.fade_in.frames:
            laid.append(_fade(clip.fade_in, (0, clip.fade_in.frames), rate))
        laid.append(_clip(clip, str(target.seen(clip.wav)), rate))
        if clip.fade_out.frames:
            laid.append(_fade(clip.fade_out, (clip.fade_out.frames, 0), rate))
        reached = clip.record.end
    text: str = otio.core.serialize_json_to_string(laid, versions, _WRITTEN_INDENT)
    return text


def _fade(fade: Fade, offsets: tuple[int, int], rate: float) -> Any:
    """A fade as a transition that lies wholly inside its clip: `offsets` are frames before and after the edge."""
    import opentimelineio as otio

    before, after = (otio.opentime.RationalTime(frames, rate) for frames in offsets)
    name, kind = ("Cross Fade +3 dB", "Cross Fade +3DB") if fade.crossing else ("Cross Fade 0 dB", "Cross Fade 0DB")
    laid = otio.schema.Transition(
        name=name, transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve, in_offset=before, out_offset=after
    )
    effect = {"Effect Name": name, "Enabled": True, "Name": "Cross Fade", "Parameters": [], "Type": _RESOLVE_CROSS_FADE}
    laid.metadata["Resolve_OTIO"] = {"Effects": effect, "Transition Type": kind}
    return laid


def _clip(clip: PlacedClip, path: str, rate: float) -> Any:
    """A clip that shows its shot, of media that starts at the timecode where it lies, as the file's own header says.

    The range is counted in the timeline's frames: a range in samples is refused by other formats'
    writers, and Resolve finds the file only when the declared start agrees with the header.
    """
    import opentimelineio as otio

    heard, whole = (
        otio.opentime.TimeRange(
            start_time=otio.opentime.RationalTime(span.first, rate),
            duration=otio.opentime.RationalTime(span.count, rate),
        )
        for span in (clip.record, clip.file)
    )
    # Both editors want a plain path here, not a URL.
    reference = otio.schema.ExternalReference(target_url=path, available_range=whole)
    reference.name = clip.wav.name
    laid = otio.schema.Clip(name=clip.name, media_reference=reference, source_range=heard)
    laid.metadata.update(_clip_metadata(clip))
    laid.markers.extend(_on_markers(clip, rate))
    return laid


def _on_markers(clip: PlacedClip, rate: float) -> Iterator[Any]:
    """Markers count like the clip's source range, which begins at its place on the timeline."""
    import opentimelineio as otio

    for span in on_spans(clip):
        begin, length = (otio.opentime.RationalTime(frames, rate) for frames in (span.first, span.count))
        marker = otio.schema.Marker(name=on_name(clip), marked_range=otio.opentime.TimeRange(begin, length))
        marker.color, marker.comment = otio.schema.MarkerColor.GREEN, NOTE
        marker.metadata["Resolve_OTIO"] = {"Keywords": [], "Note": NOTE}
        yield marker


def _track_metadata(channels: int) -> dict[str, Any]:
    kind = _CHANNELS[channels]
    return {
        MARK: {"version": _MARK_VERSION},
        "Resolve_OTIO": {"Audio Type": kind, "Locked": False, "SoloOn": False},
        "PremierePro_OTIO": {"AudioChannels": {"ChannelType": kind, "NumberOfChannels": channels}},
    }


def _clip_metadata(clip: PlacedClip) -> dict[str, Any]:
    return {
        MARK: {
            "version": _MARK_VERSION,
            "shot_id": clip.shot_id,
            "cue_id": clip.cue_id,
            "label": clip.label,
        },
        "Resolve_OTIO": {
            "Channels": [{"Source Channel ID": channel, "Source Track ID": 0} for channel in range(clip.channels)]
        },
        "PremierePro_OTIO": {
            "AudioChannels": {
                "ChannelType": _CHANNELS[clip.channels],
                "SecondaryAssignments": [{"SecondaryChannelIndex": channel} for channel in range(clip.channels)],
            }
        },
    }


class _Layout:
    """How a file lays out its track list: line ends, indentation, or all on one line."""

    def __init__(self, source: str, start: int, children: list[Span]) -> None:
        before = source[start + 1 : children[0][0]] if children else source[start + 1 : source.index("]", start)]
        self._newline = "\r\n" if "\r\n" in source else "\n" if "\n" in source else ""
        own_line = source[source.rfind("\n", 0, start) + 1 : start]
        outer = own_line[: len(own_line) - len(own_line.lstrip())]
        inner = before.rpartition("\n")[2] if children and "\n" in before else outer + "    "
        self._indent = inner
        self._unit = inner[len(outer) :] if inner.startswith(outer) and len(inner) > len(outer) else "    "

    def fitted(self, text: str) -> str:
        """JSON text as OpenTimelineIO indents it -> as this file does, with the line break in front of it."""
        if not self._newline:
            return json.dumps(json.loads(text), ensure_ascii=False)
        if self._unit != " " * _WRITTEN_INDENT:
            text = _LINE_START.sub(lambda start: "\n" + self._unit * (len(start[1]) // _WRITTEN_INDENT), text)
        return "".join((self._newline, self._indent, text.replace("\n", self._newline + self._indent)))
