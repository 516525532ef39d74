"""From a media reference in an edit to a file on this machine: path maps, search folders, the edit's own folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import Protocol

from timeline_io.edit import Numbered
from timeline_io.media_index import FileIndex
from timeline_io.media_paths import is_absolute, is_windows_path, name_parts, spellings
from timeline_io.numbered_names import numbers_in, pattern_like, pictures_on_disk, with_number
from timeline_io.path_maps import PathMaps, from_edit, to_edit_path


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """What a media file says of itself: its length, and its first frame in seconds from midnight of its timecode."""

    length_s: Fraction | None = None
    timecode_s: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What an edit shows of a file: up to `until_s` from its start, and `timecodes_s` of its own timecode.

    With `numbered` the pictures of an image sequence are wanted.
    """

    until_s: Fraction | None = None
    timecodes_s: tuple[Fraction, Fraction] | None = None
    numbered: Numbered | None = None


ANYTHING = Need()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The file a reference means, or why there is none; `remark` is what a person should know of the choice."""

    path: Path | None = None
    offline_reason: str = ""
    remark: str = ""


class Finder(Protocol):
    """Anything that knows where media is."""

    def find(self, ref: str, need: Need) -> Found:
        """The existing file that `ref` means."""


@dataclass(frozen=True, kw_only=True)
class MediaSearch:
    """Where media may be found.

    `path_maps` are pairs (prefix in the edit, prefix here); the longest that fits wins. `roots` are
    folders searched by file name, at any depth: of several files of one name the one is taken that `probe`
    (which gives empty facts for what it cannot open) finds long enough and of the right timecode, and whose
    folders fit best. With `allowed_roots`, nothing outside
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
        place = next((place for place in self._places(ref) if self._usable(place)), None)
        return Found(path=place.absolute()) if place else self._below_roots(ref, need)

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
        beside = [self.edit_folder] if self.bundle is None else [self.bundle, self.edit_folder]
        for spelling in spellings(ref):
            mapped = from_edit(spelling, self.path_maps)
            if mapped is not None:
                yield Path(mapped)
            if is_absolute(spelling):
                yield Path(spelling)
            else:
                yield from (folder / spelling for folder in beside)
        # Media is often handed over in the folder of its edit.
        name = _file_name(ref)
        if name:
            yield self.edit_folder / name

    def _below_roots(self, ref: str, need: Need) -> Found:
        """The best of the files of that name below the roots; of several equally good ones only if they are copies."""
        sizes = self._by_name(ref)
        candidates = list(sizes)
        if len(candidates) < 2:
            return Found(path=candidates[0]) if candidates else Found(offline_reason=self._nowhere(ref))
        wanted = [part.casefold() for part in name_parts(spellings(ref)[0])]
        scores = {path: (self._suits(path, need), _common_tail(path, wanted)) for path in candidates}
        best = [path for path in candidates if scores[path] == max(scores.values())]
        if len(best) == 1:
            return Found(path=best[0])
        named = f"{len(best)} files named {best[0].name} fit equally well ({', '.join(map(str, best[:4]))})"
        if len({sizes[path] for path in best}) == 1:
            return Found(path=best[0], remark=f"{named}: they are equally large, and the first was taken")
        return Found(offline_reason=f"offline: {named}: map the folder of the right one, or search fewer folders")

    def _by_name(self, ref: str) -> dict[Path, int]:
        """Usable files of that name below the roots and their sizes, one path for each file."""
        named = (path for spelling in spellings(ref) for path in self._index(_file_name(spelling)))
        sizes: dict[Path, int] = {}
        known: set[tuple[int, int]] = set()
        for path in dict.fromkeys(named):
            about = self._usable(path)
            if about and (about.st_dev, about.st_ino) not in known:
                known.add((about.st_dev, about.st_ino))
                sizes[path] = about.st_size
        return sizes

    def _suits(self, path: Path, need: Need) -> int:
        """How many of its length and timecode fit what the edit shows, less those that contradict it."""
        facts = self.probe(path) if self.probe else MediaFacts()
        score = 0
        if need.until_s is not None and facts.length_s is not None:
            score += 1 if need.until_s <= facts.length_s else -1
        if need.timecodes_s is not None and facts.timecode_s is not None:
            first, last = need.timecodes_s
            end_s = last if facts.length_s is None else facts.timecode_s + facts.length_s
            score += 1 if facts.timecode_s <= first and last <= end_s else -1
        return score

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


def merged(needs: Iterable[Need]) -> Need:
    """One need for a file that is shown several times."""
    all_of = list(needs)
    numbered = next((need.numbered for need in all_of if need.numbered), None)
    ends = [need.until_s for need in all_of if need.until_s is not None]
    codes = [code for need in all_of if need.timecodes_s for code in need.timecodes_s]
    timecodes_s = (min(codes), max(codes)) if codes else None
    return Need(until_s=max(ends, default=None), timecodes_s=timecodes_s, numbered=numbered)


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
