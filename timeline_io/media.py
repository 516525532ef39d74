"""From a media reference in an edit to a file on this machine: path maps, search folders, the edit's own folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, takewhile
from pathlib import Path, PurePath, PurePosixPath
from typing import Protocol

from timeline_io.edit import Numbered
from timeline_io.media_index import FileIndex
from timeline_io.media_need import ANYTHING, MediaFacts, Need, contradicts, is_of_reel, suits
from timeline_io.media_paths import is_absolute, is_windows_path, name_parts, spellings
from timeline_io.numbered_names import numbers_in, pattern_like, pictures_on_disk, with_number
from timeline_io.path_maps import PathMaps, from_edit, to_edit_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The file a reference means, or why there is none; `remark` is what a person should know of the choice.

    `contradicted` tells that the file was the best of several, though too short or of another timecode.
    """

    path: Path | None = None
    offline_reason: str = ""
    remark: str = ""
    contradicted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidates:
    """The file that a reference names with its folder, or else those of its name and their sizes."""

    named: Path | None = None
    sizes: dict[Path, int] = field(default_factory=dict)
    beside: frozenset[Path] = frozenset()


class Finder(Protocol):
    """Anything that knows where media is."""

    def find(self, ref: str, need: Need) -> Found:
        """The existing file that `ref` means."""


