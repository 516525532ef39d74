"""Taking an installed model away."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.errors import WeightsError
from pipeline.weights.checksums import ChecksumLock
from pipeline.weights.registry import CARD_NAME
from pipeline.weights.store import exclusive, explained, models_folder


def remove_model(name: str) -> Path:
    """Delete the installed model `name`; where it was. Files that other models share stay there under their names.

    Raises WeightsError when no such model is installed.
    """
    models = models_folder()
    folder = models / name
    with explained(folder):
        there = folder.parent == models and not name.startswith(".") and (folder / CARD_NAME).is_file()
    if not there:
        raise WeightsError(f"no model called {name!r} is installed in {models}")
    with exclusive(models), explained(folder):
        ChecksumLock(models).forget(name)
        (folder / CARD_NAME).unlink()  # first: what is left of an interrupted removal is no model any more
        shutil.rmtree(folder)
    return folder
