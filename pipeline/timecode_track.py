"""The timecode track of a QuickTime or MP4 file: its first number, how many follow in a second, if some are dropped.

    moov / trak  picture   tref -> tmcd 2
           trak  2  mdia / hdlr tmcd
                         / minf / stbl / stsd  tmcd: flags, time scale, ticks per frame, frames per second
                                       / stco  -> four bytes: the first number

It counts by itself: 50 pictures a second may be counted at 25, and 30 exactly with dropped numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import BinaryIO

_DROPS = 0x1
_MAY_BE_NEGATIVE = 0x4
_MOST_TRACKS = 256
_WIDE = 1  # A size of 1: the true one follows, in eight bytes.


@dataclass(frozen=True, slots=True, kw_only=True)
class TimecodeTrack:
    """The number `first` belongs to the first picture, and `rate` numbers a second follow.

    With `drop_frame` some numbers of every minute but the tenth are left out where they are written, not where counted.
    """

    first: int
    rate: Fraction
    drop_frame: bool


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    begin: int
    end: int


def timecode_track(path: Path, picture_id: int) -> TimecodeTrack | None:
    """The timecode of the picture track with that id, or the first there is; None where there is none to be read."""
    try:
        with path.open("rb") as file:
            tracks = list(islice(_tracks(file), _MOST_TRACKS))
            named = next((_tracks_named(file, track) for track in tracks if _track_id(file, track) == picture_id), ())
            counting = [track for track in tracks if _handler(file, track) == b"tmcd"]
            counting.sort(key=lambda track: _track_id(file, track) not in named)
            return next((found for track in counting if (found := _timecode(file, track)) is not None), None)
    except (OSError, struct.error, ZeroDivisionError):
        return None


def _timecode(file: BinaryIO, track: _Box) -> TimecodeTrack | None:
    table = _inside(file, track, b"mdia", b"minf", b"stbl")
    described, place = _inside(file, table, b"stsd"), _first_chunk(file, table)
    if described is None or place is None:
        return None
    kind, flags, scale, ticks, counted = struct.unpack(">12x4s12xIIIB", _bytes(file, described, 41))
    if kind != b"tmcd" or not counted:
        return None
    file.seek(place)
    (first,) = struct.unpack(">i" if flags & _MAY_BE_NEGATIVE else ">I", file.read(4))
    return TimecodeTrack(first=first, rate=_rate(scale, ticks, counted), drop_frame=bool(flags & _DROPS))


def _rate(scale: int, ticks: int, counted: int) -> Fraction:
    """The exact rate; what is counted in a second wins where the ticks say something else."""
    exact = Fraction(scale, ticks) if scale and ticks else Fraction(counted)
    return exact if round(exact) == counted else Fraction(counted)


def _first_chunk(file: BinaryIO, table: _Box | None) -> int | None:
    """Where in the file the first sample lies."""
    for kind, form in ((b"stco", ">4xII"), (b"co64", ">4xIQ")):
        chunks = _inside(file, table, kind)
        if chunks is not None:
            count, place = struct.unpack(form, _bytes(file, chunks, struct.calcsize(form)))
            return place if count else None
    return None


def _tracks(file: BinaryIO) -> Iterator[_Box]:
    whole = _Box(b"", 0, file.seek(0, 2))
    movie = _inside(file, whole, b"moov")
    return (box for box in _boxes(file, movie) if box.kind == b"trak")


def _track_id(file: BinaryIO, track: _Box) -> int:
    header = _inside(file, track, b"tkhd")
    if header is None:
        return 0
    is_wide = _bytes(file, header, 1) == b"\1"
    form = ">20xI" if is_wide else ">12xI"
    return int(struct.unpack(form, _bytes(file, header, struct.calcsize(form)))[0])


def _handler(file: BinaryIO, track: _Box) -> bytes:
    handler = _inside(file, track, b"mdia", b"hdlr")
    return b"" if handler is None else _bytes(file, handler, 12)[8:]


def _tracks_named(file: BinaryIO, track: _Box) -> tuple[int, ...]:
    """The ids of the timecode tracks that a track names as its own."""
    named = _inside(file, track, b"tref", b"tmcd")
    if named is None:
        return ()
    count = min((named.end - named.begin) // 4, _MOST_TRACKS)
    return struct.unpack(f">{count}I", _bytes(file, named, 4 * count))


def _inside(file: BinaryIO, box: _Box | None, *kinds: bytes) -> _Box | None:
    """The box at a path of kinds inside another."""
    for kind in kinds:
        box = next((inner for inner in _boxes(file, box) if inner.kind == kind), None)
    return box


def _boxes(file: BinaryIO, around: _Box | None) -> Iterator[_Box]:
    """The boxes side by side inside another, as far as they are whole."""
    place, end = (0, 0) if around is None else (around.begin, around.end)
    while place + 8 <= end:
        file.seek(place)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == _WIDE:
            (size,), head = struct.unpack(">Q", file.read(8)), 16
        elif size == 0:
            size = end - place
        if size < head or place + size > end:
            return
        yield _Box(kind, place + head, place + size)
        place += size


def _bytes(file: BinaryIO, box: _Box, count: int) -> bytes:
    file.seek(box.begin)
    return file.read(min(count, box.end - box.begin))
