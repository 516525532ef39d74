"""Final Cut Pro 7 XML, as Premiere and Resolve export it -> model.Sequence."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.errors import UnreadableEditError
from timeline_io.formats.fcp7.elements import (
    choose_sequence,
    content,
    defined,
    definitions,
    frames,
    is_on,
    number,
    parse,
    rate_of,
    start_timecode,
)
from timeline_io.formats.fcp7.grid import Grid, grid_of
from timeline_io.formats.fcp7.media import Media, SourceFile, is_invisible, last_frame_s, no_picture
from timeline_io.formats.fcp7.place import Place, dissolves, places
from timeline_io.formats.fcp7.retime import Source, SourceRange, plays_media_frames, source_of
from timeline_io.formats.pictures import INVISIBLE, invisible_clip, is_still_name, media_named
from timeline_io.formats.ramps import ramped
from timeline_io.frames import rate_name
from timeline_io.model import Clip, Marker, Nest, Sequence, Track

_MAX_DEPTH = 100
_NOTE_PATHS = (
    "logginginfo/description",
    "logginginfo/lognote",
    "comments/mastercomment1",
    "comments/mastercomment2",
    "comments/mastercomment3",
    "comments/mastercomment4",
    "comments/clipcommenta",
    "comments/clipcommentb",
)


def read_fcp7(data: bytes, file_name: str, sequence: str | None) -> Sequence:
    """The sequence of that name, or the only one that no other sequence uses."""
    root = parse(data, file_name)
    chosen = choose_sequence(root, file_name, sequence)
    rate = rate_of(chosen) or _first_rate(chosen)
    if rate is None:
        raise UnreadableEditError(f"the sequence {content(chosen, 'name')!r} of {file_name} has no frame rate")
    builder = _Builder(root, file_name)
    start_frame, drop_frame = start_timecode(chosen, rate)
    tracks = builder.tracks(chosen, rate, ())
    return Sequence(
        name=content(chosen, "name"),
        rate=rate,
        start_frame=start_frame,
        length_s=_length(chosen, rate),
        tracks=tracks,
        markers=_markers(chosen, rate),
        drop_frame=drop_frame,
        remarks=tuple(builder.remarks),
    )


def _first_rate(sequence: Element) -> Fraction | None:
    rates = (rate_of(element) for element in sequence.iter())
    return next((rate for rate in rates if rate is not None), None)


def _length(sequence: Element, rate: Fraction) -> Fraction:
    """What the sequence declares, but never less than what lies on its tracks."""
    longest = frames(sequence, "duration") or Fraction(0)
    for kind in ("video", "audio"):
        for track in sequence.iterfind(f"media/{kind}/track"):
            ends = [place.end for place in places(track)]
            longest = max([longest, *ends])
    return longest / rate


@dataclass(frozen=True, slots=True)
class _Nested:
    """A sequence that is used as a clip, built once however often it is used."""

    tracks: tuple[Track, ...]
    markers: tuple[Marker, ...]


class _Builder:
    """Turns sequences into the model; holds the parts of the file that are defined once and then named by id."""

    def __init__(self, root: Element, file_name: str) -> None:
        self._file_name = file_name
        self._media = Media(root)
        self._sequences = definitions(root, "sequence")
        self._built: dict[int, _Nested] = {}
        self.remarks: dict[str, None] = {}

    def tracks(self, sequence: Element, rate: Fraction, path: tuple[Element, ...]) -> tuple[Track, ...]:
        """The picture tracks of a sequence; `path` holds the sequences around it."""
        if any(sequence is outer for outer in path):
            name = content(sequence, "name")
            raise UnreadableEditError(f"{self._file_name} is damaged: its sequence {name!r} is nested in itself")
        if len(path) > _MAX_DEPTH:
            raise UnreadableEditError(f"{self._file_name} nests sequences more than {_MAX_DEPTH} deep")
        inner = (*path, sequence)
        grid = grid_of((place for track in sequence.iterfind("media/video/track") for place in places(track)), rate)
        self._note_grid(grid)
        tracks = []
        for index, track in enumerate(sequence.iterfind("media/video/track"), 1):
            name = track.get("MZ.TrackName") or content(track, "name") or f"V{index}"
            items = tuple(item for place in places(track) for item in self._items(place, grid, inner))
            enabled = is_on(track, "enabled", default=True)
            tracks.append(Track(name=name, items=items, enabled=enabled, dissolves=dissolves(track, rate)))
        return tuple(tracks)

    def _note_grid(self, grid: Grid) -> None:
        for own in sorted(grid.counted_alike):
            self.remarks[
                f"clips of {rate_name(own)} fps count their in and out points in frames of the sequence, "
                f"{rate_name(grid.rate)} fps, as their lengths show"
            ] = None

    def _items(self, place: Place, grid: Grid, path: tuple[Element, ...]) -> tuple[Clip | Nest, ...]:
        nested = place.item.find("sequence")
        return (self._clip(place, grid),) if nested is None else self._nest(place, nested, grid, path)

    def _clip(self, place: Place, grid: Grid) -> Clip:
        item, rate, own_rate = place.item, grid.rate, grid.of(place)
        shown = self._media.shown_by(item)
        written = content(shown.file, "pathurl")
        used = _used(place, own_rate, rate, shown.file)
        source = _seen(place, used, own_rate, rate)
        is_still = is_still_name(written)
        why_none = no_picture(item, shown.file, written)
        # A file without a path still tells the name, which is what a search folder is searched for.
        named = written or ("" if why_none else content(shown.file, "name"))
        media_ref, numbered = media_named(named, rate_of(shown.file) or rate_of(item) or rate)
        return Clip(
            name=content(item, "name") or content(shown.file, "name") or "a clip without a name",
            start_s=place.start / rate,
            length_s=(place.end - place.start) / rate,
            # A still has no time of its own; Resolve counts its `in` from an hour it never had.
            source_start_s=Fraction(0) if is_still else source.start_s + shown.offset_s,
            speed=Fraction(0) if is_still else source.speed,
            media_ref=media_ref,
            enabled=is_on(item, "enabled", default=True),
            no_picture=why_none,
            notes=tuple(note for path in _NOTE_PATHS if (note := content(item, path))),
            markers=_clip_markers(place, used, source.speed, own_rate, rate),
            source_timecode_s=None if is_still else _timecode(shown, source, rate_of(item) or rate),
            reel=content(shown.file, "timecode/reel/name"),
            ramp=() if is_still else tuple((at_s, source_s + shown.offset_s) for at_s, source_s in source.ramp),
            numbered=numbered,
            last_frame_s=None if is_still else last_frame_s(shown.file),
        )

    def _nest(self, place: Place, nested: Element, grid: Grid, path: tuple[Element, ...]) -> tuple[Clip | Nest, ...]:
        sequence = defined(nested, self._sequences)
        name = content(place.item, "name") or content(sequence, "name") or "a nested sequence"
        rate, own_rate = grid.rate, grid.of(place)
        inner_rate = rate_of(sequence) or rate
        start_s, length_s = place.start / rate, (place.end - place.start) / rate
        used = _used(place, own_rate, rate, sequence)
        source = _seen(place, used, own_rate, rate)
        if is_invisible(place.item):
            return (invisible_clip(name, start_s, length_s, INVISIBLE),)
        content_of = self._nested(sequence, inner_rate, path)
        nest = Nest(
            name=name,
            start_s=start_s,
            length_s=length_s,
            source_start_s=source.start_s,
            speed=source.speed,
            tracks=content_of.tracks,
            enabled=is_on(place.item, "enabled", default=True),
            markers=_clip_markers(place, used, source.speed, own_rate, rate),
            inner_markers=content_of.markers,
        )
        return ramped(nest, source.ramp) if source.ramp else (nest,)

    def _nested(self, sequence: Element, rate: Fraction, path: tuple[Element, ...]) -> _Nested:
        if id(sequence) not in self._built:
            tracks = self.tracks(sequence, rate, path)
            self._built[id(sequence)] = _Nested(tracks, _markers(sequence, rate))
        return self._built[id(sequence)]


def _seen(place: Place, used: SourceRange, own_rate: Fraction, rate: Fraction) -> Source:
    """The source from the item's edge on; what its `<in>` says may lie before it, under a transition."""
    source = source_of(place.item, used, own_rate)
    return source.seen((place.start - place.anchor) / rate, (place.end - place.start) / rate)


