"""Which timeline is patched, and which of its tracks are ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path, PurePath

from timeline_io.bundle_names import BUNDLED_PREFIX
from timeline_io.edit import Edit
from timeline_io.media_paths import is_absolute, plain_path

TRACK_PREFIX = "FOLEY "

# Folders of sound files whose tracks are removed; None stands for whatever folder.
Folders = frozenset[Path] | None


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


def is_ours(*, name: str, marked: bool, media: Iterable[str], folders: Folders) -> bool:
    """Whether a track was laid by us: it carries our mark or name, and all its sounds are our takes.

    Without `folders` only the mark counts. A track that an editor put a foreign clip on is the
    editor's.
    """
    refs = list(media)
    if folders is None:
        return marked and bool(refs)
    return (marked or name.startswith(TRACK_PREFIX)) and bool(refs) and all(_is_take(ref, folders) for ref in refs)


def _is_take(ref: str, folders: frozenset[Path]) -> bool:
    path = plain_path(ref)
    return Path(path).parent in folders and (is_absolute(path) or Path(path).name.startswith(BUNDLED_PREFIX))
