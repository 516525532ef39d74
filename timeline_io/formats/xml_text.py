"""XML files in whatever encoding -> UTF-8 and back, so that one parser reads them and byte offsets can be kept."""

from __future__ import annotations

import codecs
import re

from timeline_io.errors import UnreadableEditError

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
# Only encodings that files are written in: some of Python's codecs unpack or run away on bad input.
_ENCODINGS = re.compile(
    r"utf-8|ascii|utf-16(-[bl]e)?|iso8859-\d+|cp\d+|shift_jis|euc_\w+|gb\w+|big5\w*|koi8-\w|mac-\w+"
)


def to_utf8(data: bytes, file_name: str) -> tuple[bytes, str]:
    """The file as UTF-8, and the encoding to hand to `from_utf8`; raises UnreadableEditError when it is unknown."""
    name = _encoding_of(data)
    try:
        encoding = codecs.lookup(name).name
        if not _ENCODINGS.fullmatch(encoding):
            raise LookupError(name)
        if encoding == "utf-8":
            return data, encoding
        text = data.decode(encoding)
    except LookupError:
        raise UnreadableEditError(f"{file_name} is in the encoding {name[:40]!r}, which is not known") from None
    except UnicodeDecodeError as error:
        raise UnreadableEditError(f"{file_name} is damaged: byte {error.start} is not {encoding}") from error
    return text.encode("utf-8", "surrogatepass"), encoding


def from_utf8(data: bytes, encoding: str) -> bytes:
    """UTF-8 back in the encoding of the file; what that cannot express is written as a character reference."""
    if encoding == "utf-8":
        return data
    return data.decode("utf-8", "surrogatepass").encode(encoding, "xmlcharrefreplace")


def _encoding_of(data: bytes) -> str:
    # With its byte order kept apart, the mark itself stays in the text and comes back unchanged.
    if data.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if data.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8"
    declared = _DECLARED.match(data[:400])
    return declared[1].decode("ascii") if declared else "utf-8"
