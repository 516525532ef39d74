"""Where the audio tracks of a Final Cut Pro 7 XML file stand, in bytes of its UTF-8 form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from timeline_io.readers.fcp7_xml import FOLDERS

_OPENED = frozenset({*FOLDERS, "sequence", "media", "audio"})
_START_TAG = re.compile(rb"""<[^\s/>]+(?:"[^"]*"|'[^']*'|[^'">])*>""")


@dataclass(slots=True)
class Node:
    """An element's span [start, end) and that of what lies between its tags."""

    tag: str
    start: int
    inner_start: int = 0
    inner_end: int = 0
    end: int = 0
    is_folder: bool = False
    children: list[Node] = field(default_factory=list)

    @property
    def is_self_closing(self) -> bool:
        """Whether it is written `<tag/>`."""
        return self.inner_start == self.end

    def child(self, tag: str) -> Node | None:
        """The first child of that name."""
        return next((child for child in self.children if child.tag == tag), None)


def sequence_nodes(data: bytes) -> list[Node]:
    """The sequences of the project and its bins that have media, in document order, as `top_sequences` gives them.

    Only what leads to audio tracks is kept. `data` must have been parsed before: it is trusted here.
    """
    scan = _Scan(data)
    scan.run()
    return [node for node in scan.sequences if node.child("media") is not None]


class _Scan:
    def __init__(self, data: bytes) -> None:
        self.sequences: list[Node] = []
        self._data = data
        self._open: list[Node | None] = [Node("", 0, is_folder=True)]
        self._just_opened = False
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.DefaultHandler = self._other

    def run(self) -> None:
        self._parser.Parse(self._data, True)

    def _start(self, tag: str, _attributes: dict[str, str]) -> None:
        parent = self._open[-1]
        node = None
        if parent is not None and parent.tag in (*_OPENED, ""):
            folder = parent.is_folder and tag in FOLDERS
            node = Node(tag, self._parser.CurrentByteIndex, is_folder=folder)
            parent.children.append(node)
            if tag == "sequence" and parent.is_folder:
                self.sequences.append(node)
        self._open.append(node)
        self._just_opened = True

    def _end(self, _tag: str) -> None:
        node = self._open.pop()
        if node is not None:
            self._close(node, self._parser.CurrentByteIndex)
        self._just_opened = False

    def _close(self, node: Node, at: int) -> None:
        """`at` is the start of the end tag, or what follows `<tag/>`."""
        if self._just_opened and self._data[at - 2 : at] == b"/>":
            node.inner_start = node.inner_end = node.end = at
            return
        opening = _START_TAG.match(self._data, node.start)
        node.inner_start = opening.end() if opening else at
        node.inner_end = at
        node.end = self._data.index(b">", at) + 1

    def _other(self, _text: str) -> None:
        self._just_opened = False
