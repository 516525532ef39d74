"""Where programs keep what is a user's own, on each system; the folders need not be there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pipeline.errors import PipelineError


def cache_folder(what: str, variable: str) -> Path:
    """For what can be made again. `what` is to be kept there, `variable` names another place: for the error.

    Raises PipelineError for a user without a home.
    """
    if sys.platform == "win32":
        return _local(what, variable)
    if sys.platform == "darwin":
        return home_folder(what, variable) / "Library" / "Caches"
    told = os.environ.get("XDG_CACHE_HOME")
    return Path(told) if told else home_folder(what, variable) / ".cache"


def data_folder(what: str, variable: str) -> Path:
    """For what is to last. Raises PipelineError for a user without a home."""
    if sys.platform == "win32":
        return _local(what, variable)
    if sys.platform == "darwin":
        return home_folder(what, variable) / "Library" / "Application Support"
    told = os.environ.get("XDG_DATA_HOME")
    return Path(told) if told else home_folder(what, variable) / ".local" / "share"


def home_folder(what: str, variable: str) -> Path:
    """The user's home. Raises PipelineError, one sentence that names `variable`, where there is none."""
    try:
        return Path.home()
    except RuntimeError as error:
        raise PipelineError(
            f"this user has no home folder for {what} (HOME is not set): set {variable} to a folder"
        ) from error


def _local(what: str, variable: str) -> Path:
    told = os.environ.get("LOCALAPPDATA")
    return Path(told) if told else home_folder(what, variable) / "AppData" / "Local"
