"""Paths as every process knows them."""

from contextlib import suppress
from pathlib import Path


def absolute(path: Path) -> Path:
    """A path as every process knows it: who takes part in a pass may work in another folder."""
    with suppress(RuntimeError):  # nobody has that name: then the "~" is a letter
        path = path.expanduser()
    return path.absolute()


def edit_name(edit: Path) -> str:
    """What the files of an edit are called after: its stem; a laid one counts as the edit that it is a copy of."""
    return edit.stem.removesuffix(".foley")
