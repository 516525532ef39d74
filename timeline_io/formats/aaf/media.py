"""From a clip of an AAF to its media: a chain of mobs, each of which says where it lies in the next.

clip -> master mob -> file mob (locator) -> import or tape mob (timecode)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from timeline_io.edit import Numbered
from timeline_io.formats.aaf.retime import frame_map
from timeline_io.formats.aaf.values import (
    attributes,
    children,
    fraction,
    is_picture,
    kind,
    length_of,
    number,
    plain_text,
    rate_of,
    text,
    value,
)
from timeline_io.formats.notes import metadata_notes
from timeline_io.formats.pictures import is_generator_name, is_still_name, known_reel, media_named
from timeline_io.model import Marker
from timeline_io.shots import ramp_at

_LONGEST_CHAIN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a clip shows: `start_s` counts from the start of the file, `timecode_s` from midnight of its timecode."""

    name: str = ""
    ref: str = ""
    start_s: Fraction = Fraction(0)
    timecode_s: Fraction | None = None
    is_still: bool = False
    no_picture: str = ""
    numbered: Numbered | None = None
    notes: tuple[str, ...] = ()
    markers: tuple[Marker, ...] = ()
    reel: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of a mob that runs along its time, counted in seconds from the start of its segment."""

    number: int
    segment: Any
    rate: Fraction
    origin_s: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Mob:
    """What is used of a mob, read once; `timecode_s` is the one at its start, in seconds from midnight."""

    thing: Any
    name: str
    slots: tuple[Slot, ...]
    ref: str
    timecode_s: Fraction | None
    notes: tuple[str, ...]
    markers: tuple[Marker, ...]
    is_tape: bool = False

    def slot(self, slot_id: int) -> Slot | None:
        """The slot of that number; where it is missing, the first that holds picture, or any."""
        named = (slot for slot in self.slots if slot.number == slot_id)
        pictures = (slot for slot in self.slots if is_picture(slot.segment))
        return next(named, None) or next(pictures, None) or next(iter(self.slots), None)


class Mobs:
    """The mobs of a file by their ids."""

    def __init__(self, content: Any) -> None:
        self._mobs = content.mobs
        self._known: dict[Any, Mob | None] = {}

    def referenced(self, clip: Any) -> Mob | None:
        """The mob that a source clip refers to, None when it refers to none or to one that is missing."""
        mob_id = value(clip, "SourceID")
        if mob_id not in self._known:
            thing = None if mob_id is None else self._mobs.get(mob_id, None)
            self._known[mob_id] = None if thing is None else _mob(thing)
        return self._known[mob_id]

    def source(self, clip: Any, rate: Fraction) -> Source:
        """The media of a source clip whose frames are counted at `rate`."""
        found = Source()
        file: Mob | None = None
        for mob, at_s in self._chain(clip, rate):
            if not found.name:
                first = tuple(replace(marker, at_s=marker.at_s - at_s) for marker in mob.markers)
                found = replace(found, name=mob.name, start_s=at_s, notes=mob.notes, markers=first)
            if mob.ref and file is None:
                file = mob
                found = replace(found, ref=mob.ref, start_s=at_s)
            if mob.timecode_s is not None and found.timecode_s is None:
                found = replace(found, timecode_s=mob.timecode_s + at_s)
            if mob.is_tape and not found.reel:
                found = replace(found, reel=known_reel(mob.name))
        return _judged(_inside_file(found, file), None if file is None else _file_rate(file))

    def _chain(self, clip: Any, rate: Fraction) -> Iterator[tuple[Mob, Fraction]]:
        """The mobs that a clip's first frame comes from, each with its time in that mob."""
        at_s = Fraction(0)
        for _ in range(_LONGEST_CHAIN):
            mob = self.referenced(clip)
            slot = None if mob is None else mob.slot(number(clip, "SourceMobSlotID"))
            if mob is None or slot is None:
                return
            at_s += number(clip, "StartTime") / rate + slot.origin_s
            yield mob, at_s
            rate = slot.rate
            clip, at_s = _clip_at(slot.segment, rate, at_s)
            if clip is None:
                return


def _mob(thing: Any) -> Mob:
    descriptor = value(thing, "EssenceDescription")
    locators = [] if descriptor is None else children(descriptor, "Locator")
    all_slots = children(thing, "Slots")
    slots = tuple(_slot(slot) for slot in all_slots if kind(slot) == "TimelineMobSlot")
    starts = (_start(slot) for slot in slots)
    return Mob(
        thing=thing,
        name=text(thing, "Name"),
        slots=slots,
        ref=next((url for locator in locators if (url := text(locator, "URLString"))), ""),
        timecode_s=next((start for start in starts if start is not None), None),
        notes=metadata_notes(attributes(thing, "UserComments")),
        markers=markers_in(all_slots),
        is_tape=kind(descriptor) == "TapeDescriptor",
    )


