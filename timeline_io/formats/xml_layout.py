"""How an XML file is written down: its encoding and its indentation, which our lines keep to."""

from __future__ import annotations

from timeline_io.errors import LayingError
from timeline_io.formats.target import Target
from timeline_io.formats.xml_node import Node
from timeline_io.formats.xml_text import from_utf8, to_utf8


def to_kept_utf8(data: bytes, target: Target) -> tuple[bytes, str]:
    """The file as UTF-8; raises LayingError when its encoding does not lead back to the same bytes."""
    utf8, encoding = to_utf8(data, target.file_name)
    if from_utf8(utf8, encoding) != data:
        raise LayingError(f"{target.file_name} is in the encoding {encoding}, which cannot be kept: export it as UTF-8")
    return utf8, encoding


class Layout:
    """Line ends and indentation of an element's children."""

    def __init__(self, utf8: bytes, node: Node) -> None:
        first_break = utf8.find(b"\n")
        self.newline = b"" if first_break < 0 else b"\r\n" if utf8[:first_break].endswith(b"\r") else b"\n"
        last_line = _line_up_to(utf8, node.children[0].start if node.children else node.start)
        self.indent = last_line if self.newline and not last_line.strip() else b""
        own_line = _line_up_to(utf8, node.start)
        own_indent = own_line[: len(own_line) - len(own_line.lstrip())]
        self.unit = self.indent[len(own_indent) :] or b"\t"
        if not self.newline:
            self.unit = b""

    @property
    def line(self) -> bytes:
        """A line break and the indentation of a child."""
        return self.newline + self.indent


def _line_up_to(utf8: bytes, at: int) -> bytes:
    return utf8[utf8.rfind(b"\n", 0, at) + 1 : at]
