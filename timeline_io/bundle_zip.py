"""An .otioz bundle: a zip that holds content.otio and its media. Read with care: a zip can be made to do harm."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath

from timeline_io.bundle_names import bundled_names, is_our_sound
from timeline_io.bundle_unpack import TROUBLES, ZipFinder
from timeline_io.errors import LayingError, UnreadableEditError
from timeline_io.files import MAX_EDIT_BYTES, cause_of, replacing
from timeline_io.media import Finder, MediaSearch

_TIMELINE = "content.otio"
_MAX_MEMBERS = 100_000
# Media hardly shrinks, and bundles store it as it is: what shrinks a hundredfold was made to fill a disk.
_MAX_RATIO, _BOMB_BYTES = 100, 100_000_000
_LINK, _KIND = 0o120000, 0o170000
_CHUNK_BYTES = 1 << 20
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class ZipBundle:
    """The bundle at `path`; each call opens it anew and checks it whole before anything of it is used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def timeline(self) -> bytes:
        """The bytes of content.otio."""
        with _opened(self._path) as archive:
            info = archive.getinfo(_TIMELINE)
            if info.file_size > MAX_EDIT_BYTES:
                size = info.file_size // 1_000_000
                raise UnreadableEditError(f"the timeline in {self._path.name} is {size} MB, more than 200 MB")
            try:
                # Reading stops at the declared size, whatever more there is.
                data = archive.read(info)
            except TROUBLES as error:
                raise UnreadableEditError(f"{self._path.name} is damaged: {cause_of(error)}") from error
        if not data.strip():
            raise UnreadableEditError(f"{self._path.name} holds an empty timeline: export it again")
        return data

    def finder(self, search: MediaSearch) -> Finder:
        """Media of the bundle is unpacked to the cache folder of `search`; all else is searched for."""
        with _opened(self._path) as archive:
            return ZipFinder(self._path, archive.infolist(), search)

    def names(self, wavs: Iterable[Path]) -> dict[Path, PurePath]:
        """Sounds are named by their place in the bundle."""
        return dict(bundled_names(wavs))

    def write(self, out: Path, timeline: bytes, sounds: Mapping[Path, PurePath]) -> None:
        """A zip whose other members have the same content and order; sounds that nothing names any more are left out.

        Media goes through piece by piece, never whole through memory.
        """
        files = {str(name): wav for wav, name in sounds.items()}
        try:
            with _opened(self._path) as source, replacing(out) as stream, zipfile.ZipFile(stream, "w") as target:
                members = {info.filename: info for info in source.infolist()}
                for name, info in members.items():
                    if name == _TIMELINE:
                        target.writestr(_like(info), timeline)
                    elif not is_our_sound(name):
                        _copy(source, info, target)
                kept = {name for name in members if is_our_sound(name) and PurePath(name).name.encode() in timeline}
                for name in sorted({*kept, *files}):
                    if name in files:
                        _add(files[name], name, target)
                    else:
                        _copy(source, members[name], target)
        except TROUBLES as error:
            raise LayingError(f"{out} cannot be written ({cause_of(error)})") from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, checked; whatever is wrong with it becomes one sentence."""
    try:
        archive, size = zipfile.ZipFile(path), path.stat().st_size
    except TROUBLES as error:
        raise UnreadableEditError(f"{path.name} is damaged: it is no valid zip file ({cause_of(error)})") from error
    with archive:
        _check(archive.infolist(), path.name, size)
        yield archive


def _check(members: list[zipfile.ZipInfo], file_name: str, archive_bytes: int) -> None:
    """Raise UnreadableEditError for a bundle that a program which makes bundles never writes."""
    if len(members) > _MAX_MEMBERS:
        raise UnreadableEditError(
            f"{file_name} holds {len(members)} files, more than the {_MAX_MEMBERS} a bundle may have"
        )
    if sum(info.compress_size for info in members) > archive_bytes:
        raise UnreadableEditError(f"{file_name} was not opened: its files are larger than itself")
    names = Counter(info.filename for info in members)
    if _TIMELINE not in names:
        raise UnreadableEditError(f"{file_name} is a zip file without {_TIMELINE}: it is no OpenTimelineIO bundle")
    for info in members:
        fault = _fault(info) or ("is in it twice" if names[info.filename] > 1 else "")
        if fault:
            raise UnreadableEditError(f"{file_name} was not opened: its file {info.filename[:80]!a} {fault}")


def _fault(info: zipfile.ZipInfo) -> str:
    path = PurePosixPath(info.filename)
    if path.is_absolute() or ".." in path.parts or any(sign in info.orig_filename for sign in ("\\", ":", "\0")):
        return "has a path that may lead out of the bundle"
    if (info.external_attr >> 16) & _KIND == _LINK:
        return "is a link"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.compress_type not in _PACKINGS:
        return "is packed in a way that bundles do not use"
    if info.file_size > _BOMB_BYTES and info.file_size > _MAX_RATIO * info.compress_size:
        return f"would unpack to {info.file_size // 1_000_000} MB from {info.compress_size // 1_000_000} MB"
    return ""


def _like(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """An entry for a new archive with the name, date, rights and packing of another."""
    made = zipfile.ZipInfo(info.filename, info.date_time)
    made.compress_type, made.external_attr, made.create_system = (
        info.compress_type,
        info.external_attr,
        info.create_system,
    )
    made.comment, made.file_size = info.comment, info.file_size
    return made


def _copy(source: zipfile.ZipFile, info: zipfile.ZipInfo, target: zipfile.ZipFile) -> None:
    with source.open(info) as member, target.open(_like(info), "w") as copy:
        shutil.copyfileobj(member, copy, _CHUNK_BYTES)


def _add(wav: Path, name: str, target: zipfile.ZipFile) -> None:
    """A sound, stored as it is; without its date, so that the same sounds make the same bundle."""
    info = zipfile.ZipInfo(name)
    info.external_attr, info.file_size = 0o644 << 16, wav.stat().st_size
    with wav.open("rb") as sound, target.open(info, "w") as copy:
        shutil.copyfileobj(sound, copy, _CHUNK_BYTES)
