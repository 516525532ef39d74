"""Looking after a store: what it holds, what nobody needs any more, what is damaged. Needs no torch.

Everything in it can be made again, and what passes delivered lies in their output folders, so to take something out
costs time and no sound. Entries say by the date of the file that vouches for them when they were last used.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flows.errors import OutputFolderError
from flows.output.delivery import manifest_of, rows_of
from flows.store import EDITS
from pipeline.clip_store import ClipStore, FeatureStore

# Part -> suffixes of the files of an entry, the one that vouches for it first.
PARTS = {"clips": (".json", ".wav"), "features": (".sha256", ".npz"), "spots": (".json",)}
# A pass that goes on now may be about to lay it: the longest ones take a night.
_IN_USE_S = 24 * 3600.0
_LEFT_OVER_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that is kept under a content key; `used_at` in seconds since the epoch."""

    part: str
    key: str
    files: tuple[Path, ...]
    bytes: int
    used_at: float

    def remove(self) -> None:
        """Take it out, what vouches for it first: who looks meanwhile finds it whole or not at all."""
        for file in self.files:
            file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An edit whose pass took takes from the store. `stands` while the edit and what was made for it are both there."""

    edit: Path
    folder: Path
    keys: frozenset[str]
    stands: bool


def entries(store: Path) -> Iterator[Entry]:
    """Everything that is kept, part by part."""
    for part, suffixes in PARTS.items():
        for folder in _folders(store / part):
            keys = {file.stem for file in folder.iterdir() if file.suffix in suffixes and not file.name.startswith(".")}
            for key in sorted(keys):
                if entry := _entry(part, key, tuple(folder / f"{key}{suffix}" for suffix in suffixes)):
                    yield entry


def left_over(store: Path, now: float | None = None) -> Iterator[Path]:
    """Half-written files of processes that were killed, a day old at least."""
    before = (time.time() if now is None else now) - _LEFT_OVER_S
    for part in PARTS:
        for folder in _folders(store / part):
            for file in folder.glob(".*.part*"):
                with suppress(OSError):
                    if file.stat().st_mtime < before:
                        yield file


def uses(store: Path) -> tuple[Use, ...]:
    """The edits whose passes took from the store, as far as they were noted, by their names."""
    found = []
    for note in sorted((store / EDITS).glob("*.json")):
        try:
            told = json.loads(note.read_text(encoding="utf-8"))
            edit, folder = Path(told["edit"]), Path(told["folder"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        keys = _keys_in(folder)
        found.append(Use(edit=edit, folder=folder, keys=keys, stands=bool(keys) and edit.exists()))
    return tuple(sorted(found, key=lambda use: (str(use.edit), str(use.folder))))


def superfluous(
    store: Path,
    *,
    older_than_s: float | None = None,
    most_bytes: int | None = None,
    unused: bool = False,
    now: float | None = None,
) -> list[Entry]:
    """What may go: not used for `older_than_s`; with `unused`, takes of no edit that still stands; and then what was
    used the longest ago, until the rest has `most_bytes`. What was used within the last day always stays."""
    now = time.time() if now is None else now
    needed = frozenset().union(*(use.keys for use in uses(store) if use.stands)) if unused else frozenset()
    staying: list[Entry] = []
    going: list[Entry] = []
    for entry in entries(store):
        old = older_than_s is not None and now - entry.used_at > older_than_s
        nobodys = unused and entry.part == "clips" and entry.key not in needed
        (going if _idle(entry, now) and (old or nobodys) else staying).append(entry)
    if most_bytes is not None:
        going += _the_longest_unused(staying, most_bytes, now)
    return going


def damaged(store: Path, kept: Iterable[Entry]) -> Iterator[Path]:
    """Those entries whose content is not what was written, as the files that vouch for them. Reads every byte."""
    clips, features = ClipStore(store / "clips"), FeatureStore(store / "features")
    is_whole = {
        "clips": lambda entry: clips.find(entry.key, touch=False) is not None,
        "features": lambda entry: features.find(entry.key, touch=False) is not None,
        "spots": lambda entry: _is_json(entry.files[0]),
    }
    for entry in kept:
        if not is_whole[entry.part](entry):
            yield entry.files[0]


def _the_longest_unused(staying: Sequence[Entry], most_bytes: int, now: float) -> Iterator[Entry]:
    total = sum(entry.bytes for entry in staying)
    for entry in sorted(staying, key=lambda entry: (entry.used_at, entry.key)):
        if total <= most_bytes:
            return
        if _idle(entry, now):
            total -= entry.bytes
            yield entry


def _idle(entry: Entry, now: float) -> bool:
    return now - entry.used_at > _IN_USE_S


def _entry(part: str, key: str, files: tuple[Path, ...]) -> Entry | None:
    """None for one that somebody took out meanwhile."""
    facts = []
    for file in files:
        with suppress(OSError):
            facts.append(file.stat())
    if not facts:
        return None
    size, used_at = sum(fact.st_size for fact in facts), max(fact.st_mtime for fact in facts)
    return Entry(part=part, key=key, files=files, bytes=size, used_at=used_at)


def _keys_in(folder: Path) -> frozenset[str]:
    """The takes that the manifest of an output folder names; none where there is no manifest of ours."""
    try:
        manifest = manifest_of(folder)
    except OutputFolderError:
        return frozenset()
    return frozenset(key for _shot, cues in rows_of(manifest) for cue in cues if isinstance(key := cue.get("key"), str))


def _folders(part: Path) -> Iterable[Path]:
    return sorted(folder for folder in part.iterdir() if folder.is_dir()) if part.is_dir() else ()


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except (OSError, ValueError):
        return False
    return True