@dataclass(frozen=True, kw_only=True)
class MediaSearch:
    """Where media may be found.

    `path_maps` are pairs (prefix in the edit, prefix here); the longest that fits wins. `roots` are folders searched by
    file name, at any depth. Of several files of one name, the one beside the edit among them, that one is taken which
    `probe` (which gives empty facts for what it cannot open) finds long enough and of the right timecode, which is of
    the right reel by its own word or a folder's, and whose folders fit best. With `allowed_roots`, nothing outside
    those folders is ever found, whatever the edit or a link in it says. `cache` is a folder that this search may
    fill: with the names of files below the roots, and with media unpacked from a bundle. `bundle` is the folder of
    an edit that is a bundle.
    """

    path_maps: PathMaps = ()
    roots: tuple[Path, ...] = ()
    edit_folder: Path = Path()
    allowed_roots: tuple[Path, ...] = ()
    cache: Path | None = None
    probe: Callable[[Path], MediaFacts] | None = None
    bundle: Path | None = None
    _found: dict[tuple[str, Need], Found] = field(default_factory=dict, init=False, repr=False, compare=False)
    _known: dict[str, _Candidates] = field(default_factory=dict, init=False, repr=False, compare=False)
    _facts: dict[Path, MediaFacts] = field(default_factory=dict, init=False, repr=False, compare=False)

    def find(self, ref: str, need: Need = ANYTHING) -> Found:
        """The existing file that `ref` means, absolute; offline with the reason when there is none, or no telling.

        An image sequence is found where its first picture is; its path is then `ref`'s, `sea.%04d.exr`.
        """
        if (ref, need) not in self._found:
            self._found[ref, need] = self._pictures(ref, need.numbered) if need.numbered else self._one(ref, need)
        return self._found[ref, need]

    def resolve(self, ref: str) -> Path | None:
        """The existing file that `ref` means, absolute, or None when it is offline."""
        return self.find(ref).path

    def looked_for(self, ref: str) -> tuple[Path, ...]:
        """The paths that `find` tries, in order; a search folder stands for all below it."""
        name = _file_name(ref)
        below_roots = tuple(root / name for root in self.roots) if name else ()
        return tuple(dict.fromkeys((*self._places(ref), *below_roots)))

    def to_edit_path(self, path: Path) -> PurePath:
        """A file here by the path that the editor's machine knows it by: the path maps, the other way round."""
        return to_edit_path(path, self.path_maps)

    def _one(self, ref: str, need: Need) -> Found:
        if ref not in self._known:
            self._known[ref] = self._candidates(ref)
        known = self._known[ref]
        return self._best(ref, need, known) if known.named is None else Found(path=known.named)

    def _candidates(self, ref: str) -> _Candidates:
        """What the system holds under a reference; several events may mean several files of it."""
        named = next((place for place in self._named(ref) if self._usable(place)), None)
        if named is not None:
            return _Candidates(named=named.absolute())
        beside = [place.absolute() for place in self._beside(ref)]
        spelt = (path for spelling in spellings(ref) for path in self._index(_file_name(spelling)))
        return _Candidates(sizes=self._sizes(dict.fromkeys((*beside, *spelt))), beside=frozenset(beside))

    def _pictures(self, ref: str, numbered: Numbered) -> Found:
        """The pictures that `ref` names, found by the first of them."""
        number = self._lowest(ref) if numbered.first is None else numbered.first
        if number is None:
            folders = dict.fromkeys(str(place.parent) for place in self.looked_for(with_number(ref, 0)))
            return Found(offline_reason=f"offline: no picture of the image sequence {ref} in {', '.join(folders)}")
        first = self._one(with_number(ref, number), ANYTHING)
        if first.path is None:
            why = first.offline_reason.removeprefix("offline: ")
            return Found(offline_reason=f"offline: the image sequence {ref}: {why}")
        path = pattern_like(ref, number, first.path)
        # The others are never looked at one by one, but any of them may be a link.
        if self.allowed_roots and not all(map(self._is_allowed, pictures_on_disk(path).values())):
            return Found(offline_reason=f"offline: the image sequence {path} leads out of the folders that are allowed")
        return replace(first, path=path)

    def _lowest(self, ref: str) -> int | None:
        """The lowest number of the first place that holds pictures of `ref`."""
        for place in self._places(with_number(ref, 0)):
            numbers = pictures_on_disk(pattern_like(ref, 0, place))
            if numbers and self._usable(numbers[min(numbers)]):
                return min(numbers)
        name = PurePosixPath(ref).name.casefold()
        return min(numbers_in(self._index.names, name), default=None)

    def _places(self, ref: str) -> Iterator[Path]:
        return chain(self._named(ref), self._beside(ref))

    def _named(self, ref: str) -> Iterator[Path]:
        """Where a reference itself says that its file is: a folder with it."""
        for spelling in spellings(ref):
            mapped = from_edit(spelling, self.path_maps)
            if mapped is not None:
                yield Path(mapped)
            if is_absolute(spelling):
                yield Path(spelling)
            elif len(name_parts(spelling)) > 1:
                yield from (folder / spelling for folder in self._own_folders)

    def _beside(self, ref: str) -> Iterator[Path]:
        """Where a file of that name may lie: media is often handed over in the folder of its edit."""
        for spelling in spellings(ref):
            if not is_absolute(spelling) and len(name_parts(spelling)) == 1:
                yield from (folder / spelling for folder in self._own_folders)
        name = _file_name(ref)
        if name:
            yield self.edit_folder / name

    @property
    def _own_folders(self) -> tuple[Path, ...]:
        return (self.edit_folder,) if self.bundle is None else (self.bundle, self.edit_folder)

    def _best(self, ref: str, need: Need, known: _Candidates) -> Found:
        """The best of the files of that name; of several equally good ones only if they are copies."""
        candidates = list(known.sizes)
        if len(candidates) < 2:
            return Found(path=candidates[0]) if candidates else Found(offline_reason=self._nowhere(ref))
        wanted = [part.casefold() for part in name_parts(spellings(ref)[0])]
        scores = {path: self._score(path, need, wanted, path in known.beside) for path in candidates}
        best = [path for path in candidates if scores[path] == max(scores.values())]
        if len(best) == 1:
            return Found(path=best[0], contradicted=contradicts(self._facts[best[0]], need))
        named = f"{len(best)} files named {best[0].name} fit equally well ({', '.join(map(str, best[:4]))})"
        if len({known.sizes[path] for path in best}) == 1:
            remark = f"{named}: they are equally large, and the first was taken"
            return Found(path=best[0], remark=remark, contradicted=contradicts(self._facts[best[0]], need))
        return Found(offline_reason=f"offline: {named}: {_how_to_choose(wanted, need.reel)}")

    def _score(self, path: Path, need: Need, wanted: list[str], is_beside: bool) -> tuple[int, int, bool, int]:
        if path not in self._facts:
            self._facts[path] = self.probe(path) if self.probe else MediaFacts()
        facts = self._facts[path]
        return suits(facts, need), is_of_reel(path, facts, need.reel), is_beside, _common_tail(path, wanted)

    def _sizes(self, paths: Iterable[Path]) -> dict[Path, int]:
        """The usable ones of some paths and their sizes, one path for each file."""
        sizes: dict[Path, int] = {}
        known: set[tuple[int, int]] = set()
        for path in paths:
            about = self._usable(path)
            if about and (about.st_dev, about.st_ino) not in known:
                known.add((about.st_dev, about.st_ino))
                sizes[path] = about.st_size
        return sizes

    @cached_property
    def _index(self) -> FileIndex:
        return FileIndex(self.roots, self.cache)

    def _nowhere(self, ref: str) -> str:
        if not ref:
            return "offline: the edit names no media file"
        tried = ", ".join(str(path) for path in self.looked_for(ref))
        return f"offline: looked for {tried or ref}"

    def _usable(self, place: Path) -> os.stat_result | None:
        """What the system says of a file that may be read, None for anything else."""
        try:
            # A Windows path on another system would be taken as relative to the current folder.
            if not place.is_absolute() and is_windows_path(str(place)):
                return None
            about = place.stat()
            return about if stat.S_ISREG(about.st_mode) and self._is_allowed(place) else None
        except (OSError, ValueError):
            return None

    def _is_allowed(self, place: Path) -> bool:
        if not self.allowed_roots:
            return True
        real = place.resolve()
        return any(real.is_relative_to(root.resolve()) for root in self.allowed_roots)


def _how_to_choose(wanted: list[str], reel: str) -> str:
    """What a person can do about several files of one name: a reference with folders can be mapped, a name cannot."""
    if len(wanted) > 1:
        return "map the folder of the right one (--path-map), or search fewer folders (--media-root)"
    alone = "search the folder of the right one alone (--media-root)"
    if reel:
        return f"the edit names a reel and no folder, so {alone}, or call that folder by the reel, {reel}"
    return f"the edit names neither folder nor reel, so {alone}, or export it as .otio, .fcpxml or .xml with paths"


def _file_name(ref: str) -> str:
    spelt = spellings(ref)
    parts = name_parts(spelt[-1]) if spelt else ()
    name = parts[-1] if parts else ""
    return "" if name == ".." else name


def _common_tail(path: Path, wanted: list[str]) -> int:
    """How many folders, counted from the file upwards, two paths share."""
    here = [part.casefold() for part in path.parts]
    upwards = zip(reversed(here), reversed(wanted), strict=False)
    return sum(1 for _ in takewhile(lambda names: names[0] == names[1], upwards))
