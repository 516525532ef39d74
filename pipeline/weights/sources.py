"""Where published files are looked for: a plain folder of downloads here, the hub in hub.py. Loads no torch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from pipeline.errors import WeightsError
from pipeline.weights.catalogue import Part, Source


class WeightSource(Protocol):
    """A place that has published files, or not."""

    @property
    def unchanging(self) -> bool:
        """Whether one revision always gives the same files."""

    def find(self, source: Source, names: Sequence[str]) -> tuple[str, Path] | None:
        """The first of `names` (of one and the same file) that is there: the name, and the file on this machine."""

    def describe(self, source: Source, names: Sequence[str]) -> str:
        """What `find` looked for, for a person."""

    def require_room(self, parts: Sequence[Part]) -> None:
        """Raises WeightsError when there is no room to bring the files of `parts` here."""

    def revision(self, source: Source) -> str:
        """Which version of the source it gives."""


class PlainFolder:
    """A folder that holds the published files in any of the layouts people have them in.

    The repositories' own folders side by side, with or without the owner's; the layout of FoleyCrafter's README
    (`checkpoints/auffusion`, `checkpoints/semantic` ...); the folder of one repository; or a cache of the hub's client
    (`models--owner--name/snapshots/...`), or the folder (HF_HOME) that has one in `hub`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        if not self.folder.is_dir():
            raise WeightsError(f"{self.folder} is not a folder: name the one that holds the published files")

    @property
    def unchanging(self) -> bool:
        return False

    def find(self, source: Source, names: Sequence[str]) -> tuple[str, Path] | None:
        places = ((name, folder / name) for folder in self._folders(source) for name in names)
        return next(((name, path) for name, path in places if path.is_file()), None)

    def describe(self, source: Source, names: Sequence[str]) -> str:
        return f"{' or '.join(names)} in {self.folder} or its folders {', '.join(source.folders)}"

    def _folders(self, source: Source) -> list[Path]:
        """The source's own folders; where there is none, the whole folder may be it."""
        named = [self.folder / name for name in source.folders]
        there = [folder for folder in named if folder.is_dir()]
        return there + _snapshots(self.folder, source) + _snapshots(self.folder / "hub", source) or [self.folder]

    def require_room(self, parts: Sequence[Part]) -> None:
        """Nothing is brought here."""

    def revision(self, source: Source) -> str:
        return source.revision


def _snapshots(cache: Path, source: Source) -> list[Path]:
    """The versions of a source in a cache of the hub's client: the one that its revision means, then newest first."""
    folder = cache / f"models--{source.repo.replace('/', '--')}"
    there = [path for path in (folder / "snapshots").glob("*") if path.is_dir()]
    there.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    with suppress(OSError):
        meant = (folder / "refs" / source.revision).read_text(encoding="utf-8").strip()
        there.sort(key=lambda path: path.name != meant)
    return there
