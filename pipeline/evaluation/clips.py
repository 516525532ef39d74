"""Clips side by side: what the measures accept, checked once and in one sentence.

Clips are a sequence with one (T_b,) array per clip, so they may differ in length; a (B, T) array is such a sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

PresenceClips: TypeAlias = Sequence[NDArray[np.bool_]] | NDArray[np.bool_]
NumberClips: TypeAlias = Sequence[NDArray[np.floating]] | NDArray[np.floating]


def presence_clips(clips: PresenceClips, name: str) -> list[NDArray[np.bool_]]:
    """Presence per frame, B arrays bool (T_b,), from clips called `name` in an error.

    Raises ValueError for no clips, for a clip that is not one row of frames and for anything but bool: a score that
    was never held against a threshold would otherwise count as present wherever it is not exactly zero.
    """
    rows = _rows(clips, name)
    for number, row in enumerate(rows):
        if row.dtype != np.bool_:
            raise ValueError(f"{name} of clip {number} is {row.dtype}, not bool: hold it against a threshold first")
    return [row.astype(np.bool_, copy=False) for row in rows]


def number_clips(clips: NumberClips, name: str) -> list[NDArray[np.float64]]:
    """Numbers per frame, B arrays float64 (T_b,), from clips called `name` in an error.

    Raises ValueError for no clips, for a clip that is not one row of frames and for NaN or infinite values.
    """
    rows = [row.astype(np.float64) for row in _rows(clips, name)]
    for number, row in enumerate(rows):
        if not np.isfinite(row).all():
            raise ValueError(f"{name} of clip {number} holds a value that is not finite")
    return rows


def check_paired(first: Sequence[NDArray[np.generic]], second: Sequence[NDArray[np.generic]], names: str) -> None:
    """Both hold the same number of clips, and each pair the same number of frames; raises ValueError if not."""
    if len(first) != len(second):
        raise ValueError(f"{names} differ in number of clips: {len(first)} and {len(second)}")
    for number, (a, b) in enumerate(zip(first, second, strict=True)):
        if len(a) != len(b):
            raise ValueError(f"{names} of clip {number} differ in frames: {len(a)} and {len(b)}")


def _rows(clips: Iterable[NDArray[np.generic]], name: str) -> list[NDArray[np.generic]]:
    rows = [np.asarray(clip) for clip in clips]
    if not rows:
        raise ValueError(f"{name} holds no clips")
    for number, row in enumerate(rows):
        if row.ndim != 1:
            raise ValueError(f"{name} of clip {number} has shape {row.shape}, not (frames,)")
    return rows
