"""The storylines of a Final Cut Pro X timeline -> picture tracks from the bottom up.

lane 2        [ title ]
lane 1     [ connected ]  [ secondary storyline: C ][ D ]      a lane becomes a track; what is connected
primary   [ A          ][ B                        ][ gap ]    says by its host's own clock where it is
lane -1        [ below  ]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.errors import UnreadableEditError
from timeline_io.formats.fcpxml.clip import Timing, clip_of, markers_of, nests_of, timing_of, why_invisible
from timeline_io.formats.fcpxml.media import Media, media_of
from timeline_io.formats.fcpxml.place import (
    HOLDERS,
    NOT_FILMED,
    STORY_ITEMS,
    Lane,
    PlacedElement,
    first_pick,
    lane_name,
    lane_of,
    picture_source,
    story_of,
    without_overlaps,
)
from timeline_io.formats.fcpxml.values import Resources, time_of
from timeline_io.model import Clip, Dissolve, Marker, Nest, Track

_MAX_DEPTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Picture tracks from the bottom up, and the markers on what has no picture of its own."""

    tracks: tuple[Track, ...]
    markers: tuple[Marker, ...]


class Builder:
    """Builds timelines; compound clips and multicam angles once, however often they are used."""

    def __init__(self, resources: Resources, file_name: str) -> None:
        self.resources = resources
        self._file_name = file_name
        self._built: dict[int, Timeline] = {}
        self._open: list[Element] = []

    def storyline(self, spine: Element, rate: Fraction, first_s: Fraction, base_s: Fraction) -> Timeline:
        """The timeline of a primary storyline or a multicam angle that starts at its own time `first_s` and whose
        own time 0 is at `base_s`."""
        if id(spine) not in self._built:
            layers = _Layers(self, rate)
            with self.opened(spine):
                layers.lay_storyline(list(spine), base_s, (), first_s)
            self._built[id(spine)] = layers.timeline()
        return self._built[id(spine)]

    def inside(self, holder: Element, rate: Fraction) -> Timeline:
        """The timeline inside a `clip` or `sync-clip`, by its own clock."""
        layers = _Layers(self, self.resources.rate(holder) or rate, holder.get("name", ""))
        for child in holder:
            if lane_of(child) == 0:
                layers.lay(child, time_of(child, "offset") or Fraction(0), ())
        return layers.timeline()

    def hosts(self, spine: Element, rate: Fraction, first_s: Fraction) -> Iterator[tuple[Element, Timing]]:
        """The elements of a primary storyline by its own time, each audition by the pick that is seen."""
        yield from _Layers(self, rate).hosts(spine, first_s)

    @contextmanager
    def opened(self, element: Element) -> Iterator[None]:
        """Keeps count of what is being built; raises UnreadableEditError for what never ends."""
        if any(element is outer for outer in self._open):
            raise UnreadableEditError(f"{self._file_name} is damaged: a compound clip is nested in itself")
        if len(self._open) >= _MAX_DEPTH:
            raise UnreadableEditError(f"{self._file_name} nests clips more than {_MAX_DEPTH} deep")
        self._open.append(element)
        yield
        self._open.pop()


