"""A new timeline without a clip."""

from __future__ import annotations

from collections.abc import Iterator

from timeline_io.formats.fcp7.track import Line, deeper, rate_lines, timecode_lines, xml_text
from timeline_io.formats.target import Target

# The picture's size is not in an `Edit`, and an importer that wants one takes this for a sequence without picture.
_WIDTH, _HEIGHT = 1920, 1080


def empty_timeline(title: str, target: Target, frames: int) -> bytes:
    """A sequence of `frames` frames with an empty picture track, one element a line."""
    lines = "\n".join("\t" * depth + text for depth, text in _sequence_lines(title, target, frames))
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<xmeml version="4">\n'
    return f"{head}{lines}\n</xmeml>\n".encode("utf-8", "replace")


def _sequence_lines(title: str, target: Target, frames: int) -> Iterator[Line]:
    yield 1, '<sequence id="foley-only">'
    yield 2, f"<name>{xml_text(title)}</name>"
    yield 2, f"<duration>{frames}</duration>"
    yield from deeper(deeper(rate_lines(target)))
    yield from deeper(deeper(timecode_lines(target.start_frame, target)))
    yield 2, "<media>"
    yield 3, "<video>"
    yield 4, "<format>"
    yield 5, "<samplecharacteristics>"
    yield from ((depth + 6, text) for depth, text in rate_lines(target))
    yield 6, f"<width>{_WIDTH}</width>"
    yield 6, f"<height>{_HEIGHT}</height>"
    yield 5, "</samplecharacteristics>"
    yield 4, "</format>"
    yield 4, "<track>"
    yield 5, "<enabled>TRUE</enabled>"
    yield 4, "</track>"
    yield 3, "</video>"
    yield 3, "<audio>"
    yield 4, "<numOutputChannels>2</numOutputChannels>"
    yield 3, "</audio>"
    yield 2, "</media>"
    yield 1, "</sequence>"
