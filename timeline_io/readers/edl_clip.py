"""One event of an edit decision list -> the clip that is seen: its name, its media, its place in the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from timeline_io.frames import Counting, can_drop_frames, rate_name
from timeline_io.model import Clip
from timeline_io.readers.edl_rate import COUNTED, Clock, meant_speed
from timeline_io.readers.edl_text import Event
from timeline_io.readers.pictures import NO_REEL, is_frame_of_many, is_generator_name, is_still_name, media_named

_BLACK = frozenset({"BL", "BLK", "BLACK"})
_BARS = frozenset({"BAR", "BARS", "CB", "COLORBARS"})
_FASTEST = 1000
_HALF_A_DAY_S = 12 * 3600
_PERCENT = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class Said:
    """What an event shows, as its comments say: "" where they do not."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where in the media's own timecode an event begins, in seconds, how fast it runs, and how it was counted."""

    start_s: Fraction
    speed: Fraction
    notes: tuple[str, ...] = ()
    counted: Counting | None = None


def is_black(event: Event, said: Said) -> bool:
    """Whether an event shows nothing: the reel is called black, and no clip is named that comes from it."""
    return event.reel.upper() in _BLACK and (event.is_incoming or not (said.name or said.path))


def said_of(event: Event, before: Event | None, last: Event) -> Said:
    """The name and path of an event.

    The comments of a dissolve, a wipe or a key stand after the `last` line of its number and speak of both sides;
    `before` is the event in front of it on the list.
    """
    if event.is_incoming or event.transition in ("K", "KO"):
        return _incoming(event, before)
    said = event.said or last.said
    return Said(said.get("FROM CLIP NAME", ""), said.get("FROM PATH", ""))


def _incoming(event: Event, before: Event | None) -> Said:
    for role in ("KEY", "TO"):
        name, path = event.said.get(f"{role} CLIP NAME", ""), event.said.get(f"{role} PATH", "")
        if name or path:
            return Said(name, path)
    # Only one side is named: it is what goes out when the event before has that name, or none of its own.
    name, path = event.said.get("FROM CLIP NAME", ""), event.said.get("FROM PATH", "")
    if before is not None:
        outgoing = before.said.get("TO CLIP NAME") or before.said.get("FROM CLIP NAME", "")
        if before.number == event.number or outgoing == name:
            return Said("", "")
    return Said(name, path)


def clip_of(event: Event, said: Said, clock: Clock, start_s: Fraction, length_s: Fraction) -> Clip:
    """The clip that an event shows from `start_s` on, for `length_s` seconds of the list."""
    media_ref, numbered = media_named(said.path or said.name or ("" if event.reel.upper() in NO_REEL else event.reel))
    name = said.name or said.path.replace("\\", "/").rpartition("/")[2] or event.reel or f"event {event.number}"
    is_still = event.is_still or (is_still_name(media_ref) and not is_frame_of_many(media_ref))
    source = _source_of(event, clock, length_s)
    no_picture = _no_picture(event, said)
    if source is None:
        no_picture = no_picture or f"its source times cannot be read ({event.where})"
        source = Source(Fraction(0), Fraction(1))
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
        reel="" if event.reel.upper() in NO_REEL else event.reel,
        numbered=numbered,
    )


def _no_picture(event: Event, said: Said) -> str:
    if event.reel.upper() in _BARS:
        return "bars, not a filmed picture"
    if not said.path and is_generator_name(said.name):
        return "a title or generator, not a filmed picture"
    return ""


def _source_of(event: Event, clock: Clock, length_s: Fraction) -> Source | None:
    """The source of an event, None when no way of counting its timecodes makes sense."""
    readings = [(own, *times) for own in _clocks(clock) if (times := _times(event, own)) is not None]
    if not readings:
        return None
    own, first_s, last_s = readings[0]
    counted = _counting(event, own)
    if event.speed:
        return replace(_retimed(event.speed, clock.rate, first_s, last_s), counted=counted)
    for other, start_s, end_s in readings:
        if abs(end_s - start_s - length_s) <= max(1 / other.rate, 1 / clock.rate):
            return Source(start_s, Fraction(1), _counted_note(other, clock), _counting(event, other))
    if last_s <= first_s or last_s - first_s > _FASTEST * length_s:
        # A source without a length was not measured; one that ends before it begins was mistyped.
        return Source(first_s, Fraction(1), counted=counted) if last_s == first_s else None
    note = "its speed is not stated: it was taken from the lengths of source and record"
    return Source(first_s, (last_s - first_s) / length_s if length_s else Fraction(1), (note,), counted)


def _retimed(speed_text: str, rate: Fraction, first_s: Fraction, last_s: Fraction) -> Source:
    speed = _speed(speed_text, rate)
    if speed < 0:
        # Backwards, the range is played from its far edge, whichever way round it is written.
        return Source(max(first_s, last_s), speed)
    return Source(first_s, speed)


def _speed(text: str, rate: Fraction) -> Fraction:
    """Frames of media in a second over the rate; a whole percentage where the text is one, rounded."""
    written = Fraction(text)
    meant = (meant_speed(text, counted, _PERCENT) for counted in (rate, Fraction(round(rate))))
    speed = next((found for found in meant if found is not None), abs(written) / rate)
    return min(speed, Fraction(_FASTEST)) * (-1 if written < 0 else 1)


def _clocks(clock: Clock) -> Iterator[Clock]:
    """The list's own clock, and those that a source of another rate may be counted by."""
    yield clock
    is_ntsc = clock.rate.denominator == 1001
    for counted in COUNTED:
        rate = Fraction(counted * 1000, 1001) if is_ntsc and counted % 25 else Fraction(counted)
        if rate != clock.rate:
            yield Clock(rate, clock.drop_frame and can_drop_frames(rate), clock.is_marked)


def _times(event: Event, clock: Clock) -> tuple[Fraction, Fraction] | None:
    """Source in and out in seconds from midnight; a source that runs over midnight ends after it."""
    try:
        first_s, last_s = (clock.frame(code, event.drop_frame) / clock.rate for code in event.source)
    except ValueError:
        return None
    if first_s - last_s > _HALF_A_DAY_S:
        last_s += clock.day / clock.rate
    return first_s, last_s


def _counting(event: Event, clock: Clock) -> Counting:
    return Counting(rate=clock.rate, drop_frame=clock.drops(event.source[0], event.drop_frame))


def _counted_note(own: Clock, clock: Clock) -> tuple[str, ...]:
    return () if own.rate == clock.rate else (f"its source timecode counts {rate_name(own.rate)} frames a second",)
