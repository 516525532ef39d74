"""One event of an edit decision list -> the clip that is seen: its name, its media, its place in the source."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from timeline_io.formats.edl.event import Event
from timeline_io.formats.edl.source import Source
from timeline_io.formats.pictures import is_frame_of_many, is_generator_name, is_still_name, known_reel, media_named
from timeline_io.model import Clip

_BLACK = frozenset({"BL", "BLK", "BLACK"})
_BARS = frozenset({"BAR", "BARS", "CB", "COLORBARS"})


@dataclass(frozen=True, slots=True)
class Comment:
    """What an event shows, as its comments say: "" where they do not."""

    name: str
    path: str


def is_black(event: Event, said: Comment) -> bool:
    """Whether an event shows nothing: the reel is called black, and no clip is named that comes from it."""
    return event.reel.upper() in _BLACK and (event.is_incoming or not (said.name or said.path))


def comment_of(event: Event, before: Event | None, last: Event) -> Comment:
    """The name and path of an event.

    The comments of a dissolve, a wipe or a key stand after the `last` line of its number and speak of both sides;
    `before` is the event in front of it on the list.
    """
    if event.is_incoming or event.transition in ("K", "KO"):
        return _incoming(event, before)
    said = event.said or last.said
    return Comment(said.get("FROM CLIP NAME", ""), said.get("FROM PATH", ""))


def _incoming(event: Event, before: Event | None) -> Comment:
    for role in ("KEY", "TO"):
        name, path = event.said.get(f"{role} CLIP NAME", ""), event.said.get(f"{role} PATH", "")
        if name or path:
            return Comment(name, path)
    # Only one side is named: it is what goes out when the event before has that name, or none of its own.
    name, path = event.said.get("FROM CLIP NAME", ""), event.said.get("FROM PATH", "")
    if before is not None:
        outgoing = before.said.get("TO CLIP NAME") or before.said.get("FROM CLIP NAME", "")
        if before.number == event.number or outgoing == name:
            return Comment("", "")
    return Comment(name, path)


def clip_of(event: Event, said: Comment, source: Source | None, start_s: Fraction, length_s: Fraction) -> Clip:
    """The clip that an event shows from `start_s` on, for `length_s` seconds of the list; its source if it has one."""
    reel = known_reel(event.reel)
    media_ref, numbered = media_named(said.path or said.name or reel)
    name = said.name or said.path.replace("\\", "/").rpartition("/")[2] or event.reel or f"event {event.number}"
    is_still = event.is_still or (is_still_name(media_ref) and not is_frame_of_many(media_ref))
    no_picture = _no_picture(event, said)
    if source is None:
        no_picture = no_picture or f"its source times cannot be read ({event.where})"
        source = Source(start_s=Fraction(0))
    has_clock = not is_still
    return Clip(
        name=name,
        start_s=start_s,
        length_s=length_s,
        source_start_s=source.start_s if has_clock else Fraction(0),
        speed=source.speed if has_clock else Fraction(0),
        media_ref=media_ref,
        no_picture=no_picture,
        notes=(*event.notes, *source.notes),
        source_timecode_s=source.start_s if has_clock else None,
        source_counted=source.counted if has_clock else None,
        start_unknown=has_clock,
        reel=reel,
        numbered=numbered,
        motion=source.motion if has_clock else None,
    )


def _no_picture(event: Event, said: Comment) -> str:
    if event.reel.upper() in _BARS:
        return "bars, not a filmed picture"
    if not said.path and is_generator_name(said.name):
        return "a title or generator, not a filmed picture"
    return ""
