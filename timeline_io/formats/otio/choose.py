"""Which timeline of an .otio file, and at which frame rate it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from timeline_io.errors import EmptyEditError, UnsupportedEditError
from timeline_io.formats.otio.document import OtioObject, frame_rate, objects, rate_of, schema, text
from timeline_io.formats.pick import pick
from timeline_io.frames import snap_rate

MAX_DEPTH = 100
_DEFAULT_RATE = Fraction(24)


@dataclass(frozen=True, slots=True)
class TimelinePlace:
    """A timeline of a file and the keys and indices that lead to it from the root."""

    name: str
    timeline: OtioObject
    path: tuple[str | int, ...]


def choose_timeline(root: OtioObject, file_name: str, sequence: str | None) -> TimelinePlace:
    """The timeline asked for, and where it stands in the file; names those there are when that is unclear."""
    kind = schema(root)
    if kind not in ("Timeline", "SerializableCollection"):
        raise UnsupportedEditError(f"{file_name} holds a {kind[:40]}, not a timeline: export a whole timeline")
    places = list(_timelines(root, ()))
    if not places:
        raise EmptyEditError(f"{file_name} is a collection without a timeline")
    return pick(places, [place.name for place in places], file_name, sequence)


def _timelines(thing: OtioObject, path: tuple[str | int, ...]) -> Iterator[TimelinePlace]:
    kind = schema(thing)
    if kind == "Timeline":
        stack = thing.get("tracks")
        inner_name = text(stack, "name") if isinstance(stack, dict) else ""
        yield TimelinePlace(text(thing, "name") or inner_name, thing, path)
    elif kind == "SerializableCollection" and len(path) < 2 * MAX_DEPTH:
        children = thing.get("children")
        for index, child in enumerate(children if isinstance(children, list) else ()):
            if isinstance(child, dict):
                yield from _timelines(child, (*path, "children", index))


def frame_rate_of(timeline: OtioObject) -> Fraction:
    """The frame rate of a timeline: its start time's, else Premiere's own word, else that of most clips."""
    start = timeline.get("global_start_time")
    rate = frame_rate(rate_of(start, "the timeline's start")) if isinstance(start, dict) else None
    return rate or _premiere_rate(timeline) or _most_common_rate(timeline) or _DEFAULT_RATE


def is_picture(track: OtioObject) -> bool:
    """Whether a track carries picture; one that does not say is taken for one."""
    return (text(track, "kind") or "Video") == "Video"


def premiere_block(item: object) -> OtioObject | None:
    """What Premiere itself wrote about an item, None in a file of another program."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    block = metadata.get("PremierePro_OTIO") if isinstance(metadata, dict) else None
    return block if isinstance(block, dict) else None


def _premiere_rate(timeline: OtioObject) -> Fraction | None:
    block = premiere_block(timeline.get("tracks")) or {}
    try:
        return frame_rate(snap_rate(block.get("VideoFrameRate", 0)))
    except ValueError:
        return None


def _most_common_rate(timeline: OtioObject) -> Fraction | None:
    rates: Counter[Fraction] = Counter()
    for clip in _clips(timeline.get("tracks"), 0):
        span = clip.get("source_range")
        if isinstance(span, dict):
            rate = frame_rate(rate_of(span.get("duration"), text(clip, "name")))
            rates.update([rate] if rate else [])
    return rates.most_common(1)[0][0] if rates else None


def _clips(thing: object, depth: int) -> Iterator[OtioObject]:
    if not isinstance(thing, dict) or depth > MAX_DEPTH:
        return
    kind = schema(thing)
    if kind == "Clip":
        yield thing
    elif kind == "Stack" or (kind == "Track" and is_picture(thing)):
        for child in objects(thing, "children"):
            yield from _clips(child, depth + 1)
