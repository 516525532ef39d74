"""Listening with the eyes: when does what a label names sound? (Smooth-Foley, section II-C)

The label's text embedding is compared with every frame's projected embedding; from `threshold` (0.5) on, it sounds.
Where no projection was trained, `null_margin` compares the label with what an empty picture would be called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.errors import WeightsError
from pipeline.label import SpottedLabel
from pipeline.nets.bundle import Bundle
from pipeline.nets.detector import LEVEL_FLOOR_DB
from pipeline.null_margin import NullMargin, hysteresis, presence
from pipeline.records import Detection, ShotFeatures, TemporalCondition
from pipeline.settings import Detector, Settings

_SPOT_SECONDS = 0.4
_SPOT_CONFIDENCE = 0.6
_MOST_SPOTTED = 2
_USUAL_LEVEL_DB = -24.0


@torch.inference_mode()
def detect(features: ShotFeatures, label: str, bundle: Bundle, settings: Settings) -> TemporalCondition:
    """When `label` sounds in a shot, and how loud."""
    return _DETECTORS[settings.detector](features, [label], bundle, settings)[0]


@torch.inference_mode()
def spot(features: ShotFeatures, bundle: Bundle, settings: Settings) -> tuple[SpottedLabel, ...]:
    """What CLIP itself hears in a shot, among the labels the model knows: best first, at most two, () for silence.

    Raises WeightsError when the model's detector cannot tell labels apart.
    """
    if settings.detector in ("always", "onset") or not bundle.vocabulary:
        raise WeightsError(
            f"model {bundle.name!r} cannot tell what sounds in a picture (detector {settings.detector!r}): "
            "name the sounds in a cue sheet or in markers"
        )
    conditions = _DETECTORS[settings.detector](features, [known.text for known in bundle.vocabulary], bundle, settings)
    heard = []
    for known, condition in zip(bundle.vocabulary, conditions, strict=True):
        sure = confidence(condition)
        if condition.active.sum() * float(condition.step_s) >= _SPOT_SECONDS and sure >= _SPOT_CONFIDENCE:
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
    return replace(condition, active=active, level_db=level_db, spans_s=tuple(spans_s))


def throughout(condition: TemporalCondition) -> TemporalCondition:
    """The condition of a label that was ordered and not seen: on all the time, and marked so."""
    everywhere = ((Fraction(0), Fraction(condition.duration_s)),)
    return replace(switched(condition, everywhere), spans_s=None, unseen=True)


def confidence(condition: TemporalCondition) -> float:
    """Mean similarity while the label sounds; 0 when it never does."""
    return float(condition.similarity[condition.active].mean()) if condition.active.any() else 0.0


def summary(condition: TemporalCondition) -> Detection:
    """When it sounds and how sure that is, without the arrays."""
    return Detection(active_spans_s=active_spans(condition), confidence=confidence(condition), unseen=condition.unseen)


def active_spans(condition: TemporalCondition) -> tuple[tuple[float, float], ...]:
    """The stretches in which a label sounds, in seconds from the start of the shot."""
    step_s = float(condition.step_s)
    padded = np.concatenate([[False], condition.active, [False]])
    edges = np.flatnonzero(np.diff(padded.astype(np.int8)))
    return tuple((round(float(a * step_s), 3), round(float(b * step_s), 3)) for a, b in edges.reshape(-1, 2))


def median_filter(row: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Running median of an odd `width`, edges held: single-frame flicker goes, edges stay where they are."""
    padded = np.pad(row, width // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    return np.asarray(np.median(windows, axis=-1), dtype=np.float32)


Conditions = list[TemporalCondition]


def _always(features: ShotFeatures, labels: Sequence[str], bundle: Bundle, settings: Settings) -> Conditions:
    ones = np.ones(len(features.times_s), dtype=np.float32)
    condition = TemporalCondition(similarity=ones, active=ones > 0, times_s=features.times_s)
    return [condition for _ in labels]


def _linear(features: ShotFeatures, labels: Sequence[str], bundle: Bundle, settings: Settings) -> Conditions:
    frames, asked = _unit_frames(features, bundle)[None], bundle.label_embeddings(labels)
    return [_cut(row, None, features, settings) for row in _array(bundle.linear_detector(frames, asked)[0])]


def _temporal(features: ShotFeatures, labels: Sequence[str], bundle: Bundle, settings: Settings) -> Conditions:
    frames, asked = _unit_frames(features, bundle)[None], bundle.label_embeddings(labels)
    similarity, level = (_array(rows[0]) for rows in bundle.temporal_detector(frames, asked))
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
        times_s=features.times_s,
        level_db=None if level is None else (1 - level) * LEVEL_FLOOR_DB,
    )


def _null_margin(features: ShotFeatures, labels: Sequence[str], bundle: Bundle, settings: Settings) -> Conditions:
    frames = _array(_unit_frames(features, bundle))
    nulls = _array(bundle.label_embeddings(bundle.card.structure["null_prompts"]))
    rate, margin = float(1 / features.step_s), _margin(settings)
    found = []
    for label in _array(bundle.label_embeddings(labels)):
        probability = presence(frames, label, nulls, rate, margin)
        active = hysteresis(probability, rate, margin)
        found.append(TemporalCondition(similarity=probability, active=active, times_s=features.times_s))
    return found


def _margin(settings: Settings) -> NullMargin:
    return NullMargin(
        sharpness=settings.null_sharpness,
        offset=settings.null_offset,
        smooth_s=settings.null_smooth_s,
        on=settings.null_on,
        off=settings.null_off,
        close_gaps_s=settings.null_close_s,
        drop_runs_s=settings.null_drop_s,
    )


def _onset(features: ShotFeatures, labels: Sequence[str], bundle: Bundle, settings: Settings) -> Conditions:
    probability, times_s = features.onset_probability, features.onset_times_s
    if probability is None or times_s is None:
        raise WeightsError(f"these features of model {bundle.name!r} were made without its onset detector")
    active = probability >= settings.threshold
    return [TemporalCondition(similarity=probability, active=active, times_s=times_s) for _ in labels]


def _either(features: ShotFeatures, labels: Sequence[str], bundle: Bundle, settings: Settings) -> Conditions:
    """Where the label is seen or something hits; on the finer time steps of the onset detector."""
    onsets = _onset(features, labels, bundle, settings)
    return [_union(*pair) for pair in zip(_null_margin(features, labels, bundle, settings), onsets, strict=True)]


def _union(coarse: TemporalCondition, fine: TemporalCondition) -> TemporalCondition:
    index = np.clip((fine.times_s / float(coarse.step_s)).astype(int), 0, len(coarse.times_s) - 1)
    return replace(
        fine,
        similarity=np.maximum(coarse.similarity[index], fine.similarity),
        active=coarse.active[index] | fine.active,
    )


_DETECTORS: dict[Detector, Callable[[ShotFeatures, Sequence[str], Bundle, Settings], Conditions]] = {
    "temporal": _temporal,
    "linear": _linear,
    "null_margin": _null_margin,
    "onset": _onset,
    "either": _either,
    "always": _always,
}


def _unit_frames(features: ShotFeatures, bundle: Bundle) -> Tensor:
    """Frame embeddings (T, D) at unit length."""
    frames = torch.from_numpy(features.frame_embeddings).to(bundle.device)
    return frames if bundle.clip.unit_length else F.normalize(frames, dim=-1)


def _array(rows: Tensor) -> NDArray[np.float32]:
    return np.asarray(rows.float().cpu().numpy(), dtype=np.float32)
