"""Listening with the eyes: when does what a label names sound? (Smooth-Foley, section II-C)

The label's text embedding is compared with every frame's projected embedding; from `threshold` (0.5) on, it sounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.label import SpottedLabel
from pipeline.nets.bundle import Bundle
from pipeline.nets.detector import LEVEL_FLOOR_DB
from pipeline.records import Detection, ShotFeatures, TemporalCondition
from pipeline.settings import Settings

_SPOT_SECONDS = 0.4
_SPOT_CONFIDENCE = 0.6
_MOST_SPOTTED = 2
_USUAL_LEVEL_DB = -24.0


@torch.inference_mode()
def detect(features: ShotFeatures, label: str, bundle: Bundle, settings: Settings) -> TemporalCondition:
    """When `label` sounds in a shot, and how loud."""
    similarity, level = _compare(features, [label], bundle, settings)
    return _condition(similarity[0], None if level is None else level[0], features, settings)


def _condition(
    similarity: NDArray[np.float32], level: NDArray[np.float32] | None, features: ShotFeatures, settings: Settings
) -> TemporalCondition:
    """Similarity (T,), smoothed and cut at the threshold, with level 0..1 (T,) where there is one."""
    smooth = median_filter(similarity, settings.median_frames)
    return TemporalCondition(
        similarity=smooth,
        active=smooth >= settings.threshold,
        times_s=features.times_s,
        level_db=None if level is None else (1 - level) * LEVEL_FLOOR_DB,
    )


@torch.inference_mode()
def spot(features: ShotFeatures, bundle: Bundle, settings: Settings) -> tuple[SpottedLabel, ...]:
    """What CLIP itself hears in a shot, among the labels the model knows: best first, at most two, () for silence."""
    labels = [known.text for known in bundle.vocabulary]
    similarity, _ = _compare(features, labels, bundle, settings)
    heard = []
    for known, row in zip(bundle.vocabulary, similarity, strict=True):
        condition = _condition(row, None, features, settings)
        sure = confidence(condition)
        if condition.active.sum() * _step_s(condition) >= _SPOT_SECONDS and sure >= _SPOT_CONFIDENCE:
            heard.append(SpottedLabel(label=known.text, category=known.category, confidence=sure))
    return tuple(sorted(heard, key=lambda s: -s.confidence)[:_MOST_SPOTTED])


def switched(condition: TemporalCondition, spans_s: Sequence[tuple[Fraction, Fraction]]) -> TemporalCondition:
    """The condition switched on inside `spans_s` (seconds from the start of the shot) and off elsewhere.

    Where the detector heard nothing it has no level to give: there it sounds as loud as the median of what it heard.
    """
    times_s = condition.times_s
    active = np.zeros(len(times_s), dtype=bool)
    for start_s, end_s in spans_s:
        active |= (times_s >= float(start_s)) & (times_s < float(end_s))
    level_db = condition.level_db
    if level_db is not None:
        usual_db = float(np.median(level_db[condition.active])) if condition.active.any() else _USUAL_LEVEL_DB
        level_db = np.where(active & ~condition.active, np.maximum(level_db, np.float32(usual_db)), level_db)
    return replace(condition, active=active, level_db=level_db)


def confidence(condition: TemporalCondition) -> float:
    """Mean similarity while the label sounds; 0 when it never does."""
    return float(condition.similarity[condition.active].mean()) if condition.active.any() else 0.0


def summary(condition: TemporalCondition) -> Detection:
    """When it sounds and how sure that is, without the arrays."""
    return Detection(active_spans_s=active_spans(condition), confidence=confidence(condition))


def active_spans(condition: TemporalCondition) -> tuple[tuple[float, float], ...]:
    """The stretches in which a label sounds, in seconds from the start of the shot."""
    step_s = _step_s(condition)
    padded = np.concatenate([[False], condition.active, [False]])
    edges = np.flatnonzero(np.diff(padded.astype(np.int8)))
    return tuple((round(float(a * step_s), 3), round(float(b * step_s), 3)) for a, b in edges.reshape(-1, 2))


def _step_s(condition: TemporalCondition) -> float:
    """Times lie in the middle of their steps, the first of which begins at 0."""
    return 2 * float(condition.times_s[0])


def median_filter(row: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Running median of an odd `width`, edges held: single-frame flicker goes, edges stay where they are."""
    padded = np.pad(row, width // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    return np.asarray(np.median(windows, axis=-1), dtype=np.float32)


def _compare(
    features: ShotFeatures, labels: list[str], bundle: Bundle, settings: Settings
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Similarity (L, T) and, where the detector tells it, level 0..1 (L, T)."""
    frames = torch.from_numpy(features.frame_embeddings).to(bundle.device)[None]
    asked = bundle.clip.encode_labels(labels)
    if settings.detector == "always":
        return np.ones((len(labels), frames.shape[1]), dtype=np.float32), None
    if settings.detector == "linear":
        return _array(bundle.linear_detector(frames, asked)), None
    similarity, level = bundle.temporal_detector(frames, asked)
    return _array(similarity), _array(level) if settings.use_level else None


def _array(rows: Tensor) -> NDArray[np.float32]:
    return np.asarray(rows[0].cpu().numpy(), dtype=np.float32)
