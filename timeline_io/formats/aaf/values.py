"""Values of AAF objects, each checked where it is read. AAF is a graph of objects with named properties."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from weakref import WeakKeyDictionary

from timeline_io.errors import UnreadableEditError
from timeline_io.frames import snap_rate

# Ten million frames are four days; a file that says more was damaged.
_LONGEST = 1 << 40
_MOST_ATTRIBUTES = 1000
# Property numbers by open file; looking for a name in every object took half the time of reading.
_NUMBERS: WeakKeyDictionary[Any, dict[Any, int | None]] = WeakKeyDictionary()


def kind(thing: Any) -> str:
    """The class of an object, by the name the AAF specification gives it; "" for nothing."""
    if thing is None:
        return ""
    name = type(thing).__name__
    return str(thing.name) if name == "AAFObject" else name


def value(thing: Any, name: str) -> Any:
    """The property of that name, None when the object has none."""
    entry = _entry(thing, name)
    return None if entry is None else entry.value


def _entry(thing: Any, name: str) -> Any:
    numbers = _NUMBERS.setdefault(thing.root, {})
    # Classes that the library has no class of its own for differ by their id only, which is slow to look up.
    key = (type(thing) if type(thing).__name__ != "AAFObject" else thing.class_id, name)
    if key not in numbers:
        numbers[key] = _number_of(thing, name)
    return thing.property_entries.get(numbers[key])


def _number_of(thing: Any, name: str) -> int | None:
    """The number under which objects of a class store a property; each file numbers the newer ones for itself."""
    definitions = () if thing.classdef is None else thing.classdef.all_propertydefs()
    return next((definition.pid for definition in definitions if definition.property_name == name), None)


def children(thing: Any, name: str) -> list[Any]:
    """The objects in a list property, none when there is no such list."""
    found = value(thing, name)
    return [child for child in found if child is not None] if isinstance(found, list) else []


def text(thing: Any, name: str) -> str:
    """A string property, "" when there is none."""
    entry = _entry(thing, name)
    return "" if entry is None else plain_text(bytes(entry.data).decode("utf-16-le", "replace").partition("\0")[0])


def plain_text(found: Any) -> str:
    """A string without what cannot be written (halves of characters, NUL); "" for anything else."""
    if not isinstance(found, str):
        return ""
    return found.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()


def number(thing: Any, name: str) -> int:
    """An integer property, 0 when there is none; raises UnreadableEditError when it is beyond all reason.

    Integers and strings are taken from their bytes: looking up how to decode each took as long as reading it.
    """
    entry = _entry(thing, name)
    found = 0 if entry is None else int.from_bytes(entry.data, "little", signed=True)
    if abs(found) > _LONGEST:
        raise UnreadableEditError(f"the {name} of a {kind(thing)} is {found}, which no edit has")
    return found


def length_of(segment: Any) -> int:
    """Edit units; an unknown length, written as -1, is none."""
    return max(0, number(segment, "Length"))


def fraction(found: Any) -> Fraction | None:
    """An exact number, reduced; None for anything else. (pyaaf2's rationals keep common factors.)"""
    if isinstance(found, bool) or not isinstance(found, int | float | Fraction):
        return None
    try:
        exact = Fraction(found.numerator, found.denominator) if isinstance(found, int | Fraction) else Fraction(found)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    exact = exact.limit_denominator(1_000_000_000)
    return exact if abs(exact) <= _LONGEST else None


def rate_of(slot: Any) -> Fraction:
    """The edit rate of a slot in edit units per second; raises UnreadableEditError when it is none."""
    entry = _entry(slot, "EditRate")
    above, below = (0, 1) if entry is None else struct.unpack("<ii", entry.data)
    try:
        return snap_rate(f"{above}/{below}")
    except ValueError as error:
        raise UnreadableEditError(f"a track has no usable edit rate: {error}") from error


def attributes(thing: Any, name: str = "ComponentAttributeList") -> dict[str, Any]:
    """Name -> value of a list of tagged values; what cannot be decoded is passed over."""
    found: dict[str, Any] = {}
    for tag in children(thing, name)[:_MOST_ATTRIBUTES]:
        try:
            found[str(tag.name)] = tag.value
        except Exception:
            # Programs tag objects with values of types of their own.
            continue
    return found


def is_true(found: Any) -> bool:
    """Whether an attribute is switched on: 1, "1", True."""
    return str(found).strip().casefold() in ("1", "true")


def picture_slots(mob: Any) -> list[Any]:
    """The timeline slots of a mob that hold picture, from the bottom track up."""
    slots = [slot for slot in timeline_slots(mob) if is_picture(value(slot, "Segment"))]
    return sorted(slots, key=lambda slot: number(slot, "PhysicalTrackNumber"))


def timeline_slots(mob: Any) -> Iterator[Any]:
    """The slots of a mob that run along its time and hold something."""
    for slot in children(mob, "Slots"):
        if kind(slot) == "TimelineMobSlot" and value(slot, "Segment") is not None:
            yield slot


def is_picture(segment: Any) -> bool:
    """Whether a segment holds picture, under its new or its old name."""
    return media_kind(segment).removeprefix("Legacy").startswith("Picture")


def media_kind(segment: Any) -> str:
    """`Picture`, `Sound`, `Timecode`, ...; "" when the file does not define it."""
    definition = value(segment, "DataDefinition")
    return "" if definition is None else str(definition.short_name or "")
