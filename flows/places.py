"""Paths as every process knows them."""

from contextlib import suppress
from pathlib import Path


def absolute(path: Path) -> Path:
    """A path as every process knows it: who takes part in a pass may work in another folder."""
    with suppress(RuntimeError):  # nobody has that name: then the "~" is a letter
        path = path.expanduser()
    return path.absolute()
