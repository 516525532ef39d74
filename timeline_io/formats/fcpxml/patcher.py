"""Our tracks in and out of a Final Cut Pro X XML file, as clips connected below the primary storyline.

    primary   [ A            ][ B                 ]      a clip of a track is connected to the element that is on
    lane -1      [ steps ]        [ door ]               when it begins; a track is a lane, below all lanes in use
    lane -2   [ rain                    ]

There are no tracks in this format, so every clip is known by itself: by the id of its asset, or by its role and
the folder of its sound once Final Cut has written the file anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import count
from typing import NamedTuple
from xml.etree.ElementTree import Element

from timeline_io.edit import FoleyTrack
from timeline_io.errors import LayingError
from timeline_io.formats.fcpxml.hosts import host_at, hosts_of, lowest_lane, place_in
from timeline_io.formats.fcpxml.laid import found_tracks, is_marked, lanes
from timeline_io.formats.fcpxml.media import source_of
from timeline_io.formats.fcpxml.new_clips import ID_PREFIX, ROLE, Line, asset_lines, clip_lines
from timeline_io.formats.fcpxml.place import STORY_ITEMS
from timeline_io.formats.fcpxml.spans import Spans
from timeline_io.formats.fcpxml.story import Builder
from timeline_io.formats.fcpxml.values import Resources, choose_project, minor_version, parse, sequence_of, time_of
from timeline_io.formats.found import FoundTrack
from timeline_io.formats.pick import reselect
from timeline_io.formats.target import TRACK_PREFIX, Folders, Keep, Target, is_ours
from timeline_io.formats.xml_layout import Layout, to_kept_utf8
from timeline_io.formats.xml_text import from_utf8

# Left in an element that was written <gap/>, so that removing our clips can undo that too.
_OPENED = b"<!-- opened by Smooth Foley -->"


class _Change(NamedTuple):
    """Bytes [start, end) of the file that become others."""

    start: int
    end: int
    bytes: bytes


def add_tracks(data: bytes, target: Target, tracks: tuple[FoleyTrack, ...]) -> bytes:
    """The file with the clips of `tracks` connected to the project's primary storyline."""
    utf8, encoding = to_kept_utf8(data, target)
    root, sequence = _chosen(data, target)
    resources = next(root.iter("resources"), None)
    if resources is None:
        raise LayingError(f"{target.file_name} has no resources to put sounds beside")
    hosts = hosts_of(sequence, Builder(Resources(root), target.file_name), target.rate, target.file_name)
    version, numbers, lowest = minor_version(root) or 0, _free_numbers(root), lowest_lane(sequence)
    start_s = time_of(sequence, "tcStart") or Fraction(0)
    assets: list[Line] = []
    connected: dict[int, tuple[Element, list[Line]]] = {}
    for depth, track in enumerate(tracks, 1):
        for clip in track.clips:
            at_s = start_s + Fraction(clip.record.first - target.start_frame) / target.rate
            host = host_at(hosts, at_s)
            asset_id = f"{ID_PREFIX}{next(numbers)}"
            assets += asset_lines(clip, asset_id, target, version)
            lines = connected.setdefault(id(host.element), (host.element, []))[1]
            lines += clip_lines(clip, asset_id, lowest - depth, host.offset_of(at_s), version)
    writer = _Writer(utf8, root)
    changes = [writer.into(host, place_in(host), lines) for host, lines in connected.values()]
    changes.append(writer.into(resources, len(resources), assets))
    return from_utf8(_changed(utf8, changes), encoding)


def remove_tracks(data: bytes, target: Target, folders: Folders, keep: Keep) -> bytes:
    """The file without the clips that were laid by us and without their assets; those on lanes that stay excepted."""
    utf8, encoding = to_kept_utf8(data, target)
    root, sequence = _chosen(data, target)
    clips = list(_our_clips(root, sequence, folders, keep))
    doomed = {id(element) for element in (*clips, *_our_assets(root, clips, folders))}
    if not doomed:
        return data
    spans = Spans(utf8, root)
    changes: list[_Change] = []
    for parent in root.iter():
        ours = [child for child in parent if id(child) in doomed]
        node = spans.of(parent)
        if ours and len(ours) == len(parent) and utf8.startswith(_OPENED, node.inner_start):
            changes.append(_Change(node.inner_start - len(b">"), node.end, b"/>"))
        else:
            changes += [_Change(*spans.with_space_before(child), b"") for child in ours]
    return from_utf8(_changed(utf8, changes), encoding)


