"""What an edit lies in: a plain file, or a bundle of a timeline and its media.

    cut.otioz      a zip: content.otio, version.txt, media/...       -> cut.foley.otioz
    cut.otiod      a folder with the same                            -> cut.foley.otiod
    cut.fcpxmld    a folder: Info.fcpxml and what Final Cut needs    -> cut.foley.fcpxmld

A bundle is answered with a bundle of its kind. The timeline in it names its media relative to itself, so a plain
timeline beside it would be offline unless every reference were rewritten, and nothing but our tracks may change.
A folder is therefore copied with all its media; what is in the way of that is said before anything is written.

Our sounds go into the OpenTimelineIO bundles too, as `media/smooth-foley-...wav` and named by that relative path:
that is what makes them bundles, and what every reader of them links again after unpacking. Final Cut's bundle
holds no media, and its references are absolute: there the sounds stay where they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Protocol

from timeline_io.bundle_folder import FolderBundle
from timeline_io.bundle_zip import ZipBundle
from timeline_io.errors import LayingError
from timeline_io.files import is_folder, read_edit_bytes, write_atomically
from timeline_io.media import Finder, MediaSearch

_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")


class Container(Protocol):
    """What an edit lies in."""

    def timeline(self) -> bytes:
        """The bytes of the timeline itself; raises UnreadableEditError."""

    def finder(self, search: MediaSearch) -> Finder:
        """`search`, which also finds what lies in the bundle."""

    def names(self, wavs: Iterable[Path]) -> dict[Path, PurePath]:
        """How the timeline names sounds that are put in the bundle; empty where they stay outside."""

    def write(self, out: Path, timeline: bytes, sounds: Mapping[Path, PurePath]) -> None:
        """Write a copy with another timeline and `sounds` to `out`, whole or not at all; raises LayingError."""


def container_of(path: Path) -> Container:
    """What the edit at `path` lies in; a folder counts by what it is called or holds, a zip by its content."""
    if is_folder(path):
        return FolderBundle.at(path) or _PlainFile(path)
    return ZipBundle(path) if _first_bytes(path) in _ZIP_MARKS else _PlainFile(path)


def timeline_file(path: Path) -> Path:
    """The one file that tells two copies of an edit apart: the timeline inside a folder, else `path` itself.

    A folder that is still to be written counts by its suffix.
    """
    folder = FolderBundle.at(path) if is_folder(path) or not os.path.lexists(path) else None
    return folder.timeline_path if folder else path


class _PlainFile:
    """A timeline file without anything beside it that is part of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def timeline(self) -> bytes:
        return read_edit_bytes(self._path)

    def finder(self, search: MediaSearch) -> Finder:
        return search

    def names(self, wavs: Iterable[Path]) -> dict[Path, PurePath]:
        return {}

    def write(self, out: Path, timeline: bytes, sounds: Mapping[Path, PurePath]) -> None:
        if is_folder(out):
            raise LayingError(f"{out} cannot be written (it is a folder)")
        write_atomically(out, timeline)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(4)
    except (OSError, ValueError):
        # Reading the file says what is wrong with it.
        return b""
