"""OpenTimelineIO (.otio) -> model.Sequence. Knows the dialects of Resolve, Premiere and hand-made files."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from timeline_io.errors import EmptyEditError, UnreadableEditError
from timeline_io.formats.notes import metadata_notes
from timeline_io.formats.otio.choose import MAX_DEPTH, choose_timeline, frame_rate_of, is_picture, premiere_block
from timeline_io.formats.otio.document import (
    OtioObject,
    marker_texts,
    objects,
    offsets_of,
    parse,
    rate_of,
    schema,
    seconds,
    span_of,
    text,
    value_of,
)
from timeline_io.formats.otio.media import is_invisible, media_of, source_offset, timecode_of
from timeline_io.formats.otio.retime import Retime, retime_of
from timeline_io.formats.pictures import INVISIBLE, invisible_clip
from timeline_io.frames import frame_at
from timeline_io.model import Clip, Dissolve, Marker, Nest, Sequence, Track


def read_otio(data: bytes, file_name: str, sequence: str | None) -> Sequence:
    """The timeline called `sequence`, or the only one of the file."""
    timeline = choose_timeline(parse(data, file_name), file_name, sequence).timeline
    stack = timeline.get("tracks")
    if not isinstance(stack, dict) or schema(stack) != "Stack":
        raise EmptyEditError(f"{file_name} holds a timeline without tracks")
    try:
        return _Builder(timeline, stack).sequence()
    except RecursionError:
        raise UnreadableEditError(f"{file_name} is nested too deeply to be an edit") from None


class _Builder:
    """Turns one timeline into the model; holds what every item needs to know about the whole."""

    def __init__(self, timeline: OtioObject, stack: OtioObject) -> None:
        self._timeline = timeline
        self._stack = stack
        self._rate = frame_rate_of(timeline)
        self._premiere = any(premiere_block(item) is not None for item in (timeline, stack))

    def sequence(self) -> Sequence:
        tracks = self._tracks(self._stack, 0)
        trimmed = span_of(self._stack, "source_range", "the timeline")
        length_s = trimmed[1] if trimmed else self._length(self._stack, 0)
        if tracks and (trimmed or not retime_of(self._stack).is_plain):
            whole = self._nest(self._stack, Fraction(0), 0)
            tracks = (Track(name=tracks[0].name, items=(replace(whole, inner_markers=()),)),)
        return Sequence(
            name=text(self._timeline, "name") or text(self._stack, "name"),
            rate=self._rate,
            start_frame=self._start_frame(),
            length_s=max(length_s, Fraction(0)),
            tracks=tracks,
            markers=_markers(self._stack, trimmed[0] if trimmed else Fraction(0), Fraction(1)),
        )

    def _start_frame(self) -> int:
        start = self._timeline.get("global_start_time")
        if not isinstance(start, dict):
            return 0
        what = "the timeline's start"
        if rate_of(start, what) == self._rate:
            return frame_at(value_of(start, what), Fraction(1))
        return frame_at(seconds(start, what), self._rate)

    def _tracks(self, stack: OtioObject, depth: int) -> tuple[Track, ...]:
        """The picture layers of a stack; a clip directly in it is a layer of its own."""
        tracks: list[Track] = []
        for child in objects(stack, "children"):
            kind = schema(child)
            name = text(child, "name") or f"V{len(tracks) + 1}"
            if kind == "Track" and is_picture(child):
                tracks.append(self._track(child, name, depth))
            elif kind in ("Clip", "Stack"):
                tracks.append(Track(name=name, items=(self._item(child, Fraction(0), depth),)))
        return tuple(tracks)

    def _track(self, track: OtioObject, name: str, depth: int) -> Track:
        whole = replace(self._untrimmed(track, name, depth), enabled=_is_enabled(track))
        if span_of(track, "source_range", name) or not retime_of(track).is_plain:
            # A trimmed or retimed track is seen through its own window, like a nested sequence.
            inner = replace(whole, enabled=True)
            window = self._window(track, Fraction(0), (inner,), self._length(track, depth))
            return replace(whole, items=(window,), dissolves=())
        return whole

    def _untrimmed(self, track: OtioObject, name: str, depth: int) -> Track:
        """All that a track holds, in its own time."""
        items: list[Clip | Nest] = []
        dissolves: list[Dissolve] = []
        at_s = Fraction(0)
        for child in objects(track, "children"):
            if schema(child) in ("Clip", "Stack", "Track"):
                items.append(self._item(child, at_s, depth))
            elif schema(child) == "Transition":
                dissolves.append(_dissolve(child, at_s))
            at_s += self._played_length(child, depth)
        return Track(name=name, items=tuple(items), dissolves=tuple(dissolves))

    def _item(self, item: OtioObject, at_s: Fraction, depth: int) -> Clip | Nest:
        if schema(item) == "Clip":
            return self._clip(item, at_s)
        nest = self._nest(item, at_s, depth + 1)
        return invisible_clip(nest.name, at_s, nest.length_s, INVISIBLE) if is_invisible(item) else nest

    def _clip(self, clip: OtioObject, at_s: Fraction) -> Clip:
        name = text(clip, "name") or "a clip without a name"
        media = media_of(clip, name)
        span = span_of(clip, "source_range", name) or media.available or (Fraction(0), Fraction(0))
        retime = retime_of(clip)
        played_s = self._played(span[1], retime)
        source_s = source_offset(clip, span[0], retime.media_length(played_s), media)
        timecode_s = timecode_of(clip, span[0], source_s, media)
        source = retime.seen(source_s, played_s)
        return Clip(
            name=name,
            start_s=at_s,
            length_s=played_s,
            source_start_s=Fraction(0) if media.is_still else source.start_s,
            speed=Fraction(0) if media.is_still else source.speed,
            media_ref=media.ref,
            enabled=_is_enabled(clip),
            no_picture=media.no_picture or (INVISIBLE if is_invisible(clip) else ""),
            offline_reason=media.offline_reason,
            numbered=media.numbered,
            notes=(*metadata_notes(clip.get("metadata")), *retime.notes),
            markers=_markers(clip, span[0], self._marker_scale(retime)),
            ramp=() if media.is_still else source.ramp,
            source_timecode_s=None if timecode_s is None else timecode_s + source.start_s - source_s,
            reel=media.reel,
            last_frame_s=media.last_frame_s,
        )

    def _nest(self, composition: OtioObject, at_s: Fraction, depth: int) -> Nest:
        if depth > MAX_DEPTH:
            raise UnreadableEditError(f"the edit nests sequences more than {MAX_DEPTH} deep")
        if schema(composition) == "Track":
            name = text(composition, "name") or "a nested track"
            tracks: tuple[Track, ...] = (self._untrimmed(composition, name, depth),)
        else:
            tracks = self._tracks(composition, depth)
        return self._window(composition, at_s, tracks, self._length(composition, depth))

    def _window(self, item: OtioObject, at_s: Fraction, tracks: tuple[Track, ...], inner_s: Fraction) -> Nest:
        """`item` as a clip that shows its own content, trimmed by its source range and retimed."""
        name = text(item, "name") or "a nested sequence"
        span = span_of(item, "source_range", name) or (Fraction(0), inner_s)
        retime = retime_of(item)
        played_s = self._played(span[1], retime)
        return Nest(
            name=name,
            start_s=at_s,
            length_s=played_s,
            source_start_s=retime.seen(span[0], played_s).start_s,
            speed=retime.speed,
            tracks=tracks,
            enabled=_is_enabled(item),
            inner_markers=_markers(item, Fraction(0), Fraction(1)),
        )

    def _played(self, span_s: Fraction, retime: Retime) -> Fraction:
        """How long a source range plays: Premiere counts it in the media, everybody else on the timeline."""
        if not self._premiere or retime.ramp or retime.speed in (0, 1):
            return span_s
        # The media range was rounded to frames, the place on the timeline always is one.
        return frame_at(span_s / abs(retime.speed), self._rate) / self._rate

    def _marker_scale(self, retime: Retime) -> Fraction:
        return 1 / abs(retime.speed) if self._premiere and retime.speed else Fraction(1)

    def _played_length(self, item: OtioObject, depth: int) -> Fraction:
        """How far an item moves those after it along the track; a transition lies over its neighbours."""
        if schema(item) == "Transition":
            return Fraction(0)
        return max(Fraction(0), self._played(self._span_length(item, depth), retime_of(item)))

    def _span_length(self, item: OtioObject, depth: int) -> Fraction:
        name = text(item, "name") or "an item"
        span = span_of(item, "source_range", name)
        if span is None and schema(item) == "Clip":
            span = media_of(item, name).available
        return span[1] if span else self._length(item, depth + 1)

    def _length(self, composition: OtioObject, depth: int) -> Fraction:
        """The length of all that a composition holds, its own trim aside."""
        if depth > MAX_DEPTH:
            raise UnreadableEditError(f"the edit nests sequences more than {MAX_DEPTH} deep")
        lengths = [self._played_length(child, depth) for child in objects(composition, "children")]
        if schema(composition) == "Track":
            return sum(lengths, Fraction(0))
        return max(lengths, default=Fraction(0))


def _dissolve(transition: OtioObject, at_s: Fraction) -> Dissolve:
    """A transition between two items that meet at `at_s`."""
    before_s, after_s = offsets_of(transition)
    return Dissolve(start_s=at_s - before_s, cut_s=at_s, end_s=at_s + after_s)


def _markers(item: OtioObject, origin_s: Fraction, scale: Fraction) -> tuple[Marker, ...]:
    """The markers of an item; their times share the clock of its source range, which starts at `origin_s`."""
    markers = []
    for marker in objects(item, "markers"):
        texts = marker_texts(marker)
        span = span_of(marker, "marked_range", "a marker")
        if texts and span:
            at_s = (span[0] - origin_s) * scale
            markers.append(Marker(at_s=at_s, length_s=max(span[1], Fraction(0)) * scale, texts=texts))
    return tuple(markers)


def _is_enabled(item: OtioObject) -> bool:
    """Whether an item is switched on; files converted from FCP7 XML keep the switch in their metadata."""
    metadata = item.get("metadata")
    converted = metadata.get("fcp_xml") if isinstance(metadata, dict) else None
    flag = converted.get("enabled") if isinstance(converted, dict) else None
    return item.get("enabled") is not False and str(flag).upper() != "FALSE"