def find_tracks(data: bytes, target: Target) -> tuple[FoundTrack, ...]:
    """What is connected to the primary storyline by lanes, each known by its number."""
    root, sequence = _chosen(data, target)
    return found_tracks(sequence, Builder(Resources(root), target.file_name), target)


def _chosen(data: bytes, target: Target) -> tuple[Element, Element]:
    """The root, and the sequence of the project that reading chose."""
    root = parse(data, target.file_name)

    def choose(wanted: str | None) -> Element:
        return choose_project(root, target.file_name, wanted)

    project = reselect(choose, lambda item: item.get("name", ""), target.sequence)
    return root, sequence_of(project)


def _our_clips(root: Element, sequence: Element, folders: Folders, keep: Keep) -> Iterator[Element]:
    """The connected clips of the sequence that we laid; one that something is connected to is the editor's."""
    resources = Resources(root)
    on_lane = lanes(sequence)
    for clip in sequence.iter():
        asset = resources.get(clip.get("ref"), "asset") if clip.tag in ("asset-clip", "audio") else None
        if asset is None or clip.get("lane") is None or any(child.tag in STORY_ITEMS for child in clip):
            continue
        role = clip.get("audioRole") or clip.get("role") or ""
        # A clip has no name of a track; its role says as much.
        name = TRACK_PREFIX if role == ROLE else ""
        media, key = [source_of(asset)], on_lane[id(clip)]
        if is_ours(name=name, marked=is_marked(asset), media=media, folders=folders, key=key, keep=keep):
            yield clip


def _our_assets(root: Element, clips: list[Element], folders: Folders) -> Iterator[Element]:
    """The assets of removed clips, and any of ours, that nothing else in the file refers to."""
    removed = {id(clip) for clip in clips}
    freed = {clip.get("ref") for clip in clips}
    used = {element.get("ref") for element in root.iter() if id(element) not in removed}
    for asset in root.iterfind(".//resources/asset"):
        if asset.get("id") in used:
            continue
        marked = is_marked(asset)
        if asset.get("id") in freed or is_ours(name="", marked=marked, media=[source_of(asset)], folders=folders):
            yield asset


def _free_numbers(root: Element) -> Iterator[int]:
    """Numbers that no id of the file has after our prefix, and no reference to an id that is lost."""
    taken = {element.get(name) for element in root.iter() for name in ("id", "ref")}
    return (number for number in count(1) if f"{ID_PREFIX}{number}" not in taken)


class _Writer:
    """Puts lines between the children of elements, indented like them."""

    def __init__(self, utf8: bytes, root: Element) -> None:
        self._utf8 = utf8
        self._spans = Spans(utf8, root)
        self._parents = {id(child): parent for parent in root.iter() for child in parent}

    def into(self, element: Element, index: int, lines: Iterable[Line]) -> _Change:
        """The change that puts `lines` before the child `index` of an element."""
        node = self._spans.of(element)
        layout = Layout(self._utf8, node)
        indent, unit = layout.indent, layout.unit
        if not node.children:
            around = Layout(self._utf8, self._spans.of(self._parents[id(element)]))
            indent, unit = around.indent + around.unit, around.unit
        written = b"".join(layout.newline + indent + unit * depth + line.encode("utf-8") for depth, line in lines)
        if node.is_self_closing:
            closing = layout.newline + indent.removesuffix(unit) + b"</" + node.tag.encode("utf-8") + b">"
            return _Change(node.end - len(b"/>"), node.end, b">" + _OPENED + written + closing)
        at = node.children[index - 1].end if index else node.inner_start
        return _Change(at, at, written)


def _changed(utf8: bytes, changes: Iterable[_Change]) -> bytes:
    """The file with changes that do not overlap."""
    kept: list[bytes] = []
    reached = 0
    for change in sorted(changes, key=lambda change: change.start):
        kept += (utf8[reached : change.start], change.bytes)
        reached = change.end
    return b"".join((*kept, utf8[reached:]))
