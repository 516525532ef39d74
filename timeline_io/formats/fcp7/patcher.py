"""Our tracks in and out of a Final Cut Pro 7 XML file, at the end of the sequence's audio tracks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from xml.etree.ElementTree import Element

from timeline_io.edit import FoleyTrack
from timeline_io.errors import LayingError
from timeline_io.formats.fcp7.elements import choose_sequence, content, defined, definitions, parse, top_sequences
from timeline_io.formats.fcp7.laid import found_track, is_marked, track_name
from timeline_io.formats.fcp7.spans import sequence_nodes
from timeline_io.formats.fcp7.track import ID_PREFIX, track_lines
from timeline_io.formats.found import FoundTrack
from timeline_io.formats.pick import reselect
from timeline_io.formats.splice import inserted, without
from timeline_io.formats.target import Folders, Keep, Target, is_ours
from timeline_io.formats.xml_layout import Layout, to_kept_utf8
from timeline_io.formats.xml_node import Node
from timeline_io.formats.xml_text import from_utf8

# Left in an <audio> that was not there, or was <audio/>, so that removing our tracks can undo that too.
_MADE = b"<!-- made by Smooth Foley -->"
_OPENED = b"<!-- opened by Smooth Foley -->"
_IDS = re.compile(rb"""\sid\s*=\s*["']([^"']*)["']""")


def add_tracks(data: bytes, target: Target, tracks: tuple[FoleyTrack, ...]) -> bytes:
    """The file with `tracks` after the last audio track of the sequence."""
    utf8, encoding = to_kept_utf8(data, target)
    media = _media(utf8, _chosen(data, target)[1], target)
    written = _written(utf8, media, target, tracks)
    audio = media.child("audio")
    if audio is None:
        layout = Layout(utf8, media)
        made = layout.line + b"<audio>" + _MADE + written + layout.line + b"</audio>"
        at = media.children[-1].end if media.children else media.inner_start
        return from_utf8(inserted(utf8, at, made), encoding)
    if audio.is_self_closing:
        opened = b">" + _OPENED + written + Layout(utf8, media).line + b"</audio>"
        return from_utf8(utf8[: audio.end - len(b"/>")] + opened + utf8[audio.end :], encoding)
    at = audio.children[-1].end if audio.children else audio.inner_start
    return from_utf8(inserted(utf8, at, written), encoding)


def remove_tracks(data: bytes, target: Target, folders: Folders, keep: Keep) -> bytes:
    """The file without the tracks that were laid by us, those that stay excepted."""
    utf8, encoding = to_kept_utf8(data, target)
    root, index, sequence = _chosen(data, target)
    media = _media(utf8, index, target)
    audio = media.child("audio")
    if audio is None:
        return data
    files = definitions(root, "file")
    ours = [_is_ours(track, files, folders, str(key), keep) for key, track in enumerate(_audio_tracks(sequence))]
    if not any(ours):
        return data
    if all(ours) and utf8.startswith(_MADE, audio.inner_start):
        return from_utf8(without(utf8, [_with_space_before(media, audio)]), encoding)
    if all(ours) and utf8.startswith(_OPENED, audio.inner_start):
        return from_utf8(utf8[: audio.inner_start - len(b">")] + b"/>" + utf8[audio.end :], encoding)
    tracks = [child for child in audio.children if child.tag == "track"]
    stretches = [_with_space_before(audio, node) for node, our in zip(tracks, ours, strict=True) if our]
    return from_utf8(without(utf8, stretches), encoding)


def find_tracks(data: bytes, target: Target) -> tuple[FoundTrack, ...]:
    """The audio tracks of the sequence, each known by its number among them."""
    root, _index, sequence = _chosen(data, target)
    files = definitions(root, "file")
    tracks = enumerate(_audio_tracks(sequence))
    return tuple(found_track(track, str(key), files, target.rate) for key, track in tracks)


def _chosen(data: bytes, target: Target) -> tuple[Element, int, Element]:
    """The root, the number among its sequences of the one that reading chose, and that sequence."""
    root = parse(data, target.file_name)

    def choose(wanted: str | None) -> Element:
        return choose_sequence(root, target.file_name, wanted)

    chosen = reselect(choose, lambda item: content(item, "name"), target.sequence)
    return root, next(index for index, item in enumerate(top_sequences(root)) if item is chosen), chosen


def _audio_tracks(sequence: Element) -> list[Element]:
    """The tracks of the first media's first audio, the same that `sequence_nodes` finds first."""
    audio = next((audio for media in sequence.findall("media")[:1] for audio in media.findall("audio")), None)
    return [] if audio is None else audio.findall("track")


def _media(utf8: bytes, index: int, target: Target) -> Node:
    media = sequence_nodes(utf8)[index].child("media")
    if media is None or media.is_self_closing:
        raise LayingError(f"the sequence of {target.file_name} has no media to lay tracks beside")
    return media


def _is_ours(track: Element, files: dict[str, Element], folders: Folders, key: str, keep: Keep) -> bool:
    items = track.findall("clipitem")
    marked = all(is_marked(item) for item in items)
    # What has no media of its own (a nested sequence, say) gives "", which lies in no folder of ours.
    named = [item.find("file") for item in items]
    media = ["" if file is None else content(defined(file, files), "pathurl") for file in named]
    return is_ours(name=track_name(track), marked=marked, media=media, folders=folders, key=key, keep=keep)


def _with_space_before(parent: Node, node: Node) -> tuple[int, int]:
    """A child's span together with the white space that sets it apart from what stands before it."""
    before = [child.end for child in parent.children if child.end <= node.start]
    return (before[-1] if before else parent.inner_start), node.end


def _written(utf8: bytes, media: Node, target: Target, tracks: tuple[FoleyTrack, ...]) -> bytes:
    """The tracks as XML lines, each led by its line break."""
    layout = Layout(utf8, media)
    audio = media.child("audio")
    indent = Layout(utf8, audio).indent if audio is not None and audio.children else layout.indent + layout.unit
    numbers = _free_numbers(utf8)
    return b"".join(
        layout.newline + indent + layout.unit * depth + line.encode("utf-8")
        for track in tracks
        for depth, line in track_lines(track, target, numbers)
    )


def _free_numbers(utf8: bytes) -> Iterator[int]:
    """Numbers that no id of the file ends with after our prefix."""
    prefix = ID_PREFIX.encode("ascii")
    taken = {found[1].rpartition(b"-")[2] for found in _IDS.finditer(utf8) if found[1].startswith(prefix)}
    return (number for number in count(1) if str(number).encode("ascii") not in taken)
