"""Checksums of files, and the lock: what was fetched first counts, later fetches and checks have to agree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError
from pipeline.files import sha256_of
from pipeline.weights.store import write_text

_LOCK = "fetched.lock.json"


def known_sha256(path: Path) -> str:
    """The sha256 of a large file, read again only when its size, date or inode is not what it was the last time.

    What was found is kept beside the file; where that cannot be written, the file is read each time.
    """
    note = path.with_name(f".{path.name}.sha256.json")
    state = path.stat()
    stamp = [state.st_size, state.st_mtime_ns, state.st_ino]
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["stamp"] == stamp:
            return str(known["sha256"])
    found = sha256_of(path)
    with suppress(OSError, WeightsError):
        write_text(note, json.dumps({"stamp": stamp, "sha256": found}))
    return found


def sum_of_files(files: Mapping[str, str]) -> str:
    """One sha256 for a table of relative path -> sha256."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


class ChecksumLock:
    """What was seen first. sources: "repo@revision" -> path -> sha256; models: name -> sum of its installed files."""

    def __init__(self, models: Path) -> None:
        self.path = models / _LOCK
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
            self.sources: dict[str, dict[str, str]] = known["sources"]
            self.models: dict[str, str] = known["models"]
        except FileNotFoundError:
            self.sources, self.models = {}, {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WeightsError(
                f"{self.path}, the record of what was fetched, is damaged ({error}); delete it to start a new one"
            ) from error

    def require_source(self, key: str, name: str, sha256: str, path: Path) -> None:
        """Raises WeightsError when `name` of source `key` was another file the first time."""
        if self.sources.get(key, {}).get(name, sha256) != sha256:
            raise WeightsError(
                f"{path} is not the {name} of {key} that was fetched first (another sha256): get it again, or, if the "
                f"new one is meant, take {name!r} out of {self.path}"
            )

    def require_model(self, name: str, files: Mapping[str, str]) -> None:
        """Raises WeightsError when an installed model is not the one that was installed."""
        if self.models.get(name, sum_of_files(files)) != sum_of_files(files):
            raise WeightsError(f"model {name!r} is not the one that was installed (see {self.path}); fetch it again")

    def record(self, sources: Mapping[str, Mapping[str, str]], name: str, files: Mapping[str, str]) -> None:
        """Remember the sources that are new, and a model as it was just installed. Raises WeightsError."""
        for key, seen in sources.items():
            self.sources[key] = {**seen, **self.sources.get(key, {})}
        self.models[name] = sum_of_files(files)
        self._save()

    def forget(self, name: str) -> None:
        """A model was removed; what its sources were stays known. Raises WeightsError."""
        if self.models.pop(name, None) is not None:
            self._save()

    def _save(self) -> None:
        document: dict[str, Any] = {"sources": self.sources, "models": self.models}
        write_text(self.path, json.dumps(document, indent=2, sort_keys=True) + "\n")
