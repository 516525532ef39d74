"""Files that appear whole or not at all, what tells one content from another, and when one was last used."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import OutputError

_TOUCH_EVERY_S = 1800.0  # a pass over a thousand takes need not write a thousand dates each time
_WHAT_TO_DO = {
    errno.ENOSPC: "the disk is full: free some space and run again",
    errno.EDQUOT: "your disk quota is used up: free some space and run again",
    errno.EROFS: "the disk is read-only: choose another folder",
    errno.EACCES: "the folder may not be written to: change its permissions or choose another",
    errno.EPERM: "the folder may not be written to: change its permissions or choose another",
    errno.ENAMETOOLONG: "the name is too long for this disk: choose a shorter path",
}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """`atomically`, for what a person asked for. Raises OutputError, one sentence, for any OSError of the block or of
    the disk.
    """
    try:
        with atomically(path) as temporary:
            yield temporary
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {_what_to_do(error)}.") from error


@contextmanager
def atomically(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A temporary name in the folder of `path` (made if missing); what is there at the end of the block becomes `path`.

    The file is flushed to the disk before it gets its name, so neither a reader nor a crash ever meets a half-written
    one, and the last of two writers wins. When the block fails nothing is left behind and `path` is as it was.
    private: for this user alone from the first byte on. Raises OSError.
    """
    # Short, whatever the final name: a name near the limit of the disk has no room for more. Writers go by the suffix.
    temporary = path.with_name(f".{secrets.token_hex(8)}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if private:
            temporary.touch(mode=0o600, exist_ok=False)
        yield temporary
        flush_to_disk(temporary)
        temporary.replace(path)
    finally:
        _forget(temporary)


def flush_to_disk(path: Path) -> None:
    """Make a file's content, or the names in a folder, outlive a crash; folders cannot be flushed on Windows.

    Raises OSError.
    """
    if path.is_dir() and sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, 64 hex digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def mark_used(file: Path) -> None:
    """Let the date of a file say that its entry is used now; where that is not allowed, it keeps its date."""
    with suppress(OSError):
        if time.time() - file.stat().st_mtime > _TOUCH_EVERY_S:
            os.utime(file)


def make_shared_folder(folder: Path, root: Path) -> None:
    """Make `folder` below `root` where it is missing, with the mode of `root`: who may write there may write here.

    Raises OutputError.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(root.stat().st_mode)
        for level in reversed([folder, *folder.parents][: len(folder.relative_to(root).parts)]):
            if not level.is_dir():
                level.mkdir(exist_ok=True)
                level.chmod(mode)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {_what_to_do(error)}.") from error


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The folder itself went away or was closed to us; the failure that matters has been raised already.
        return


def _what_to_do(error: OSError) -> str:
    known = _WHAT_TO_DO.get(error.errno) if error.errno else None
    return known or f"{error.strerror or error}; check the folder"
