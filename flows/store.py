"""The store of finished takes: a folder that several people and machines may share."""

import os
from collections.abc import Iterator
from pathlib import Path

from flows.errors import OutputFolderError
from flows.output.delivery import require_writable
from pipeline.errors import OutputError
from pipeline.files import make_shared_folder

_PARTS = ("clips", "features", "spots", "pace")
_OPTION = "--store or FOLEY_STORE"


def open_store(store: Path) -> None:
    """Make what is missing of it, with the mode of its root.

    Raises OutputFolderError where it cannot take takes: better said before hours of work than after.
    """
    require_writable(store, _OPTION)
    try:
        for part in _PARTS:
            make_shared_folder(store / part, store)
    except OutputError as error:
        raise OutputFolderError(f"{str(error).rstrip('.')}, or name another with {_OPTION}") from error
    closed = next((folder for folder in _folders(store) if not os.access(folder, os.W_OK | os.X_OK)), None)
    if closed is not None:
        raise OutputFolderError(
            f"{closed}, a folder of the store, may not be written to: let all who share the store write there, or name "
            f"another store with {_OPTION}"
        )


def _folders(store: Path) -> Iterator[Path]:
    for part in _PARTS:
        yield store / part
        with os.scandir(store / part) as entries:
            yield from (Path(entry.path) for entry in entries if entry.is_dir())
