"""Where the items of a Final Cut Pro 7 track lie.

An edge under a transition is written as -1:

    <clipitem A end=-1> <transitionitem start=90 end=110 center> <clipitem B start=-1>

The cut is in the middle, at 100, but B's `<in>` is the frame it shows at 90, where the transition begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.formats.fcp7.elements import content, frames, number, rate_of
from timeline_io.model import Dissolve

TICKS_PER_SECOND = 254_016_000_000
_ITEMS = ("clipitem", "generatoritem")


@dataclass(frozen=True, slots=True)
class Place:
    """An item's place in frames of its sequence; its `<in>` is what it shows at `anchor`."""

    item: Element
    start: Fraction
    end: Fraction
    anchor: Fraction


@dataclass(frozen=True, slots=True)
class _Transition:
    start: Fraction
    end: Fraction
    cut: Fraction


def places(track: Element) -> list[Place]:
    """All clips and generators of a track, in document order."""
    children = [child for child in track if child.tag in (*_ITEMS, "transitionitem")]
    found: list[Place] = []
    for index, child in enumerate(children):
        if child.tag in _ITEMS:
            before = _transition(children[index - 1]) if index else None
            after = _transition(children[index + 1]) if index + 1 < len(children) else None
            reached = found[-1].end if found else Fraction(0)
            found.append(_place(child, before, after, reached))
    return found


def dissolves(track: Element, rate: Fraction) -> tuple[Dissolve, ...]:
    """The transitions of a track of a sequence of `rate` frames per second."""
    found = (_transition(child) for child in track)
    return tuple(
        Dissolve(start_s=one.start / rate, cut_s=one.cut / rate, end_s=one.end / rate)
        for one in found
        if one is not None
    )


def _place(item: Element, before: _Transition | None, after: _Transition | None, reached: Fraction) -> Place:
    """`reached` is where the item before ends: the best guess when nothing else is written."""
    length = _written_length(item)
    start, end = _edge(item, "start"), _edge(item, "end")
    anchor = start
    if start is None and before is not None:
        start, anchor = before.cut, before.start
    if end is None and after is not None:
        end = after.cut
    if start is None:
        start = end - length if end is not None and end >= length else reached
    if end is None:
        end = start + length
    return Place(item, start, max(start, end), start if anchor is None else anchor)


def _edge(item: Element, path: str) -> Fraction | None:
    """Where an item begins or ends: -1 is not known, anything further below lies before the timeline's start."""
    edge = number(item, path)
    return None if edge == -1 else edge


def _written_length(item: Element) -> Fraction:
    first, last = frames(item, "in"), frames(item, "out")
    if first is None or last is None:
        return frames(item, "duration") or Fraction(0)
    return max(Fraction(0), last - first)


def _transition(element: Element) -> _Transition | None:
    if element.tag != "transitionitem":
        return None
    start, end = frames(element, "start"), frames(element, "end")
    if start is None or end is None:
        return None
    return _Transition(start, end, _cut(element, start, end))


def _cut(element: Element, start: Fraction, end: Fraction) -> Fraction:
    """The frame where the picture changes: Premiere's exact word, else what the alignment says."""
    ticks, rate = number(element, "cutPointTicks"), rate_of(element)
    if ticks is not None and rate is not None:
        return min(end, max(start, start + Fraction(round(ticks * rate / TICKS_PER_SECOND))))
    alignment = content(element, "alignment").casefold()
    if alignment.startswith("start"):
        return start
    return end if alignment.startswith("end") else Fraction((start + end) // 2)
