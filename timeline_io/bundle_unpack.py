"""Media inside an .otioz as files: only what shots use is unpacked, to a folder the caller names, and checked."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from timeline_io.files import cause_of, replacing
from timeline_io.media import Found, MediaSearch
from timeline_io.media_need import Need
from timeline_io.media_paths import name_parts, spellings

_CHUNK_BYTES = 1 << 20
_SPARE_BYTES = 100_000_000
# Whatever reading a damaged archive can raise.
TROUBLES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OSError,
)


class ZipFinder:
    """Finds what a bundle holds in it, and everything else where `search` does."""

    def __init__(self, bundle: Path, members: list[zipfile.ZipInfo], search: MediaSearch) -> None:
        self._bundle = bundle
        self._search = search
        self._members = {info.filename: info for info in members if not info.is_dir()}

    def find(self, ref: str, need: Need) -> Found:
        """The unpacked file; offline with the reason when it cannot be unpacked."""
        info = self._member(ref)
        if info is None:
            return self._search.find(ref, need)
        if self._search.cache is None:
            reason = f"offline: it lies inside {self._bundle.name}, and no folder was named to unpack it to"
            return Found(offline_reason=reason)
        try:
            return Found(path=_unpacked(self._bundle, info, self._search.cache))
        except TROUBLES as error:
            return Found(offline_reason=f"offline: it cannot be unpacked from {self._bundle.name} ({cause_of(error)})")

    def _member(self, ref: str) -> zipfile.ZipInfo | None:
        """The member that a reference names by its path in the bundle, or alone by its file name."""
        spelt = spellings(ref)
        for spelling in spelt:
            info = self._members.get("/".join(name_parts(spelling)))
            if info is not None:
                return info
        names = {parts[-1] for spelling in spelt if (parts := name_parts(spelling))}
        named = [info for name, info in self._members.items() if PurePosixPath(name).name in names]
        return named[0] if len(named) == 1 and named[0].filename.startswith("media/") else None


def _unpacked(bundle: Path, info: zipfile.ZipInfo, cache: Path) -> Path:
    """The member as a file below `cache`, in a folder of its own so that it keeps its name.

    A file lies there only after its checksum was found right, so one of the right size is taken again as it is.
    """
    place = cache.absolute() / "otioz" / _key(bundle, info) / PurePosixPath(info.filename).name
    if not place.resolve().is_relative_to(cache.resolve()):
        raise OSError(f"a link leads out of the cache folder {cache}")
    if place.is_file() and place.stat().st_size == info.file_size:
        return place
    _make_shared(place.parent, cache.absolute().parent)
    if shutil.disk_usage(place.parent).free < info.file_size + _SPARE_BYTES:
        raise OSError(f"it needs {info.file_size // 1_000_000} MB, more than is free at {cache}")
    # The end of a member compares its checksum, and raises.
    with zipfile.ZipFile(bundle) as archive, archive.open(info) as member, replacing(place) as stream:
        shutil.copyfileobj(member, stream, _CHUNK_BYTES)
        if stream.tell() != info.file_size:
            raise zipfile.BadZipFile("it is shorter than the bundle says")
    return place


def _make_shared(folder: Path, root: Path) -> None:
    """Make `folder` below `root`, with the mode of `root`: several users may share the cache."""
    root.mkdir(parents=True, exist_ok=True)
    for level in reversed([folder, *folder.parents][: len(folder.relative_to(root).parts)]):
        if not level.is_dir():
            level.mkdir(exist_ok=True)
            level.chmod(root.stat().st_mode & 0o7777)


def _key(bundle: Path, info: zipfile.ZipInfo) -> str:
    """One name for one content: where the bundle lies, when it was written, and what it says of the member."""
    about = bundle.stat()
    facts = (os.fspath(bundle.absolute()), about.st_size, about.st_mtime_ns, info.filename, info.file_size, info.CRC)
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