class _Layers:
    """Collects what lies on the lanes of one timeline; `name` is for clips that have none."""

    def __init__(self, builder: Builder, rate: Fraction, name: str = "") -> None:
        self._builder = builder
        self._rate = rate
        self._name = name
        self._lanes: dict[Lane, list[Clip | Nest]] = {}
        self._dissolves: dict[Lane, list[Dissolve]] = {}
        self._markers: list[Marker] = []

    def timeline(self) -> Timeline:
        """The tracks of all lanes that hold a picture."""
        depth = max((len(lane) for lane in self._lanes), default=0)
        upwards = sorted(self._lanes, key=lambda lane: lane + (0,) * (depth - len(lane)))
        tracks = (
            Track(
                name=lane_name(lane),
                items=tuple(sorted(self._lanes[lane], key=lambda item: item.start_s)),
                dissolves=tuple(self._dissolves.get(lane, ())),
            )
            for lane in upwards
        )
        return Timeline(tracks=tuple(tracks), markers=tuple(self._markers))

    def hosts(self, spine: Element, first_s: Fraction) -> Iterator[tuple[Element, Timing]]:
        """The elements of a storyline that others can be connected to."""
        for laid in self._along(list(spine), Fraction(0), first_s):
            shown = first_pick(laid.element)
            if shown.tag in STORY_ITEMS - {"audition"}:
                yield shown, self._timing(shown, laid.at_s)

    def lay_storyline(
        self, elements: list[Element], base_s: Fraction, lane: Lane, first_s: Fraction = Fraction(0)
    ) -> None:
        """Lay the elements of a storyline that starts at its own time `first_s` and whose time 0 is at `base_s`."""
        for laid in without_overlaps(self._along(elements, base_s, first_s)):
            self.lay(laid.element, laid.at_s, lane, laid)
            if laid.dissolve is not None:
                self._dissolves.setdefault(lane, []).append(laid.dissolve)

    def lay(self, element: Element, at_s: Fraction, lane: Lane, laid: PlacedElement | None = None) -> None:
        """Lay an element that begins at `at_s`, and all that is connected to it."""
        with self._builder.opened(element):
            if element.tag == "spine":
                self.lay_storyline(list(element), at_s, lane)
            elif element.tag == "audition":
                self._lay_audition(element, at_s, lane, laid)
            elif element.tag in STORY_ITEMS or (laid and time_of(element, "duration")):
                self._lay_clip(element, at_s, lane, laid)

    def _lay_audition(self, audition: Element, at_s: Fraction, lane: Lane, laid: PlacedElement | None) -> None:
        """The first pick is the one that is seen; the others lie where it lies, however long they are."""
        picks = [child for child in audition if child.tag in STORY_ITEMS]
        length_s = self._length(audition, at_s)
        for pick in picks[:1]:
            self.lay(pick, at_s, lane, laid)
        for pick in picks[1:]:
            media = Media(no_picture="another pick of its audition")
            timing = self._timing(pick, at_s)
            behind = replace(timing, length_s=min(timing.length_s, length_s))
            self._put(lane, clip_of(pick, behind, media, self._name_of(pick, media)))

    def _lay_clip(self, element: Element, at_s: Fraction, lane: Lane, laid: PlacedElement | None) -> None:
        timing = self._timing(element, at_s)
        shown = timing.cut(laid.from_s, laid.until_s) if laid else timing
        pictures = list(self._pictures(element, shown))
        for picture in pictures:
            self._put(lane, picture)
        if element.tag == "gap" or any(_is_note_paper(picture) for picture in pictures):
            self._markers += markers_of(element, timing)
        for child in element:
            if child.tag == "spine" or child.tag in STORY_ITEMS:
                self._lay_connected(child, element, timing, lane)

    def _lay_connected(self, child: Element, host: Element, timing: Timing, lane: Lane) -> None:
        number = lane_of(child)
        if number or host.tag not in HOLDERS:
            self.lay(child, timing.at_clock(time_of(child, "offset")), (*lane, number or 1))

    def _put(self, lane: Lane, item: Clip | Nest) -> None:
        self._lanes.setdefault(lane, []).append(item)

    def _along(self, elements: list[Element], base_s: Fraction, first_s: Fraction) -> Iterator[PlacedElement]:
        """The elements of a storyline, transitions among them, each where it says or after the one before."""
        reached_s = base_s + first_s
        for element in elements:
            offset_s = time_of(element, "offset")
            at_s = reached_s if offset_s is None else base_s + offset_s
            if element.tag == "transition":
                end_s = at_s + (time_of(element, "duration") or Fraction(0))
            else:
                end_s = reached_s = at_s + self._length(element, at_s)
            yield PlacedElement(element=element, at_s=at_s, from_s=at_s, until_s=end_s)

    def _length(self, element: Element, at_s: Fraction) -> Fraction:
        return self._timing(first_pick(element), at_s).length_s

    def _timing(self, element: Element, at_s: Fraction) -> Timing:
        resources = self._builder.resources
        if element.tag in ("asset-clip", "video"):
            media = media_of(element, resources)
            return timing_of(element, at_s, self._rate, media.start_s, media.length_s)
        inner = resources.get(element.get("ref"), "media")
        whole = None if inner is None else next(iter(inner), None)
        if whole is None:
            return timing_of(element, at_s, self._rate, None, None)
        return timing_of(element, at_s, self._rate, time_of(whole, "tcStart"), time_of(whole, "duration"))

    def _pictures(self, element: Element, timing: Timing) -> Iterator[Clip | Nest]:
        """What an element shows; nothing for a gap and for mere sound."""
        if element.tag in ("gap", "audio") or element.get("srcEnable") == "audio":
            return
        if element.tag in ("asset-clip", "video"):
            media = media_of(element, self._builder.resources)
            if not media.is_sound:
                yield clip_of(element, timing, media, self._name_of(element, media))
        elif element.tag in HOLDERS:
            yield from self._nests(element, timing, self._builder.inside(element, self._rate), element)
        elif element.tag in ("ref-clip", "mc-clip"):
            yield from self._referred(element, timing)
        else:
            reason = NOT_FILMED.get(element.tag, f"a <{element.tag[:40]}>, which is not read")
            media = Media(no_picture=reason)
            yield clip_of(element, timing, media, self._name_of(element, media))

    def _referred(self, element: Element, timing: Timing) -> Iterator[Clip | Nest]:
        """A compound clip, or the angle of a multicam clip that is switched on for the picture."""
        media = self._builder.resources.get(element.get("ref"), "media")
        whole = None if media is None else media.find("sequence" if element.tag == "ref-clip" else "multicam")
        source = picture_source(element)
        if source is None:
            return
        story = story_of(whole, source)
        if whole is None or story is None:
            nothing = Media(name="" if media is None else media.get("name", ""))
            yield clip_of(element, timing, nothing, self._name_of(element, nothing))
            return
        rate = self._builder.resources.rate(whole) or self._rate
        first_s = time_of(whole, "tcStart") or Fraction(0)
        inner = self._builder.storyline(story, rate, first_s, Fraction(0))
        yield from self._nests(element, timing, inner, source)

    def _nests(self, element: Element, timing: Timing, inner: Timeline, adjusted: Element) -> Iterator[Clip | Nest]:
        """`adjusted` is the element whose opacity counts."""
        name = self._name_of(element, Media())
        invisible = why_invisible(adjusted)
        if invisible:
            yield clip_of(element, timing, Media(no_picture=invisible), name)
        elif inner.tracks:
            yield from nests_of(element, timing, inner.tracks, inner.markers, name)

    def _name_of(self, element: Element, media: Media) -> str:
        return element.get("name") or self._name or media.name or "a clip without a name"


def _is_note_paper(picture: Clip | Nest) -> bool:
    """Whether markers on it can only be meant for what is seen below: a title or a generator has no sound."""
    return isinstance(picture, Clip) and picture.enabled and bool(picture.no_picture)
