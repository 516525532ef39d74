"""Bytes in and out: bounded reading, and writing that never leaves half a file behind."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from timeline_io.errors import LayingError, UnreadableEditError

MAX_EDIT_BYTES = 200_000_000
# An AAF may hold its sounds: an hour of ours is half a gigabyte.
MAX_AAF_BYTES = 1_000_000_000
_AAF_MARK = b"\xd0\xcf\x11\xe0"


def read_edit_bytes(path: Path) -> bytes:
    """The content of an edit file; raises UnreadableEditError when it is missing, a folder, empty or huge."""
    try:
        if path.is_dir():
            raise UnreadableEditError(f"{path} is a folder, not an edit: name the exported timeline file")
        size = path.stat().st_size
        with path.open("rb") as stream:
            most = MAX_EDIT_BYTES if stream.read(len(_AAF_MARK)) != _AAF_MARK else MAX_AAF_BYTES
            if size > most:
                raise UnreadableEditError(
                    f"{path} is {size // 1_000_000} MB, more than the {most // 1_000_000} MB an edit may have"
                )
            stream.seek(0)
            data = stream.read()
    except FileNotFoundError:
        raise UnreadableEditError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise UnreadableEditError(f"{path} cannot be read ({cause_of(error)})") from error
    if not data.strip():
        raise UnreadableEditError(f"{path} is empty: export the timeline again")
    return data


def is_folder(path: Path) -> bool:
    """Whether a folder is there; a path that cannot be one (too long, say) names none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def sound_digest(wav: Path) -> str:
    """SHA-256 of a sound's file, as hex. Raises LayingError when it cannot be read."""
    try:
        with wav.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise LayingError(f"the sound {wav} cannot be read ({cause_of(error)})") from error


def digest_of(data: bytes) -> str:
    """SHA-256 of the bytes, as hex."""
    return hashlib.sha256(data).hexdigest()


def write_atomically(out: Path, data: bytes) -> None:
    """Write `out` whole or not at all. Raises LayingError when the folder or the file cannot be written."""
    try:
        with replacing(out) as stream:
            stream.write(data)
    except (OSError, ValueError) as error:
        raise LayingError(f"{out} cannot be written ({cause_of(error)})") from error


@contextlib.contextmanager
def replacing(out: Path) -> Iterator[BinaryIO]:
    """A stream whose content becomes `out` when all went well: a temporary file in the same folder, fsync, rename."""
    temporary = temporary_beside(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(out)
    except BaseException:
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)
        raise


def temporary_beside(out: Path) -> Path:
    """A hidden name in the same folder that nothing has yet."""
    return out.with_name(f".{out.name[:80]}.{secrets.token_hex(4)}.part")


def cause_of(error: BaseException) -> str:
    """What the system says was wrong, without its path, on one line; a library may quote half the file."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(text.split())[:100] or type(error).__name__
