"""The formats of edits, one package each: a new one is its package and a line in FORMATS."""

from __future__ import annotations

from timeline_io.errors import LayingError, UnreadableEditError, UnsupportedEditError
from timeline_io.formats import aaf, edl, fcp7, fcpxml, otio
from timeline_io.formats.aaf.container import MAGIC
from timeline_io.formats.base import Format, Laying

# In the order in which a file is asked whether it is one of them.
FORMATS: tuple[Format, ...] = (otio.FORMAT, fcpxml.FORMAT, fcp7.FORMAT, aaf.FORMAT, edl.FORMAT)
FORMATS_TODAY = ", ".join(known.title for known in FORMATS[:-1]) + f" and {FORMATS[-1].title}"
# What the name of an edit ends with; which format it is, its first bytes decide.
EDIT_SUFFIXES = frozenset(suffix for known in FORMATS for suffix in known.suffixes)

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


def refuse_unread_suffix(file_name: str, suffix: str) -> None:
    """Raise UnsupportedEditError for the suffix of a format that is known but not read."""
    kind = _NOT_YET.get(suffix.lower())
    if kind:
        raise UnsupportedEditError(f"{file_name} is {kind}, which is not read yet; what is read is {FORMATS_TODAY}")


def format_of(data: bytes, file_name: str) -> Format:
    """The format of a file by how its content begins; raises UnreadableEditError when none fits."""
    head = _opening_text(data)
    for known in FORMATS:
        if known.suits(head):
            return known
    raise UnreadableEditError(f"{file_name} is no timeline that can be read: the formats read are {FORMATS_TODAY}")


def laying_in(name: str) -> Laying | None:
    """How tracks are laid into the format of that name, as `Edit.format` has it; None where they cannot be, as into a
    movie."""
    return next((known.laying for known in FORMATS if known.name == name), None)


def laying_of(name: str) -> Laying:
    """`laying_in`; raises LayingError where tracks cannot be laid."""
    laying = laying_in(name)
    if laying is None:
        raise LayingError(
            f"tracks cannot be laid into an edit of the format {name!r}: write companion timelines beside it"
        )
    return laying


def _opening_text(data: bytes) -> str:
    """The first characters without white space; a compound file is no text and gives its bytes one by one."""
    if data.startswith(MAGIC):
        return data[: len(MAGIC)].decode("latin-1")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data[:4096].decode(encoding, errors="replace").lstrip()
