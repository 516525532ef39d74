"""A bundle that is a folder: .otiod and .fcpxmld. The copy is a folder too; the original is never written into."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from timeline_io.bundle_names import bundled_names, is_our_sound
from timeline_io.errors import LayingError
from timeline_io.files import cause_of, is_folder, read_edit_bytes, temporary_beside
from timeline_io.media import Finder, MediaSearch

# Left in every copy: a folder without it was made by somebody else, and is never replaced.
_COPY_MARK = ".smooth-foley-copy"
_SPARE_BYTES = 100_000_000
_TIMELINES = {".otiod": "content.otio", ".fcpxmld": "Info.fcpxml"}


@dataclass(frozen=True, slots=True)
class FolderBundle:
    """A folder that holds a timeline under `timeline_name`."""

    path: Path
    timeline_name: str

    @classmethod
    def at(cls, path: Path) -> FolderBundle | None:
        """The bundle at `path` by its suffix or what it holds, None for any other folder."""
        name = _TIMELINES.get(path.suffix.lower())
        held = (name for name in _TIMELINES.values() if is_folder(path) and (path / name).is_file())
        chosen = name or next(held, None)
        return cls(path, chosen) if chosen else None

    @property
    def timeline_path(self) -> Path:
        """The file of the timeline."""
        return self.path / self.timeline_name

    @property
    def _holds_media(self) -> bool:
        return self.timeline_name == "content.otio"

    def timeline(self) -> bytes:
        """The bytes of the timeline in it."""
        return read_edit_bytes(self.timeline_path)

    def finder(self, search: MediaSearch) -> Finder:
        """Relative references are looked up in the folder first."""
        return replace(search, bundle=self.path)

    def names(self, wavs: Iterable[Path]) -> dict[Path, PurePath]:
        """Sounds are named by their place in the folder, where that is where media lie."""
        return dict(bundled_names(wavs)) if self._holds_media else {}

    def write(self, out: Path, timeline: bytes, sounds: Mapping[Path, PurePath]) -> None:
        """A copy of the folder: made under another name first, so that `out` is never half a copy."""
        _refuse_place(self.path, out)
        making, old = temporary_beside(out), temporary_beside(out)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            _require_room(self.path, out.parent)
            self._fill(making, timeline, sounds)
            if out.exists():
                out.rename(old)
            making.rename(out)
        except (OSError, ValueError) as error:
            raise LayingError(f"{out} cannot be written ({cause_of(error)})") from error
        finally:
            shutil.rmtree(making, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)

    def _fill(self, folder: Path, timeline: bytes, sounds: Mapping[Path, PurePath]) -> None:
        copied = _CopiedMembers(self, timeline)
        shutil.copytree(self.path, folder, symlinks=True, ignore=copied.left_out)
        (folder / _COPY_MARK).write_bytes(b"")
        (folder / self.timeline_name).write_bytes(timeline)
        for wav, name in sounds.items():
            place = folder / name
            place.parent.mkdir(exist_ok=True)
            if not place.resolve().is_relative_to(folder.resolve()):
                raise LayingError(f"{self.path} keeps its media behind a link: no sound can be put there")
            shutil.copyfile(wav, place)


@dataclass(frozen=True, slots=True)
class _CopiedMembers:
    """Which files of a bundle go into its copy: all but the timeline, the mark, and our sounds that nothing names."""

    bundle: FolderBundle
    timeline: bytes

    def left_out(self, folder: str, names: list[str]) -> set[str]:
        """Those of `names` in `folder` that are not copied."""
        below = Path(folder).relative_to(self.bundle.path)
        return {name for name in names if self._is_left_out((below / name).as_posix())}

    def _is_left_out(self, name: str) -> bool:
        if name in (_COPY_MARK, self.bundle.timeline_name):
            return True
        return is_our_sound(name) and PurePath(name).name.encode() not in self.timeline


def _refuse_place(original: Path, out: Path) -> None:
    """Raise LayingError when writing the folder `out` would touch the original or anything that is not our copy."""
    here, there = original.resolve(), out.resolve()
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise LayingError(f"{out} is the edit itself or lies in it: name another place to write")
    if os.path.lexists(out) and (out.is_symlink() or not (out / _COPY_MARK).is_file()):
        raise LayingError(f"{out} cannot be written (something that is not ours is there): move it away")


def _require_room(original: Path, place: Path) -> None:
    size = sum(entry.stat().st_size for entry in original.rglob("*") if entry.is_file() and not entry.is_symlink())
    if shutil.disk_usage(place).free < size + _SPARE_BYTES:
        raise LayingError(f"a copy of {original.name} needs {size // 1_000_000} MB, more than is free at {place}")
