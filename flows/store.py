"""The store of finished takes: a folder that several people and machines may share."""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from flows.errors import OutputFolderError
from flows.output.delivery import require_writable
from pipeline.errors import OutputError
from pipeline.files import make_shared_folder, replacing

log = logging.getLogger(__name__)

# Where it is noted which edits took takes from the store.
EDITS = "edits"
_PARTS = ("clips", "features", "spots", "pace", EDITS)
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


def note_use(store: Path, edit: Path, folder: Path) -> None:
    """Note that what was made for an edit, told by the manifest in `folder`, came from this store.

    Where that cannot be written nothing is lost but the knowledge that somebody needs these takes.
    """
    note = store / EDITS / f"{hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:32]}.json"
    facts = {"edit": str(edit.absolute()), "folder": str(folder.absolute())}
    try:
        with replacing(note) as draft:
            draft.write_text(json.dumps(facts), encoding="utf-8")
    except OutputError as error:
        log.info("the use of the store is not noted: %s", error)


def _folders(store: Path) -> Iterator[Path]:
    for part in _PARTS:
        yield store / part
        with os.scandir(store / part) as entries:
            yield from (Path(entry.path) for entry in entries if entry.is_dir())
