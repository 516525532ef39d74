"""Frames that need not be looked at again, because the picture hardly changed or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_THUMBNAIL = (48, 27)


def kept_frames(pixels: NDArray[np.uint8], threshold_levels: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frames uint8 (T, H, W, 3) -> numbers of those to look at (K,), and for every frame which of these stands for it.

    A frame is left out while it differs from the last one kept by less than `threshold_levels`: the mean absolute
    difference of small grey pictures, in levels of 256. So a slow fade is still followed step by step. At 0 only
    frames equal in every pixel are left out.
    """
    looks = _thumbnails(pixels) if threshold_levels > 0 else pixels
    kept: list[int] = []
    stands_for = np.zeros(len(pixels), np.int64)
    for number, look in enumerate(looks):
        if not kept or _differ(look, looks[kept[-1]], threshold_levels):
            kept.append(number)
        stands_for[number] = len(kept) - 1
    return np.array(kept, np.int64), stands_for


def _thumbnails(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = [Image.fromarray(frame).convert("L").resize(_THUMBNAIL, Image.Resampling.BOX) for frame in pixels]
    return np.array([np.asarray(image) for image in small], np.float32)


def _differ(look: NDArray[Any], other: NDArray[Any], threshold_levels: float) -> bool:
    if threshold_levels > 0:
        return bool(np.abs(look - other).mean() >= threshold_levels)
    return not np.array_equal(look, other)


def unique_runs(embeddings: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Rows (T, D) -> (rows (U, D) without those equal to the one before, how many each stands for (U,)).

    Attention over the unique rows with log(count) added to their logits is attention over all rows: equal keys share
    one exponential, and equal values add up.
    """
    if len(embeddings) == 0:
        return embeddings, np.zeros(0, np.int64)
    changed = np.any(embeddings[1:] != embeddings[:-1], axis=1)
    starts = np.concatenate([[0], np.flatnonzero(changed) + 1])
    return embeddings[starts], np.diff(starts, append=len(embeddings))
