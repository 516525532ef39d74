"""Final Cut Pro 7 XML (xmeml) as checked values: flags, numbers, rates, timecodes, sequences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.errors import EmptyEditError, UnsupportedEditError
from timeline_io.formats.pick import pick
from timeline_io.formats.safe_xml import parse_xml
from timeline_io.frames import frame_at, frame_at_timecode, snap_rate

_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?")
_NEWEST_VERSION = 5
# Premiere's time displays of 29.97 and 59.94 frames a second, dropping and not; the others leave no choice.
_PREMIERE_DROPS = {"102": True, "103": False, "106": True, "107": False}
FOLDERS = frozenset({"xmeml", "project", "bin", "children"})


def parse(data: bytes, file_name: str) -> Element:
    """The root `<xmeml>`; raises UnreadableEditError for damaged or unsafe XML, UnsupportedEditError for other XML."""
    root = parse_xml(data, file_name)
    _check_kind(root, file_name)
    return root


def choose_sequence(root: Element, file_name: str, wanted: str | None) -> Element:
    """The sequence asked for, or the only one that no other sequence uses."""
    candidates = top_sequences(root)
    if not candidates:
        raise EmptyEditError(f"{file_name} holds no sequence")
    if wanted is None:
        used = {inner.get("id") for outer in candidates for inner in outer.iter("sequence") if inner is not outer}
        candidates = [item for item in candidates if item.get("id") is None or item.get("id") not in used] or candidates
    return pick(candidates, [content(item, "name") for item in candidates], file_name, wanted)


def top_sequences(root: Element) -> list[Element]:
    """The sequences that stand in the project and its bins, in document order; mere references left out."""
    return [element for element in _in_folders(root) if element.find("media") is not None]


def _in_folders(root: Element) -> Iterator[Element]:
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if element.tag == "sequence":
            yield element
        elif element.tag in FOLDERS:
            waiting += reversed(element)


def definitions(root: Element, tag: str) -> dict[str, Element]:
    """The first full definition of every id of a kind of element; two files with one path stay two files."""
    found: dict[str, Element] = {}
    for element in root.iter(tag):
        if len(element):
            found.setdefault(element.get("id", ""), element)
    return found


def defined(element: Element, known: dict[str, Element]) -> Element:
    """The full definition behind an element that may be only `<file id="..."/>`."""
    return element if len(element) else known.get(element.get("id", ""), element)


def content(element: Element, path: str) -> str:
    """The text at `path`, stripped, or ""."""
    found = element.find(path)
    return (found.text or "").strip() if found is not None else ""


def number(element: Element, path: str) -> Fraction | None:
    """The number at `path`, None when there is none (Hiero writes frames as `1055.0`)."""
    found = content(element, path)
    return Fraction(found) if _NUMBER.fullmatch(found) else None


def frames(element: Element, path: str) -> Fraction | None:
    """A frame count at `path`; -1, "not known", gives None."""
    found = number(element, path)
    return found if found is not None and found >= 0 else None


def is_on(element: Element, path: str, default: bool) -> bool:
    """The TRUE or FALSE at `path`."""
    found = content(element, path).upper()
    return default if found not in ("TRUE", "FALSE", "1", "0") else found in ("TRUE", "1")


def rate_of(element: Element) -> Fraction | None:
    """The exact frame rate of an element's own `<rate>`: timebase 24 with ntsc TRUE is 24000/1001."""
    timebase = content(element, "rate/timebase")
    try:
        rate = snap_rate(timebase)
    except ValueError:
        return None
    is_ntsc = is_on(element, "rate/ntsc", default=False)
    return rate * 1000 / 1001 if is_ntsc and rate.denominator == 1 and rate % 25 else rate


def start_timecode(element: Element, rate: Fraction) -> tuple[int, bool]:
    """Frame number at `rate`, and drop frame, of an element's `<timecode>`; (0, False) when it has none.

    What Premiere says of how it shows the time of a sequence goes before `<displayformat>`, which it gets wrong.
    """
    code = element.find("timecode")
    shown = _PREMIERE_DROPS.get(element.get("MZ.Sequence.VideoTimeDisplayFormat", ""))
    if code is None:
        return 0, bool(shown)
    own_rate = rate_of(code) or rate
    drop_frame = content(code, "displayformat").upper() == "DF" if shown is None else shown
    counted = frames(code, "frame")
    if counted is None:
        counted = _frames_of_text(content(code, "string"), own_rate, drop_frame)
    return frame_at(counted / own_rate, rate), drop_frame


def _frames_of_text(text: str, rate: Fraction, drop_frame: bool) -> Fraction:
    try:
        return Fraction(frame_at_timecode(text, rate, drop_frame or None))
    except ValueError:
        return Fraction(0)


def _check_kind(root: Element, file_name: str) -> None:
    kind = root.tag[:40]
    if kind != "xmeml":
        raise UnsupportedEditError(f"{file_name} is XML but no Final Cut Pro 7 timeline (its root is <{kind}>)")
    version = _version(root.get("version", ""))
    if version is not None and version >= _NEWEST_VERSION + 1:
        raise UnsupportedEditError(
            f"{file_name} is xmeml version {root.get('version')}, versions up to {_NEWEST_VERSION} are read"
        )


def _version(text: str) -> Fraction | None:
    return Fraction(text) if _NUMBER.fullmatch(text.strip()) else None
