"""A Final Cut Pro X clip by itself: its place and timing, its markers and notes, and the clip or nest it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from xml.etree.ElementTree import Element

from timeline_io.edit import Knot
from timeline_io.formats.fcpxml.media import Media
from timeline_io.formats.fcpxml.retime import conform_speed, cut_to, knots_of, speed_of
from timeline_io.formats.fcpxml.values import is_on, time_of
from timeline_io.model import Clip, Marker, Nest, Track

_MARKERS = ("marker", "chapter-marker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where a clip lies on its timeline and what it shows there, in seconds.

    `clock_s` is the clip's own clock at its first edge, `conform` how fast that clock runs; `knots` lead from
    seconds after the first edge to the source. Connected clips and markers count by the clip's own clock.
    """

    at_s: Fraction
    length_s: Fraction
    clock_s: Fraction
    conform: Fraction
    knots: tuple[Knot, ...]

    def at_clock(self, clock_s: Fraction | None) -> Fraction:
        """The time on the timeline at which the clip's own clock shows `clock_s`; None means its first edge."""
        return self.at_s if clock_s is None else self.at_s + (clock_s - self.clock_s) / self.conform

    def cut(self, from_s: Fraction, until_s: Fraction) -> Timing:
        """The part of the clip that lies inside [from_s, until_s) of the timeline."""
        head_s = max(from_s - self.at_s, Fraction(0))
        tail_s = min(until_s - self.at_s, self.length_s)
        if tail_s <= head_s or tail_s - head_s == self.length_s:
            return self
        return replace(
            self,
            at_s=self.at_s + head_s,
            length_s=tail_s - head_s,
            clock_s=self.clock_s + head_s * self.conform,
            knots=cut_to(self.knots, head_s, tail_s),
        )


def timing_of(
    clip: Element, at_s: Fraction, rate: Fraction, first_s: Fraction | None, media_s: Fraction | None
) -> Timing:
    """The timing of a clip at `at_s` of a timeline of the frame rate `rate`.

    `first_s` and `media_s`, the first time of what it shows and the length of that, stand in for a start and a
    duration that are not written.
    """
    first_s = first_s or Fraction(0)
    conform = conform_speed(clip, rate)
    written_s, length_s = time_of(clip, "start"), time_of(clip, "duration")
    clock_s = first_s if written_s is None else written_s
    if length_s is None:
        length_s = max(Fraction(0), (media_s or Fraction(0)) - (clock_s - first_s)) / conform
    knots = knots_of(clip, clock_s, length_s, conform)
    return Timing(at_s=at_s, length_s=length_s, clock_s=clock_s, conform=conform, knots=knots)


def clip_of(element: Element, timing: Timing, media: Media, name: str) -> Clip:
    """An `asset-clip`, a `video`, a title or the like."""
    earliest_s = min(source_s for _at_s, source_s in timing.knots)
    shift_s = media.from_file_start(earliest_s)
    knots = tuple((at_s, source_s - shift_s) for at_s, source_s in timing.knots)
    return Clip(
        name=name,
        start_s=timing.at_s,
        length_s=timing.length_s,
        source_start_s=Fraction(0) if media.is_still else knots[0][1],
        speed=Fraction(0) if media.is_still else speed_of(knots),
        media_ref=media.ref,
        enabled=is_on(element, "enabled"),
        no_picture=media.no_picture or why_invisible(element),
        notes=notes_of(element),
        markers=tuple(_from(marker, timing.at_s) for marker in markers_of(element, timing)),
        ramp=() if media.is_still or len(knots) == 2 else knots,
        source_timecode_s=None if media.is_still or media.start_s is None else media.start_s + knots[0][1],
        reel=media.reel,
        numbered=media.numbered,
        last_frame_s=media.last_frame_s,
    )


def nests_of(
    element: Element, timing: Timing, tracks: tuple[Track, ...], inner_markers: tuple[Marker, ...], name: str
) -> Iterator[Nest]:
    """A clip that holds a timeline of its own: one nest for every stretch of constant speed."""
    notes = Marker(at_s=timing.at_s, length_s=timing.length_s, texts=notes_of(element))
    markers = (notes, *markers_of(element, timing))
    for (head_s, source_s), (tail_s, tail_source_s) in pairwise(timing.knots):
        start_s = timing.at_s + head_s
        yield Nest(
            name=name,
            start_s=start_s,
            length_s=min(tail_s, timing.length_s) - head_s,
            source_start_s=source_s,
            speed=speed_of(((head_s, source_s), (tail_s, tail_source_s))),
            tracks=tracks,
            enabled=is_on(element, "enabled"),
            markers=tuple(_from(marker, start_s) for marker in markers),
            inner_markers=inner_markers,
        )


def why_invisible(element: Element) -> str:
    """Why a clip with a picture hides nothing: an opacity of 0 that is not animated."""
    blend = element.find("adjust-blend")
    if blend is None or blend.find(".//keyframe") is not None:
        return ""
    try:
        return "" if float(blend.get("amount", "1")) else "invisible: its opacity is 0"
    except ValueError:
        return ""


def notes_of(element: Element) -> tuple[str, ...]:
    """What is written in a clip's `note`."""
    return tuple(text for note in element.iterfind("note") if (text := (note.text or "").strip()))


def markers_of(element: Element, timing: Timing) -> tuple[Marker, ...]:
    """The markers on a clip, by the time of the timeline it lies on."""
    markers = []
    for child in element:
        start_s = time_of(child, "start") if child.tag in _MARKERS else None
        texts = tuple(text for name in ("value", "note") if (text := child.get(name, "").strip()))
        if start_s is not None and texts:
            length_s = (time_of(child, "duration") or Fraction(0)) / timing.conform
            markers.append(Marker(at_s=timing.at_clock(start_s), length_s=length_s, texts=texts))
    return tuple(markers)


def _from(marker: Marker, edge_s: Fraction) -> Marker:
    """The model counts a clip's markers from its first edge."""
    return replace(marker, at_s=marker.at_s - edge_s)