def _slot(slot: Any) -> Slot:
    rate = rate_of(slot)
    return Slot(number(slot, "SlotID"), value(slot, "Segment"), rate, number(slot, "Origin") / rate)


def markers_in(slots: list[Any]) -> tuple[Marker, ...]:
    """What people wrote along the time of a mob, on whatever track. (Resolve does not say on which.)"""
    markers = []
    for slot in slots:
        if kind(slot) != "EventMobSlot":
            continue
        segment, rate = value(slot, "Segment"), rate_of(slot)
        for event in children(segment, "Components") if kind(segment) == "Sequence" else [segment]:
            texts = () if event is None else _marker_texts(event)
            if texts:
                at_s, length_s = number(event, "Position") / rate, length_of(event) / rate
                markers.append(Marker(at_s=at_s, length_s=length_s, texts=texts))
    return tuple(markers)


def _marker_texts(event: Any) -> tuple[str, ...]:
    own = attributes(event, "CommentMarkerAttributeList")
    written = (text(event, "Comment"), plain_text(own.get("_ATN_CRM_COM")))
    return tuple(dict.fromkeys(note for note in written if note))


def _clip_at(segment: Any, rate: Fraction, at_s: Fraction) -> tuple[Any, Fraction]:
    """The source clip inside a segment that is seen at `at_s`, and how far into it that is; None without one."""
    for _ in range(_LONGEST_CHAIN):
        match kind(segment):
            case "SourceClip":
                return segment, at_s
            case "Sequence":
                segment, at_s = _component_at(segment, rate, at_s)
            case "OperationGroup":
                frames = frame_map(segment)
                at_s = at_s if frames is None else ramp_at(frames, at_s * rate) / rate
                segment = next(iter(children(segment, "InputSegments")), None)
            case "EssenceGroup":
                segment = next(iter(children(segment, "Choices")), None)
            case "Selector":
                segment = value(segment, "Selected")
            case "Pulldown":
                segment = value(segment, "InputSegment")
            case _:
                break
    return None, at_s


def _component_at(sequence: Any, rate: Fraction, at_s: Fraction) -> tuple[Any, Fraction]:
    begin_s = Fraction(0)
    last = None, at_s
    for component in children(sequence, "Components"):
        length_s = length_of(component) / rate
        if kind(component) == "Transition":
            begin_s -= length_s
            continue
        last = component, at_s - begin_s
        if at_s < begin_s + length_s:
            break
        begin_s += length_s
    return last


def _start(slot: Slot) -> Fraction | None:
    """The timecode that a slot begins at, in seconds."""
    segment = slot.segment
    if kind(segment) == "Sequence":
        segment = next(iter(children(segment, "Components")), None)
    if kind(segment) != "Timecode":
        return None
    nominal = number(segment, "FPS")
    if nominal <= 0:
        return None
    exact = Fraction(nominal * 1000, 1001) if slot.rate.denominator == 1001 else Fraction(nominal)
    return number(segment, "Start") / exact


def _inside_file(found: Source, file: Mob | None) -> Source:
    """Some programs count a source from midnight: a time beyond the end of the file is its timecode."""
    begin_s = Fraction(0) if found.timecode_s is None else found.timecode_s - found.start_s
    if file is None or not 0 < begin_s <= found.start_s:
        return found
    rate = _file_rate(file)
    length_s = length_of(value(file.thing, "EssenceDescription")) / rate if rate else None
    if length_s is None or not found.start_s - begin_s < length_s <= found.start_s:
        return found
    return replace(found, start_s=found.start_s - begin_s, timecode_s=found.start_s)


def _file_rate(file: Mob) -> Fraction | None:
    """The frame rate of a file, None where it is not told."""
    rate = fraction(value(value(file.thing, "EssenceDescription"), "SampleRate"))
    return rate if rate and rate > 0 else None


def _judged(found: Source, rate: Fraction | None) -> Source:
    """What kind of picture it is, where names tell; `rate` is that of the file."""
    if found.name.casefold().startswith("title:"):
        return replace(found, no_picture="a title, not a filmed picture")
    if not found.ref and is_generator_name(found.name):
        return replace(found, no_picture="a generator, not a filmed picture")
    # A missing locator still leaves the name, which is what a search folder is searched for.
    ref, numbered = media_named(found.ref or found.name, rate)
    return replace(found, ref=ref, numbered=numbered, is_still=is_still_name(found.ref))
