"""Movies whose timecode track counts as a test says, whatever the rate of their picture."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.support.movies import grey_movie

# Written first: a number that nothing else in a small file happens to be.
_WRITTEN, _WRITTEN_HOURS, _WRITTEN_S = "07:00:11:00", 7, 11


def counted_movie(
    path: Path,
    *,
    first: int,
    counted: Fraction,
    drop_frame: bool = False,
    rate: Fraction = Fraction(25),
    **how: Any,
) -> Path:
    """A QuickTime movie of grey frames with a timecode track of `counted` frames a second, from number `first` on."""
    grey_movie(path, rate=rate, metadata={"timecode": _WRITTEN}, **how)
    data = bytearray(path.read_bytes())
    described = data.index(b"stsd")
    while data[described + 16 : described + 20] != b"tmcd":
        described = data.index(b"stsd", described + 1)
    ticks = struct.pack(">III", int(drop_frame), counted.numerator, counted.denominator)
    data[described + 32 : described + 45] = ticks + bytes([round(counted)])
    old = struct.pack(">I", (_WRITTEN_HOURS * 3600 + _WRITTEN_S) * max(1, round(rate)))
    assert data.count(old) == 1
    place = data.index(old)
    data[place : place + 4] = struct.pack(">I", first)
    path.write_bytes(data)
    return path
