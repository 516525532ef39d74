"""How an MXF file counts its timecode: components of its header (SMPTE ST 377-1) say how many numbers are a second and
whether some are dropped, where the demuxer tells the text alone."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from pipeline.timecode_track import TimecodeTrack

_COMPONENT = bytes.fromhex("060e2b34025301010d01010101011400")
_START, _BASE, _DROPS = 0x1501, 0x1502, 0x1503
_HEADER_BYTES = 1 << 20
_SHORT_LENGTH = 0x80
_TEXT = re.compile(r"(\d\d):(\d\d):(\d\d)[:;](\d\d)")


def mxf_timecode(path: Path, text: str, rate: Fraction) -> TimecodeTrack | None:
    """The component of the header that is written as `text`; None where there is none.

    `rate` is that of the picture: where it is 1000/1001 of a whole number, so is that of the timecode.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError:
        return None
    written = _TEXT.fullmatch(text)
    if written is None:
        return None
    hours, minutes, seconds, frames = map(int, written.groups())
    for start, base, drops in _components(header):
        total = 60 * hours + minutes
        dropped = base // 15 * (total - total // 10) if drops and base % 30 == 0 else 0
        if base and start == (60 * total + seconds) * base + frames - dropped:
            slower = Fraction(1000, 1001) if rate.denominator == 1001 else Fraction(1)
            return TimecodeTrack(first=start, rate=base * slower, drop_frame=drops)
    return None


def _components(header: bytes) -> Iterator[tuple[int, int, bool]]:
    """Start, frames in a second and drop flag of each timecode component."""
    at = header.find(_COMPONENT)
    while at >= 0:
        fields = dict(_fields(header, at + len(_COMPONENT)))
        if len(fields.get(_START, b"")) == 8 and len(fields.get(_BASE, b"")) == 2:
            (start,), (base,) = struct.unpack(">q", fields[_START]), struct.unpack(">H", fields[_BASE])
            yield start, base, fields.get(_DROPS, b"\0") != b"\0"
        at = header.find(_COMPONENT, at + 1)


def _fields(header: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Tag and value of each field of a local set whose length stands at `at`."""
    length, at = header[at] if at < len(header) else 0, at + 1
    if length >= _SHORT_LENGTH:
        wide = length - _SHORT_LENGTH
        length, at = int.from_bytes(header[at : at + wide], "big"), at + wide
    end = min(at + length, len(header))
    while at + 4 <= end:
        tag, size = struct.unpack_from(">HH", header, at)
        yield tag, header[at + 4 : at + 4 + size]
        at += 4 + size
