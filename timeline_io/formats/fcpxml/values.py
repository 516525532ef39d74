"""Final Cut Pro X XML as checked values: rational times, frame rates, versions, resources, projects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.errors import EmptyEditError, UnreadableEditError, UnsupportedEditError
from timeline_io.formats.pick import pick
from timeline_io.formats.safe_xml import parse_xml
from timeline_io.frames import snap_rate

# "1001/24000s", "5s", and "3.5s" as some programs write it. Apple's own numbers have at most 64 bits.
_TIME = re.compile(r"([+-]?\d{1,19}(?:\.\d{1,12})?)(?:/(\d{1,12}))?s?")
_VERSION = re.compile(r"1\.(\d{1,4})(\.\d{1,4})?")
_NEWEST_VERSION = 14
# What a format is called when nobody writes its frame duration: FFVideoFormat1080p2398, FFVideoFormat1080i50.
_RATE_IN_NAME = re.compile(r"\d([pi])(\d{2})(\d{2})?(?:_|$)")


def parse(data: bytes, file_name: str) -> Element:
    """The root `<fcpxml>`; raises UnreadableEditError for damaged or unsafe XML, UnsupportedEditError for
    other XML and for a version that is not known."""
    root = parse_xml(data, file_name)
    if root.tag != "fcpxml":
        raise UnsupportedEditError(
            f"{file_name} is XML but no Final Cut Pro X timeline (its root is <{root.tag[:40]}>)"
        )
    version = minor_version(root)
    if version is None or version > _NEWEST_VERSION:
        raise UnsupportedEditError(
            f"{file_name} is FCPXML version {root.get('version', '')[:20]!r}, what is read is 1.0 to "
            f"1.{_NEWEST_VERSION}: export it in an older version"
        )
    return root


def minor_version(root: Element) -> int | None:
    """11 for FCPXML 1.11; None when the version is missing or not of the form 1.x."""
    match = _VERSION.fullmatch(root.get("version", "").strip())
    return int(match[1]) if match else None


def choose_project(root: Element, file_name: str, wanted: str | None) -> Element:
    """The project of that name, or the only one; a sequence without a project around it counts as one."""
    found = list(_projects(root))
    if not found:
        kinds = "clips" if root.find(".//*[@ref]") is not None else "nothing"
        raise EmptyEditError(f"{file_name} holds {kinds} but no project: export the project (the timeline) itself")
    return pick(found, [project.get("name", "") for project in found], file_name, wanted)


def sequence_of(project: Element) -> Element:
    """The sequence of what `choose_project` gave."""
    found = project if project.tag == "sequence" else project.find("sequence")
    return project if found is None else found


def _projects(root: Element) -> Iterator[Element]:
    """Projects in the library, its events, or the root, in document order; compound clips are no projects."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        is_project = element.tag == "project" and element.find("sequence") is not None
        if is_project or element.tag == "sequence":
            yield element
        elif element.tag in ("fcpxml", "library", "event", "project"):
            waiting += reversed(element)


def time_of(element: Element, name: str) -> Fraction | None:
    """The time at an attribute in exact seconds, None when it is absent; raises UnreadableEditError for no time."""
    text = element.get(name)
    if text is None:
        return None
    match = _TIME.fullmatch(text.strip())
    divisor = Fraction(match[2] or "1") if match else Fraction(0)
    if match is None or not divisor:
        where = element.get("name", "")[:80]
        raise UnreadableEditError(f"the {name} {text[:40]!r} of <{element.tag[:40]}> {where!r} is no time")
    return Fraction(match[1]) / divisor


def is_on(element: Element, name: str) -> bool:
    """The flag at an attribute that stands for 1 when it is absent."""
    return element.get(name, "1").strip() != "0"


class Resources:
    """What the clips of a file refer to by id: assets, effects, formats, compound clips and multicam clips."""

    def __init__(self, root: Element) -> None:
        lists = root.iter("resources")
        self._known = {item.get("id", ""): item for resources in lists for item in resources}

    def get(self, reference: str | None, tag: str = "") -> Element | None:
        """The resource of that id, if it is a `tag`."""
        found = self._known.get(reference) if reference else None
        return found if found is None or not tag or found.tag == tag else None

    def rate(self, element: Element) -> Fraction | None:
        """The exact frame rate of the format that an element names; None when the format has none."""
        known = self.get(element.get("format"), "format")
        if known is None:
            return None
        frame_s = time_of(known, "frameDuration")
        try:
            return snap_rate(1 / frame_s) if frame_s else _rate_by_name(known.get("name", ""))
        except ValueError:
            return None


def _rate_by_name(name: str) -> Fraction | None:
    match = _RATE_IN_NAME.search(name)
    if match is None:
        return None
    rate = snap_rate(f"{match[2]}.{match[3] or 0}")
    # Interlaced formats are called by their fields, two of which make a frame.
    return rate / 2 if match[1] == "i" else rate
