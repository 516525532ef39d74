"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import OutputError

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
    """A temporary name in the folder of `path` (made if missing); what is there at the end of the block becomes `path`.

    The file is flushed to the disk before it gets its name, so neither a reader nor a crash ever meets a half-written
    one, and the last of two writers wins. When the block fails nothing is left behind and `path` is as it was.
    Raises OutputError, one sentence, for any OSError of the block or of the disk.
    """
    # Short, whatever the final name: a name near the limit of the disk has no room for a suffix.
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush_to_disk(temporary)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {_what_to_do(error)}.") from error
    finally:
        _forget(temporary)


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


def _flush_to_disk(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The folder itself went away or was closed to us; the failure that matters has been raised already.
        return


def _what_to_do(error: OSError) -> str:
    known = _WHAT_TO_DO.get(error.errno) if error.errno else None
    return known or f"{error.strerror or error}; check the folder"
