"""Where every element of an XML file stands, in bytes of its UTF-8 form."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element
from xml.parsers import expat

from timeline_io.formats.xml_node import Node


class Spans:
    """The spans of the elements of a parsed file, asked for by element."""

    def __init__(self, utf8: bytes, root: Element) -> None:
        self._utf8 = utf8
        # Both walk the file in document order.
        self._nodes = {id(element): node for element, node in zip(root.iter(), _nodes(utf8), strict=True)}

    def of(self, element: Element) -> Node:
        """The span of an element of the tree."""
        return self._nodes[id(element)]

    def with_space_before(self, element: Element) -> tuple[int, int]:
        """An element's span together with the white space in front of it."""
        node = self.of(element)
        start = node.start
        while self._utf8[start - 1 : start].isspace():
            start -= 1
        return start, node.end


def _nodes(utf8: bytes) -> Iterator[Node]:
    """The nodes of all elements in document order."""
    found: list[Node] = []
    inside: list[Node] = []
    parser = expat.ParserCreate("utf-8")

    def start(tag: str, _attributes: dict[str, str]) -> None:
        node = Node(tag, parser.CurrentByteIndex)
        if inside:
            inside[-1].children.append(node)
        found.append(node)
        inside.append(node)

    def end(_tag: str) -> None:
        inside.pop().close(utf8, parser.CurrentByteIndex)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.Parse(utf8, True)
    return iter(found)
