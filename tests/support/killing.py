"""Finding and killing the processes of a studio, and watching that its store never makes a take twice."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_STUDIO, _SERVER, _WORKER, _FLOW, _ENGINE = "studio", "server", "worker", "flow", "engine"
KINDS = (_FLOW, _ENGINE, _WORKER, _SERVER, _STUDIO)


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the studio, and what it does there."""

    pid: int
    kind: str

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def processes_of(home: Path) -> list[Process]:
    """The living processes of the studio in this folder."""
    found = [Process(int(entry.name), kind) for entry in Path("/proc").glob("[0-9]*") if (kind := _kind(entry, home))]
    return sorted(found, key=lambda process: process.pid)


def _kind(entry: Path, home: Path) -> str | None:
    try:
        command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        environ = (entry / "environ").read_bytes()
    except OSError:
        return None
    if f"FOLEY_STUDIO={home}\0".encode() not in environ:
        return None
    words = " ".join(command)
    if "multiprocessing.spawn" in words:
        return _ENGINE
    if "prefect.engine" in words:
        return _FLOW
    if "server start" in words:
        return _SERVER
    if "worker start" in words:
        return _WORKER
    return _STUDIO if "studio up" in words or "studio join" in words else None


@dataclass
class StoreWatch:
    """Looks at a store many times a second: a take that is made twice is a file that is replaced.

    `writes` counts how many different files each take has been.
    """

    store: Path
    writes: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "StoreWatch":
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self._look()

    def _look(self) -> None:
        for key, identity in self._files():
            if self._seen.get(key) != identity:
                self._seen[key] = identity
                self.writes[key] += 1

    def _files(self) -> Iterator[tuple[str, tuple[int, int]]]:
        for path in (self.store / "clips").glob("*/*.json"):
            try:
                told = path.stat()
            except OSError:
                continue
            yield path.stem, (told.st_ino, told.st_mtime_ns)

    @property
    def made_twice(self) -> list[str]:
        """The takes that were."""
        return [key for key, count in self.writes.items() if count > 1]
