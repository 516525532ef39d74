"""The compound file around an AAF: enough of its tables to refuse one whose sizes cannot be true.

The library that reads the rest believes every size it finds, and a damaged byte can spell terabytes.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator

from timeline_io.errors import UnreadableEditError

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER_BYTES = 512
_LAST_SECTOR = 0xFFFFFFFA
_ENTRY_BYTES = 128
_NAME_BYTES = 64
_STREAM, _ROOT = 2, 5
_MINI_SECTOR_BYTES = 64
# The end of the name of a stream that says which objects a list holds: a count, and at least a number for each.
_INDEX = " index".encode("utf-16-le")[:-1]
_LISTED_BYTES = 4


def refuse_impossible_sizes(data: bytes, file_name: str) -> None:
    """Raise UnreadableEditError when a table, a stream or a list claims to be longer than the file that holds it."""
    if len(data) < _HEADER_BYTES or not data.startswith(MAGIC):
        raise UnreadableEditError(f"{file_name} is no AAF file")
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in (9, 12):
        raise UnreadableEditError(f"{file_name} is damaged: its sectors have an impossible size")
    try:
        claims = [*_claimed_sizes(data, 1 << shift)]
    except (struct.error, IndexError, ValueError) as error:
        raise UnreadableEditError(f"{file_name} is damaged: its table of contents is broken") from error
    if any(claimed > there for claimed, there in claims):
        raise UnreadableEditError(f"{file_name} is damaged: it is shorter than what it says it holds")


def _claimed_sizes(data: bytes, sector_bytes: int) -> Iterator[tuple[int, int]]:
    """Sizes in bytes that are claimed, each with the size there can be: of streams, and of what an index lists."""
    fat = _allocation_table(data, sector_bytes)
    mini_stream: list[int] = []
    for sector in _chain(fat, struct.unpack_from("<I", data, 48)[0]):
        at = (sector + 1) * sector_bytes
        for entry in range(at, min(at + sector_bytes, len(data) - _ENTRY_BYTES + 1), _ENTRY_BYTES):
            start, size = struct.unpack_from("<IQ", data, entry + 116)
            if data[entry + 66] == _ROOT:
                mini_stream = _chain(fat, start) if size else []
            elif data[entry + 66] == _STREAM:
                yield size, len(data)
                if size >= 4 and data[entry : entry + _NAME_BYTES].partition(b"\0\0\0")[0].endswith(_INDEX):
                    count = struct.unpack_from("<I", data, _place(data, start, size, sector_bytes, mini_stream))[0]
                    yield count * _LISTED_BYTES, size


def _place(data: bytes, start: int, size: int, sector_bytes: int, mini_stream: list[int]) -> int:
    """Where a stream begins in the file; a short one lies in small sectors, inside a stream of them."""
    if size >= struct.unpack_from("<I", data, 56)[0]:
        return (start + 1) * sector_bytes
    number, rest = divmod(start * _MINI_SECTOR_BYTES, sector_bytes)
    return (mini_stream[number] + 1) * sector_bytes + rest


def _allocation_table(data: bytes, sector_bytes: int) -> array[int]:
    """For each sector the one that follows it; its own sectors are listed in the header and in a chain of sectors."""
    per_sector = sector_bytes // 4
    listed = list(struct.unpack_from("<109I", data, 76))
    next_list, lists = struct.unpack_from("<II", data, 68)
    if lists * sector_bytes > len(data):
        raise ValueError("more sectors are listed than the file has")
    for _ in range(lists):
        if next_list > _LAST_SECTOR:
            break
        *more, next_list = struct.unpack_from(f"<{per_sector}I", data, (next_list + 1) * sector_bytes)
        listed += more
    table = array("I")
    for sector in listed:
        if sector <= _LAST_SECTOR:
            table.extend(struct.unpack_from(f"<{per_sector}I", data, (sector + 1) * sector_bytes))
    return table


def _chain(fat: array[int], sector: int) -> list[int]:
    chain: list[int] = []
    while sector <= _LAST_SECTOR:
        if len(chain) > len(fat):
            raise ValueError("a chain of sectors that never ends")
        chain.append(sector)
        sector = fat[sector]
    return chain
