"""A compound file written anew without the room that removed objects leave: pyaaf2 frees it but never gives it back."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import Any, BinaryIO


def packed(stream: BinaryIO) -> bytes:
    """The bytes of a compound file that holds the same folders and streams and nothing else."""
    from aaf2.cfb import CompoundFileBinary

    with TemporaryFile() as fresh:
        old = CompoundFileBinary(stream, "rb")
        new = CompoundFileBinary(fresh, "wb+", sector_size=old.sector_size)
        new.class_id, new.major_version, new.minor_version = old.class_id, old.major_version, old.minor_version
        new.root.class_id = old.root.class_id
        for _folder, folders, streams in old.walk():
            for folder in folders:
                new.makedir(folder.path(), folder.class_id)
            for content in streams:
                _copy(content, new)
        new.close()
        fresh.seek(0)
        return fresh.read()


def _copy(stream: Any, new: Any) -> None:
    writer = new.open(stream.path(), "w")
    content = stream.open("r").read()
    if content:
        writer.write(content)
