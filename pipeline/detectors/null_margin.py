"""When a label sounds, told by CLIP alone: how much closer a frame is to the label than to phrases that mean nothing.

Raw cosines of pictures and phrases all lie near 0.2 to 0.35, so no fixed cut of theirs works, and stretching them
from a shot's lowest to its highest fails where something sounds all the time. The margin over null prompts has the
same meaning in every shot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.special import expit


@dataclass(frozen=True, slots=True, kw_only=True)
class NullMargin:
    """How a margin of cosines becomes on and off; all lengths in seconds, so that any frame rate will do.

    A frame whose margin is `offset` is as likely on as off; `sharpness` is the steepness there. It is on from
    probability `on`, and as long before and after as it does not fall below `off`. Gaps shorter than `close_gaps_s`
    are closed, then sounds shorter than `drop_runs_s` dropped.
    """

    sharpness: float = 100.0
    offset: float = 0.02
    smooth_s: float = 5 / 15
    on: float = 0.55
    off: float = 0.40
    close_gaps_s: float = 5 / 15
    drop_runs_s: float = 3 / 15

    def __post_init__(self) -> None:
        if self.off > self.on:
            raise ValueError(f"off is {self.off} and on is {self.on}; off must not be above on")


def presence(
    frames: NDArray[np.float32],
    label: NDArray[np.float32],
    nulls: NDArray[np.float32],
    frame_rate: float,
    config: NullMargin | None = None,
) -> NDArray[np.float32]:
    """Embeddings of frames (T, D), a label (D,) and null prompts (K, D) -> how likely the label sounds, 0..1 (T,).

    The embeddings may have any length; `frame_rate` is in frames per second.
    """
    config = config or NullMargin()
    seen = _unit(frames)
    margin = seen @ _unit(label) - (seen @ _unit(nulls).T).mean(axis=1)
    likely = expit(config.sharpness * (margin - config.offset))
    # An odd number of frames, so that a smoothed edge stays where it is.
    width = 2 * max(0, round((config.smooth_s * frame_rate - 1) / 2)) + 1
    return np.asarray(uniform_filter1d(likely, width, mode="nearest"), dtype=np.float32)


def hysteresis(
    probability: NDArray[np.float32], frame_rate: float, config: NullMargin | None = None
) -> NDArray[np.bool_]:
    """Probability (T,) -> on or off (T,), without flicker. What is on from end to end stays, however short."""
    config = config or NullMargin()
    active = np.zeros(len(probability), dtype=bool)
    for start, end in _runs(probability >= config.off):
        active[start:end] = probability[start:end].max() >= config.on
    for start, end in _runs(~active):
        inside = start > 0 and end < len(active)
        active[start:end] = inside and _shorter(end - start, config.close_gaps_s * frame_rate)
    for start, end in _runs(active):
        active[start:end] = end - start == len(active) or not _shorter(end - start, config.drop_runs_s * frame_rate)
    return active


def _runs(row: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The stretches [start, end) in which a row is true, (R, 2)."""
    edges = np.diff(np.concatenate([[False], row, [False]]).astype(np.int8))
    return np.flatnonzero(edges).reshape(-1, 2)


def _shorter(count: int, frames: float) -> bool:
    """Whether `count` frames are fewer than `frames`, which seconds and a rate were multiplied to."""
    return count < frames - 1e-6


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True).clip(1e-12)
