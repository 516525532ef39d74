"""Files that are there and still cannot be used: for their name, or because something else lies in their place."""

from __future__ import annotations

import sys
from pathlib import Path

_LFS_HEAD = b"version https://git-lfs.github.com/spec/"


def lfs_pointer(path: Path) -> str:
    """What to do about a pointer of Git LFS that lies where `path` should be; "" for any other file, or none."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_LFS_HEAD))
    except OSError:
        return ""
    return f"{path} is only a pointer of Git LFS: get the file itself with `git lfs pull`" if head == _LFS_HEAD else ""


def unnameable(path: Path) -> str:
    """Why no library can open `path`, and what to do about it; "" where they can.

    Libraries take file names in the encoding of the system, and nothing else.
    """
    encoding = sys.getfilesystemencoding()
    try:
        str(path).encode(encoding)
    except UnicodeEncodeError:
        if encoding.lower().replace("-", "") == "utf8":
            return f"{_shown(path)} has a name that is no UTF-8: rename it"
        return f"{_shown(path)} cannot be named in this locale ({encoding}): set PYTHONUTF8=1"
    return ""


def _shown(path: Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode()
