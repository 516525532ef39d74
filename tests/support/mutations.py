"""Damage to timeline files, from a flipped bit to a tree put together anew, as functions of a source of chance."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from xml.etree import ElementTree

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_OPENING = re.compile(rb"<[A-Za-z][^<>/]{0,80}>|[\[{]")
_NUMBERS = (
    b"0", b"-1", b"1e308", b"-1e308", b"NaN", b"Infinity", b"9" * 30, b"9" * 5000, b"0.1", b"1/0", b"24/0",
    b"1e999999999", b"-0", b"4294967296", b"9223372036854775808", b"1001/24000s", b"99:99:99:99", b"0x10",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    0, -1, 1e308, float("nan"), float("inf"), 10**30, None, True, "", "x", [], {}, [[]], "Clip.9", "\ud800", "\x00",
)  # fmt: skip
_TEXTS = (
    "", "-1", "x", "999999999999999", "1e999999999", "NaN", "0", "TRUE", "-5.5", "24/0", "\u2028", "0s", "1/0s", "r1",
    "-99999999999999999999/1s", "file://",
)  # fmt: skip


def mutated(data: bytes, other: bytes, chance: Random) -> bytes:
    """`data` damaged in one to four ways; `other` is a second file, to splice with."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        damage = chance.choice(_damages(data))
        data = damage(data, other, chance)
    return data


def _damages(data: bytes) -> tuple[Callable[[bytes, bytes, Random], bytes], ...]:
    """Most changes keep a tree a tree: a file that no longer is one is refused before its meaning is looked at."""
    plain = (_flipped, _shortened, _lengthened, _repeated, _truncated, _spliced, _renumbered, _deepened)
    within = _within(data)
    return (*plain, *[within] * 2 * len(plain))


def _within(data: bytes) -> Callable[[bytes, bytes, Random], bytes]:
    """The change that keeps a file of its kind whole."""
    if b"\0" in data[:64]:
        return _overwritten
    head = data.lstrip()[:1]
    return _json_changed if head == b"{" else _xml_changed if head == b"<" else _renumbered


def _at(data: bytes, chance: Random) -> int:
    return chance.randrange(len(data) + 1)


def _flipped(data: bytes, _other: bytes, chance: Random) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _overwritten(data: bytes, _other: bytes, chance: Random) -> bytes:
    """A few bytes made others: in a binary file nothing behind them moves."""
    at = _at(data, chance)
    junk = chance.choice((b"\0", b"\xff", b"\x7f", b"\x80", bytes([chance.randrange(256)])))
    count = min(chance.choice((1, 2, 4, 8, 64)), len(data) - at)
    return data[:at] + junk * count + data[at + count :]


def _shortened(data: bytes, _other: bytes, chance: Random) -> bytes:
    at = _at(data, chance)
    return data[:at] + data[at + chance.choice((1, 4, 60, 1000)) :]


def _lengthened(data: bytes, _other: bytes, chance: Random) -> bytes:
    at = _at(data, chance)
    junk = bytes(chance.randrange(256) for _ in range(chance.choice((1, 2, 8))))
    return data[:at] + junk + data[at:]


def _repeated(data: bytes, _other: bytes, chance: Random) -> bytes:
    at = _at(data, chance)
    end = at + chance.choice((1, 30, 500, 5000))
    return data[:end] + data[at:end] * chance.choice((1, 3, 20)) + data[end:]


def _truncated(data: bytes, _other: bytes, chance: Random) -> bytes:
    return data[: _at(data, chance)]


def _spliced(data: bytes, other: bytes, chance: Random) -> bytes:
    return data[: _at(data, chance)] + other[_at(other, chance) :]


def _renumbered(data: bytes, _other: bytes, chance: Random) -> bytes:
    """One number made another: a search from anywhere, as listing all of them would take long."""
    match = _NUMBER.search(data, _at(data, chance))
    return data if match is None else data[: match.start()] + chance.choice(_NUMBERS) + data[match.end() :]


def _deepened(data: bytes, _other: bytes, chance: Random) -> bytes:
    match = _OPENING.search(data, _at(data, chance))
    if match is None:
        return data
    return data[: match.end()] + match[0] * chance.choice((5, 150, 3000)) + data[match.end() :]


def _json_changed(data: bytes, _other: bytes, chance: Random) -> bytes:
    """A value made another, taken away, or replaced by one from elsewhere in the tree."""
    try:
        root = json.loads(data)
    except (ValueError, RecursionError):
        return data
    slots = list(_slots(root))
    if not slots:
        return data
    holder, key = chance.choice(slots)
    from_holder, from_key = chance.choice(slots)
    how = chance.randrange(4)
    if how == 0:
        del holder[key]
    elif how == 1:
        holder[key] = copy.deepcopy(from_holder[from_key])
    else:
        holder[key] = chance.choice(_VALUES)
    return json.dumps(root).encode()


def _slots(value: Any) -> Iterator[tuple[Any, Any]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield value, key
        yield from _slots(inner)


def _xml_changed(data: bytes, _other: bytes, chance: Random) -> bytes:
    """An element taken away, doubled, put elsewhere, or with another text or attribute."""
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        return data
    parents = [element for element in root.iter() if len(element)]
    if not parents:
        return data
    parent = chance.choice(parents)
    child = chance.choice(list(parent))
    how = chance.randrange(5)
    if how == 0:
        parent.remove(child)
    elif how == 1:
        parent.insert(0, copy.deepcopy(child))
    elif how == 2:
        chance.choice(parents).append(copy.deepcopy(child))
    elif how == 3 or not child.attrib:
        child.text = chance.choice(_TEXTS)
    else:
        child.set(chance.choice(sorted(child.attrib)), chance.choice(_TEXTS))
    return ElementTree.tostring(root, "utf-8", xml_declaration=True)
