"""A compound file written anew without the room that removed objects leave: pyaaf2 frees it but never gives it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def packed(path: Path) -> bytes:
    """The bytes of a compound file that holds the same folders and streams and nothing else."""
    from aaf2.cfb import CompoundFileBinary

    fresh = path.with_name("packed.aaf")
    with path.open("rb") as old_file, fresh.open("wb+") as new_file:
        old = CompoundFileBinary(old_file, "rb")
        new = CompoundFileBinary(new_file, "wb+", sector_size=old.sector_size)
        new.class_id, new.major_version, new.minor_version = old.class_id, old.major_version, old.minor_version
        new.root.class_id = old.root.class_id
        for _folder, folders, streams in old.walk():
            for folder in folders:
                new.makedir(folder.path(), folder.class_id)
            for stream in streams:
                _copy(stream, new)
        new.close()
    return fresh.read_bytes()


def _copy(stream: Any, new: Any) -> None:
    writer = new.open(stream.path(), "w")
    content = stream.open("r").read()
    if content:
        writer.write(content)
