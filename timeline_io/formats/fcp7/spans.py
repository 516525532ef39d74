"""Where the audio tracks of a Final Cut Pro 7 XML file stand, in bytes of its UTF-8 form."""

from __future__ import annotations

from xml.parsers import expat

from timeline_io.formats.fcp7.elements import FOLDERS
from timeline_io.formats.xml_node import Node

_OPENED = frozenset({*FOLDERS, "sequence", "media", "audio", ""})


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
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def run(self) -> None:
        self._parser.Parse(self._data, True)

    def _start(self, tag: str, _attributes: dict[str, str]) -> None:
        parent = self._open[-1]
        node = None
        if parent is not None and parent.tag in _OPENED:
            folder = parent.is_folder and tag in FOLDERS
            node = Node(tag, self._parser.CurrentByteIndex, is_folder=folder)
            parent.children.append(node)
            if tag == "sequence" and parent.is_folder:
                self.sequences.append(node)
        self._open.append(node)

    def _end(self, _tag: str) -> None:
        if node := self._open.pop():
            node.close(self._data, self._parser.CurrentByteIndex)
