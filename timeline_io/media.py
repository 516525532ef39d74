"""From a media reference in an edit to a file on this machine: path maps, search folders, the edit's own folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from timeline_io.media_paths import is_absolute, is_windows_path, name_parts, plain_path, spellings


@dataclass(frozen=True, kw_only=True)
class MediaSearch:
    """Where media may be found.

    `path_maps` are pairs (prefix in the edit, prefix here); the longest that fits wins. `roots` are
    folders searched by file name, at any depth. With `allowed_roots`, nothing outside those folders
    is ever found, whatever the edit or a link in it says.
    """

    path_maps: tuple[tuple[str, str], ...] = ()
    roots: tuple[Path, ...] = ()
    edit_folder: Path = Path()
    allowed_roots: tuple[Path, ...] = ()
    _found: dict[str, Path | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def resolve(self, ref: str) -> Path | None:
        """The existing file that `ref` means, absolute, or None when it is offline."""
        if ref not in self._found:
            places = (*self._places(ref), *self._by_name(ref))
            self._found[ref] = next((place.absolute() for place in places if self._is_usable(place)), None)
        return self._found[ref]

    def looked_for(self, ref: str) -> tuple[Path, ...]:
        """The paths that `resolve` tries, in order; a search folder stands for all below it."""
        name = _file_name(ref)
        below_roots = tuple(root / name for root in self.roots) if name else ()
        return tuple(dict.fromkeys((*self._places(ref), *below_roots)))

    def _places(self, ref: str) -> Iterator[Path]:
        for spelling in spellings(ref):
            mapped = self._mapped(spelling)
            if mapped is not None:
                yield Path(mapped)
            if is_absolute(spelling):
                yield Path(spelling)
            else:
                yield self.edit_folder / spelling
        # Media is often handed over in the folder of its edit.
        name = _file_name(ref)
        if name:
            yield self.edit_folder / name

    def _mapped(self, path: str) -> str | None:
        """`path` with the longest fitting prefix replaced."""
        for old, new in sorted(self.path_maps, key=lambda pair: len(plain_path(pair[0])), reverse=True):
            rest = _after_prefix(path, plain_path(old))
            if rest is not None:
                return f"{new.rstrip('/')}/{rest}" if rest else new
        return None

    def _by_name(self, ref: str) -> tuple[Path, ...]:
        """Files of that name below the roots, the one whose folders fit best first."""
        spelt = spellings(ref)
        candidates = [path for spelling in spelt for path in self._index.get(_file_name(spelling).casefold(), ())]
        wanted = [part.casefold() for part in name_parts(spelt[0])] if spelt else []
        return tuple(sorted(dict.fromkeys(candidates), key=lambda path: -_common_tail(path, wanted)))

    @cached_property
    def _index(self) -> dict[str, list[Path]]:
        """File name in lower case -> the files of that name, in a stable order."""
        index: dict[str, list[Path]] = {}
        for root in self.roots:
            for folder, folders, files in os.walk(root):
                folders.sort()
                for name in sorted(files):
                    index.setdefault(name.casefold(), []).append(Path(folder, name))
        return index

    def _is_usable(self, place: Path) -> bool:
        try:
            # A Windows path on another system would be taken as relative to the current folder.
            if not place.is_absolute() and is_windows_path(str(place)):
                return False
            return self._is_allowed(place) and place.is_file()
        except (OSError, ValueError):
            return False

    def _is_allowed(self, place: Path) -> bool:
        if not self.allowed_roots:
            return True
        real = place.resolve()
        return any(real.is_relative_to(root.resolve()) for root in self.allowed_roots)


def _after_prefix(path: str, prefix: str) -> str | None:
    """What follows `prefix` in `path`, whole folders only; Windows paths compare without case."""
    path, prefix = path.replace("\\", "/"), prefix.replace("\\", "/").rstrip("/")
    same_case = not (is_windows_path(prefix) or prefix.startswith("//"))
    head = path[: len(prefix)]
    if (head != prefix) if same_case else (head.casefold() != prefix.casefold()):
        return None
    rest = path[len(prefix) :]
    return rest.lstrip("/") if not rest or rest.startswith("/") else None


def _file_name(ref: str) -> str:
    spelt = spellings(ref)
    parts = name_parts(spelt[-1]) if spelt else ()
    name = parts[-1] if parts else ""
    return "" if name == ".." else name


def _common_tail(path: Path, wanted: list[str]) -> int:
    """How many folders, counted from the file upwards, two paths share."""
    here = [part.casefold() for part in path.parts]
    count = 0
    for ours, theirs in zip(reversed(here), reversed(wanted), strict=False):
        if ours != theirs:
            break
        count += 1
    return count
