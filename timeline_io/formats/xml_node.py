"""Where an element of an XML file stands, in bytes of its UTF-8 form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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

    def close(self, utf8: bytes, at: int) -> None:
        """Its end was met at `at`: the start of its end tag; for `<tag/>` what follows it, or its own start."""
        opening = _START_TAG.match(utf8, self.start)
        self.inner_start = opening.end() if opening else at
        if utf8.endswith(b"/>", self.start, self.inner_start):
            self.inner_end = self.end = self.inner_start
            return
        self.inner_end = at
        self.end = utf8.index(b">", at) + 1
