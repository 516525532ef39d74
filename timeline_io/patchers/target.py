"""Which timeline is patched, and which of its tracks are ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from timeline_io.edit import Edit
from timeline_io.media_paths import plain_path

TRACK_PREFIX = "FOLEY "

# Folders of sound files whose tracks are removed; None stands for whatever folder.
Folders = frozenset[Path] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The timeline of a file that is patched, with its clock."""

    file_name: str
    sequence: str | None = None
    rate: Fraction = Fraction(24)
    start_frame: int = 0
    drop_frame: bool = False

    @classmethod
    def of(cls, edit: Edit) -> Target:
        """The timeline that `edit` was read from."""
        return cls(
            file_name=edit.path.name,
            sequence=edit.name,
            rate=edit.rate,
            start_frame=edit.start_frame,
            drop_frame=edit.drop_frame,
        )


def is_ours(*, name: str, marked: bool, media: Iterable[str], folders: Folders) -> bool:
    """Whether a track was laid by us: it carries our mark or name, and all its sounds are our takes.

    Without `folders` only the mark counts. A track that an editor put a foreign clip on is the
    editor's.
    """
    refs = list(media)
    if folders is None:
        return marked and bool(refs)
    parents = {Path(plain_path(ref)).parent for ref in refs}
    return (marked or name.startswith(TRACK_PREFIX)) and bool(parents) and parents <= folders
