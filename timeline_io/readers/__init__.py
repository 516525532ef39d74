"""The formats an edit can be read from: bytes in, a `model.Sequence` out. One entry per format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from timeline_io.errors import UnreadableEditError, UnsupportedEditError
from timeline_io.model import Sequence
from timeline_io.readers.aaf import read_aaf
from timeline_io.readers.aaf_container import MAGIC
from timeline_io.readers.edl import read_edl, read_edl_at
from timeline_io.readers.edl_text import looks_like_edl
from timeline_io.readers.fcp7 import read_fcp7
from timeline_io.readers.fcpxml import read_fcpxml
from timeline_io.readers.otio import read_otio

FORMATS_TODAY = (
    "OpenTimelineIO (.otio, .otioz, .otiod), Final Cut Pro X XML (.fcpxml, .fcpxmld), "
    "Final Cut Pro 7 XML (.xml, as Premiere and Resolve export it), AAF (.aaf) "
    "and edit decision lists (.edl)"
)

_NOT_YET = {
    ".prproj": "a Premiere project",
    ".drp": "a Resolve project",
    ".drt": "a Resolve timeline",
    ".ale": "an Avid log",
    ".avb": "an Avid bin",
    ".xges": "a GStreamer project",
    ".kdenlive": "a Kdenlive project",
    ".mlt": "an MLT project",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """One format: whether a file is of it, by its first bytes as text, and the function that reads it.

    `read(data, file_name, sequence)` gives the sequence of that name, or the only one there is.
    A format that does not state its frame rate has `read_at`, which takes the rate to read it at as well.
    """

    name: str
    suits: Callable[[str], bool]
    read: Callable[[bytes, str, str | None], Sequence]
    read_at: Callable[[bytes, str, str | None, Fraction], Sequence] | None = None


READERS = (
    Reader("otio", lambda head: head.startswith("{"), read_otio),
    Reader("fcpxml", lambda head: head.startswith("<") and "<fcpxml" in head, read_fcpxml),
    Reader("aaf", lambda head: head.startswith("\xd0\xcf\x11\xe0"), read_aaf),
    Reader("fcp7", lambda head: head.startswith("<"), read_fcp7),
    Reader("edl", looks_like_edl, read_edl, read_edl_at),
)


def refuse_unread_suffix(file_name: str, suffix: str) -> None:
    """Raise UnsupportedEditError for the suffix of a format that is known but not read."""
    kind = _NOT_YET.get(suffix.lower())
    if kind:
        raise UnsupportedEditError(f"{file_name} is {kind}, which is not read yet; what is read is {FORMATS_TODAY}")


def reader_of(data: bytes, file_name: str) -> Reader:
    """The reader for a file by how its content begins; raises UnreadableEditError when none fits."""
    head = _opening_text(data)
    for reader in READERS:
        if reader.suits(head):
            return reader
    raise UnreadableEditError(f"{file_name} is no timeline that can be read: the formats read are {FORMATS_TODAY}")


def _opening_text(data: bytes) -> str:
    """The first characters without white space; a compound file is no text and gives its bytes one by one."""
    if data.startswith(MAGIC):
        return data[:8].decode("latin-1")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data[:4096].decode(encoding, errors="replace").lstrip()
