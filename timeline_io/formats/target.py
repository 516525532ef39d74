"""Which timeline is patched, and which of its tracks are ours."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path, PurePath, PurePosixPath

from timeline_io.bundle_names import name_before
from timeline_io.edit import Edit
from timeline_io.media_paths import is_absolute, is_windows_path, plain_path

TRACK_PREFIX = "FOLEY "

# Folders of sound files whose tracks are removed; None stands for whatever folder.
Folders = frozenset[Path] | None

# Keys of tracks that stay; None when nobody has looked which of our tracks an editor worked on.
Keep = frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The timeline of a file that is patched, with its clock.

    `written_as` says how the editor's machine names a sound file, where that is not its absolute path here.
    """

    file_name: str
    sequence: str | None = None
    rate: Fraction = Fraction(24)
    start_frame: int = 0
    drop_frame: bool = False
    written_as: Mapping[Path, PurePath] = field(default_factory=dict)

    def seen(self, wav: Path) -> PurePath:
        """The path to write for a sound file: as the editor's machine sees it (a Windows path keeps its backslashes),
        or relative to the bundle that holds the sound."""
        return self.written_as.get(wav) or wav.absolute()

    @classmethod
    def of(cls, edit: Edit, written_as: Mapping[Path, PurePath] | None = None) -> Target:
        """The timeline that `edit` was read from."""
        return cls(
            file_name=edit.path.name,
            sequence=edit.name,
            rate=edit.rate,
            start_frame=edit.start_frame,
            drop_frame=edit.drop_frame,
            written_as=written_as or {},
        )


def is_ours(
    *, name: str, marked: bool, media: Iterable[str], folders: Folders, key: str = "", keep: Keep = None
) -> bool:
    """Whether a track was laid by us and leaves: it carries our mark or name, and all its sounds are our takes.

    Without `folders` only the mark counts. A track that an editor put a foreign clip on is the editor's. Where
    somebody has looked (`keep`), our sounds alone tell: programs lose marks and rename tracks.
    """
    if keep is not None and key in keep:
        return False
    refs = list(media)
    if folders is None:
        return marked and bool(refs)
    known = marked or name.startswith(TRACK_PREFIX) or keep is not None
    return known and bool(refs) and all(is_take(ref, folders) for ref in refs)


def is_take(ref: str, folders: frozenset[Path]) -> bool:
    """Whether a media reference means a sound in one of our folders, or one that we put into a bundle, which an
    editor may have unpacked anywhere since."""
    path = plain_path(ref)
    if name_before(PurePosixPath(path).name):
        return bool(folders)
    return is_absolute(path) and _spelt(PurePosixPath(path).parent) in _spelt_folders(folders)


@lru_cache(maxsize=16)
def _spelt_folders(folders: frozenset[Path]) -> frozenset[str]:
    return frozenset(_spelt(PurePosixPath(folder.as_posix())) for folder in folders)


def _spelt(folder: PurePosixPath) -> str:
    """One spelling for all: macOS decomposes letters, and Windows does not tell capitals from small ones."""
    path = unicodedata.normalize("NFC", str(folder))
    return path.casefold() if is_windows_path(path) or path.startswith("//") else path
