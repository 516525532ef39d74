"""File name -> the files of that name below a folder, remembered on disk between runs.

A folder whose modification time is unchanged is not listed again: adding, removing or renaming a file in it
changes that time. A hundred thousand files on a slow share are then found after looking at their folders only.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from timeline_io.files import replacing

_VERSION = 1
# A folder may change again within one tick of its clock; FAT counts in steps of two seconds.
_SETTLED_AFTER_NS = 2_000_000_000

# Path below the root ("" for itself) -> [modification time in ns, names of folders, names of files].
Listing = dict[str, tuple[int, list[str], list[str]]]


class FileIndex:
    """The files below `roots` by their name in lower case, in a stable order; links to folders are not followed.

    With `cache`, what was listed is kept there for the next time. A cache that is damaged or cannot be written is
    as good as none.
    """

    def __init__(self, roots: tuple[Path, ...], cache: Path | None = None) -> None:
        self._places: dict[str, list[tuple[Path, str]]] = {}
        for root in dict.fromkeys(root.absolute() for root in roots):
            listing = _kept_listing(root, cache) if cache else _listing(root, {})
            for folder in sorted(listing):
                here = root / folder
                for name in listing[folder][2]:
                    self._places.setdefault(name.casefold(), []).append((here, name))

    @property
    def names(self) -> Iterable[str]:
        """All file names, in lower case."""
        return self._places.keys()

    def __call__(self, file_name: str) -> tuple[Path, ...]:
        """The files of that name, whatever its case."""
        places = self._places.get(file_name.casefold(), ())
        return tuple(dict.fromkeys(folder / name for folder, name in places))


def _kept_listing(root: Path, cache: Path) -> Listing:
    file = cache / f"media-index-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}.json"
    known = _read(file, root)
    listing = _listing(root, known)
    if listing != known:
        _write(file, root, listing)
    return listing


def _listing(root: Path, known: Listing) -> Listing:
    """All folders below `root`; those of `known` that did not change since are taken from it."""
    listing: Listing = {}
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            listing[folder] = _folder(root / folder, known.get(folder))
        except OSError:
            # Like a folder that is not there: what cannot be listed cannot be searched.
            continue
        waiting += [f"{folder}/{name}" if folder else name for name in listing[folder][1]]
    return listing


def _folder(path: Path, known: tuple[int, list[str], list[str]] | None) -> tuple[int, list[str], list[str]]:
    changed_ns = path.stat().st_mtime_ns
    if known is not None and known[0] == changed_ns:
        return known
    settled = time.time_ns() - changed_ns > _SETTLED_AFTER_NS
    folders, files = [], []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif not entry.is_dir():
                files.append(entry.name)
    return changed_ns if settled else 0, sorted(folders), sorted(files)


def _read(file: Path, root: Path) -> Listing:
    """What is kept of a root, or nothing when the file is not what was written."""
    try:
        kept = json.loads(file.read_bytes())
        if kept["version"] != _VERSION or kept["root"] != str(root):
            return {}
        return {folder: _checked(*entry) for folder, entry in kept["folders"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _checked(changed_ns: Any, folders: Any, files: Any) -> tuple[int, list[str], list[str]]:
    """One entry, if it can be one: a name with a separator would lead out of its folder."""
    names = [*folders, *files]
    if not isinstance(changed_ns, int) or any(Path(name).name != name or not name for name in names):
        raise ValueError("not an entry")
    return changed_ns, list(folders), list(files)


def _write(file: Path, root: Path, listing: Listing) -> None:
    text = json.dumps({"version": _VERSION, "root": str(root), "folders": listing}, separators=(",", ":"))
    try:
        with replacing(file) as stream:
            stream.write(text.encode("ascii"))
    except OSError:
        # The next run lists the folders again.
        return
