"""Reading an edit in a process of its own: what a damaged or hostile file can do ends there.

    this process   path, limits  ->  a fresh Python that reads the file   ->  an Edit, or the error, on its output

Only the reading is done there; the media is looked for here, so that unpacking a bundle or asking a slow share has
no time limit, and functions given to the search need not travel.
"""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from timeline_io.edit import Edit
from timeline_io.errors import (
    EmptyEditError,
    SequenceChoiceError,
    TimelineError,
    UnreadableEditError,
    UnsupportedEditError,
)
from timeline_io.files import cause_of
from timeline_io.guarded_child import OUT_OF_MEMORY
from timeline_io.media import MediaSearch
from timeline_io.shot_media import with_media

# The paths come with the job: what this process can import, the other can.
_START = "import pickle, sys; sys.path[:], job = pickle.load(sys.stdin.buffer); "
_RUN = "from timeline_io.guarded_child import main; main(*job)"
# What a result is made of; anything else in the answer of a process that went astray is not built.
_RECORDS = {
    "timeline_io.edit": ("Edit", "Numbered", "Shot", "SkippedItem"),
    "timeline_io.frames": ("Counting", "FrameSpan"),
    "timeline_io.motion": ("Motion",),
    "fractions": ("Fraction",),
    "pathlib": ("PosixPath", "WindowsPath"),
    "pathlib._local": ("PosixPath", "WindowsPath"),
}


def read_edit_guarded(
    path: Path,
    *,
    media: MediaSearch | None = None,
    sequence: str | None = None,
    rate: Fraction | None = None,
    seconds: float = 60,
    megabytes: int = 2000,
) -> Edit:
    """`read_edit` with the file read in a process that may take `seconds` and, where the system can limit that,
    `megabytes` of address space.

    Raises the same errors; a reader that crashes, runs out of time or out of memory is an UnreadableEditError.
    May be called from any thread, and leaves no process behind, whatever ends it.
    """
    edit = _answer("read_timeline", path, sequence, rate, seconds=seconds, megabytes=megabytes)
    return with_media(edit, media)


def list_sequences_guarded(path: Path, *, seconds: float = 60, megabytes: int = 2000) -> tuple[str, ...]:
    """`list_sequences` in a process of its own."""
    return _answer("list_sequences", path, seconds=seconds, megabytes=megabytes)


def _answer(task: str, path: Path, *more: Any, seconds: float, megabytes: int) -> Any:
    """What a function of read.py gives or raises for `path`, carried out in a fresh process."""
    job = (task, (path, *more), seconds, megabytes)
    output, status = _run(pickle.dumps((sys.path, job)), path, seconds)
    try:
        if status != 0:
            raise EOFError
        kind, value = _Records(io.BytesIO(output)).load()
    except Exception as error:
        raise UnreadableEditError(f"{path.name} cannot be read: {_ending(status, megabytes)}") from error
    if kind == "error":
        raise _error(*value)
    return value


def _run(job: bytes, path: Path, seconds: float) -> tuple[bytes, int]:
    """The output and exit status of a fresh Python given `job`, which is ended when it takes too long."""
    try:
        # What a process that was ended had put aside goes with the folder.
        with TemporaryDirectory(prefix="smooth-foley-") as scratch, _fresh_python(scratch) as process:
            try:
                output, _ = process.communicate(job, timeout=seconds)
            finally:
                process.kill()
    except subprocess.TimeoutExpired:
        raise UnreadableEditError(
            f"{path.name} cannot be read: it takes more than {seconds:g} s, so it is damaged or no edit"
        ) from None
    except OSError as error:
        raise UnreadableEditError(f"{path.name} cannot be read: no process to read it ({cause_of(error)})") from error
    return output, process.returncode


def _fresh_python(scratch: str) -> subprocess.Popen[bytes]:
    # Without -P a file in the current folder could stand in for a module.
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START + _RUN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch),
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _ending(status: int, megabytes: int) -> str:
    if status == OUT_OF_MEMORY:
        return f"it needs more than {megabytes} MB of memory, so it is damaged or far too large"
    how = f"signal {-status}" if status < 0 else f"status {status}"
    return f"its reader broke down ({how}), so it is probably damaged: export it again"


def _error(name: str, message: str, names: tuple[str, ...]) -> TimelineError:
    if name == SequenceChoiceError.__name__:
        return SequenceChoiceError(message, names)
    kinds = {kind.__name__: kind for kind in (UnsupportedEditError, EmptyEditError)}
    return kinds.get(name, UnreadableEditError)(message)


class _Records(pickle.Unpickler):
    """Builds the records of an edit and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if name not in _RECORDS.get(module, ()):
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an edit")
        return super().find_class(module, name)
