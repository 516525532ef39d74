"""Frames projected beside labels by what was trained: cut at 0.5, a label sounds (Smooth-Foley, section II-C)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.generators.components import ModelComponents
from pipeline.nets.label_detector import LEVEL_FLOOR_DB
from pipeline.records import ShotFeatures, TemporalCondition
from pipeline.settings import Settings


def linear(
    features: ShotFeatures, labels: Sequence[str], model: ModelComponents, settings: Settings
) -> list[TemporalCondition]:
    """The paper's detector: each frame's projection, by itself."""
    frames, asked = unit_frames(features, model)[None], model.label_embeddings(labels)
    return [_cut(row, None, features, settings) for row in array(model.linear_detector(frames, asked)[0])]


def temporal(
    features: ShotFeatures, labels: Sequence[str], model: ModelComponents, settings: Settings
) -> list[TemporalCondition]:
    """Ours: each frame with its neighbours, and how loud it is."""
    frames, asked = unit_frames(features, model)[None], model.label_embeddings(labels)
    similarity, level = (array(rows[0]) for rows in model.temporal_detector(frames, asked))
    levels = level if settings.use_level else [None] * len(labels)
    return [_cut(row, its_level, features, settings) for row, its_level in zip(similarity, levels, strict=True)]


def _cut(
    similarity: NDArray[np.float32], level: NDArray[np.float32] | None, features: ShotFeatures, settings: Settings
) -> TemporalCondition:
    """Similarity (T,), smoothed and cut at the threshold, with level 0..1 (T,) where there is one."""
    smooth = median_filter(similarity, settings.median_frames)
    return TemporalCondition(
        similarity=smooth,
        active=smooth >= settings.threshold,
        times_s=features.clip.times_s,
        level_db=None if level is None else (1 - level) * LEVEL_FLOOR_DB,
    )


def median_filter(row: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Running median of an odd `width`, edges held: single-frame flicker goes, edges stay where they are."""
    padded = np.pad(row, width // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    return np.asarray(np.median(windows, axis=-1), dtype=np.float32)


def unit_frames(features: ShotFeatures, model: ModelComponents) -> Tensor:
    """Frame embeddings (T, D) at unit length."""
    frames = torch.from_numpy(features.clip.values).to(model.device)
    return frames if model.clip.unit_length else F.normalize(frames, dim=-1)


def array(rows: Tensor) -> NDArray[np.float32]:
    """A tensor as float32 of main memory."""
    return np.asarray(rows.float().cpu().numpy(), dtype=np.float32)
