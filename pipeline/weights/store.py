"""The folder of installed models: one folder each, which appears whole or not at all.

models/                    FOLEY_MODELS, else this user's data folder
  foleycrafter/            an installed model, laid out like the bundled one
  auffusion/               its frozen parts are the same files: hard links
  fetched.lock.json        what was fetched first; later fetches and checks have to agree
  accepted_licences.json
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import WeightsError
from pipeline.files import atomically, flush_to_disk
from pipeline.user_folders import data_folder

_STAGING, _OLD = ".staging-", ".old-"
_MEGABYTE = 1_000_000


def models_folder() -> Path:
    """Where fetched models are kept: FOLEY_MODELS, else this user's data folder. Absolute; it need not be there."""
    chosen = os.environ.get("FOLEY_MODELS") or data_folder("models", "FOLEY_MODELS") / "smooth-foley" / "models"
    return Path(chosen).expanduser().absolute()


@contextmanager
def exclusive(models: Path) -> Iterator[None]:
    """Only one process changes the models at a time; what an interrupted one left behind is cleared away first.

    Raises WeightsError when another is at work, or when the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    with explained(models):
        models.mkdir(parents=True, exist_ok=True)
        lock = FileLock(models / ".changing.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise WeightsError(f"another program is changing the models in {models}; try again later") from error
        try:
            _clear_away(models)
            yield
        finally:
            lock.release()


@contextmanager
def building(models: Path, name: str) -> Iterator[Path]:
    """An empty folder to build a model in; at the end of the block it becomes `models`/`name`, and not before.

    When the block fails nothing is left behind and an earlier model of that name is as it was. Call in `exclusive`.
    """
    staging = models / f"{_STAGING}{name}-{secrets.token_hex(4)}"
    staging.mkdir()
    try:
        yield staging
        for path in sorted(staging.rglob("*"), reverse=True):
            flush_to_disk(path)
        _swap(staging, models / name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _swap(staging: Path, final: Path) -> None:
    old = final.with_name(f"{_OLD}{final.name}")
    if final.exists():
        final.rename(old)
    staging.rename(final)
    flush_to_disk(final.parent)
    shutil.rmtree(old, ignore_errors=True)


def _clear_away(models: Path) -> None:
    for leftover in models.glob(f"{_OLD}*"):
        final = models / leftover.name.removeprefix(_OLD)
        if not final.exists():  # cut off between the two renames: the earlier model is still the one
            leftover.rename(final)
    for leftover in (*models.glob(f"{_STAGING}*"), *models.glob(f"{_OLD}*")):
        shutil.rmtree(leftover, ignore_errors=True)


def link_or_copy(source: Path, target: Path) -> None:
    """The same file under a second name, by a hard link where the disk can, else by a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def write_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all. Raises WeightsError."""
    with explained(path), atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def require_room(folder: Path, needed_bytes: int, what: str) -> None:
    """Raises WeightsError when the disk of `folder`, which need not be there yet, has too little room for `what`."""
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed_bytes:
        raise WeightsError(
            f"{what} needs {needed_bytes / _MEGABYTE:,.0f} MB in {folder}, but only {free / _MEGABYTE:,.0f} MB are "
            "free: make room, or choose another disk with FOLEY_MODELS"
        )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn any OSError of the block into a WeightsError, one sentence about the disk."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "the disk is full: make room" if full else f"{error.strerror or error}: see to it"
        raise WeightsError(f"{error.filename or path}: {why}, or name another folder with FOLEY_MODELS") from error