def _used(place: Place, own_rate: Fraction, rate: Fraction, media: Element) -> SourceRange:
    in_frames = frames(place.item, "in") or Fraction(0)
    out_frames = frames(place.item, "out")
    length_s = (place.end - place.anchor) / rate
    media_frames = frames(media, "duration")
    return SourceRange(
        in_s=in_frames / own_rate,
        out_s=in_frames / own_rate + length_s if out_frames is None else out_frames / own_rate,
        length_s=length_s,
        media_s=None if media_frames is None else media_frames / (rate_of(media) or own_rate),
        trimmed_head_s=(frames(place.item, "subclipinfo/startoffset") or Fraction(0)) / own_rate,
        trimmed_tail_s=(frames(place.item, "subclipinfo/endoffset") or Fraction(0)) / own_rate,
    )


def _timecode(shown: SourceFile, source: Source, rate: Fraction) -> Fraction | None:
    """The source time in the media's own timecode, if the file's start is written."""
    if shown.file.find("timecode") is None:
        return None
    own_rate = rate_of(shown.file) or rate
    return start_timecode(shown.file, own_rate)[0] / own_rate + source.start_s + shown.offset_s


def _clip_markers(
    place: Place, used: SourceRange, speed: Fraction, own_rate: Fraction, rate: Fraction
) -> tuple[Marker, ...]:
    """Markers on a clip count like its `<in>`; given here from the clip's start on the track."""
    scale = 1 / abs(speed) if speed and plays_media_frames(used, speed) else Fraction(1)
    before_s = (place.start - place.anchor) / rate
    moved = []
    for marker in _markers(place.item, own_rate):
        at_s = (marker.at_s - used.in_s) * scale - before_s
        moved.append(Marker(at_s=at_s, length_s=marker.length_s * scale, texts=marker.texts))
    return tuple(moved)


def _markers(element: Element, rate: Fraction) -> tuple[Marker, ...]:
    markers = []
    for marker in element.iterfind("marker"):
        texts = tuple(text for path in ("name", "comment") if (text := content(marker, path)))
        first, last = number(marker, "in"), frames(marker, "out")
        if texts and first is not None:
            length = max(Fraction(0), last - first) if last is not None else Fraction(0)
            markers.append(Marker(at_s=first / rate, length_s=length / rate, texts=texts))
    return tuple(markers)
