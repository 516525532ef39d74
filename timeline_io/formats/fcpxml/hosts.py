"""Which element of the primary storyline a new clip is connected to, and where between its children it goes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.errors import LayingError
from timeline_io.formats.fcpxml.clip import Timing
from timeline_io.formats.fcpxml.place import STORY_ITEMS
from timeline_io.formats.fcpxml.story import Builder
from timeline_io.formats.fcpxml.values import time_of

_HELD = STORY_ITEMS | {"spine"}
# What stands after the held and connected clips of an element; all else stands before them.
_AFTER_CONNECTED = frozenset(
    {
        "marker",
        "chapter-marker",
        "rating",
        "keyword",
        "analysis-marker",
        "hidden-clip-marker",
        "audio-channel-source",
        "audio-role-source",
        "sync-source",
        "filter-video",
        "filter-video-mask",
        "filter-audio",
        "metadata",
        "reserved",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """An element of the primary storyline that clips can be connected to, with its place on the timeline."""

    element: Element
    timing: Timing

    def offset_of(self, at_s: Fraction) -> Fraction:
        """A time of the timeline by the host's own clock, which conforming speeds up and a time map bends.

        A time map needs no account of its own: the clock of a retimed clip is that of the retimed clip.
        """
        return self.timing.clock_s + (at_s - self.timing.at_s) * self.timing.conform


def hosts_of(sequence: Element, builder: Builder, rate: Fraction, file_name: str) -> list[Host]:
    """The possible hosts of a sequence in order of time, counted in its timecode.

    An audition holds no connected clips itself: they are on its pick that is seen.
    """
    spine = sequence.find("spine")
    first_s = time_of(sequence, "tcStart") or Fraction(0)
    found = () if spine is None else builder.hosts(spine, rate, first_s)
    hosts = [Host(element=element, timing=timing) for element, timing in found]
    if not hosts:
        raise LayingError(f"the primary storyline of {file_name} is empty: there is nothing to connect sounds to")
    return sorted(hosts, key=lambda host: host.timing.at_s)


def host_at(hosts: list[Host], at_s: Fraction) -> Host:
    """The host that is on at `at_s`; beyond the storyline's end its last one, in a hole the one before.

    A gap is never made for a sound: that would change the editor's storyline.
    """
    return hosts[max(0, bisect_right(hosts, at_s, key=lambda host: host.timing.at_s) - 1)]


def place_in(host: Element) -> int:
    """The number of children that stand before a new connected clip, so that the document type stays kept."""
    held = [index for index, child in enumerate(host) if child.tag in _HELD]
    if held:
        return held[-1] + 1
    after = (index for index, child in enumerate(host) if child.tag in _AFTER_CONNECTED)
    return next(after, len(host))


def lowest_lane(sequence: Element) -> int:
    """The lowest lane in use anywhere below the sequence, at most 0."""
    lanes = [0]
    for element in sequence.iter():
        text = element.get("lane", "0").strip()[:10]
        if text.removeprefix("-").isdecimal():
            lanes.append(int(text))
    return min(lanes)
