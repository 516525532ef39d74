"""Listening with the eyes: when does what a label names sound? (Smooth-Foley, section II-C)

The label's text embedding is compared with every frame's projected embedding; from `threshold` (0.5) on, it sounds.
Where no projection was trained, `null_margin` compares the label with what an empty picture would be called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch

from pipeline.errors import WeightsError
from pipeline.generators.components import ModelComponents
from pipeline.label import ZeroShotLabel
from pipeline.records import Detection, ShotFeatures, TemporalCondition
from pipeline.registries import DETECTORS
from pipeline.settings import Settings

_SPOT_SECONDS = 0.4
_SPOT_CONFIDENCE = 0.6
_MOST_SPOTTED = 2
_USUAL_LEVEL_DB = -24.0


@torch.inference_mode()
def detect(features: ShotFeatures, label: str, model: ModelComponents, settings: Settings) -> TemporalCondition:
    """When `label` sounds in a shot, and how loud."""
    return DETECTORS[settings.detector].load()(features, [label], model, settings)[0]


@torch.inference_mode()
def spot(features: ShotFeatures, model: ModelComponents, settings: Settings) -> tuple[ZeroShotLabel, ...]:
    """What CLIP itself hears in a shot, among the labels the model knows: best first, at most two, () for silence.

    Raises WeightsError when the model's detector cannot tell labels apart.
    """
    detector = DETECTORS[settings.detector]
    if not detector.tells_labels or not model.vocabulary:
        raise WeightsError(
            f"model {model.name!r} cannot tell what sounds in a picture (detector {settings.detector!r}): "
            "name the sounds in a cue sheet or in markers"
        )
    conditions = detector.load()(features, [known.text for known in model.vocabulary], model, settings)
    heard = []
    for known, condition in zip(model.vocabulary, conditions, strict=True):
        sure = confidence(condition)
        if condition.active.sum() * float(condition.step_s) >= _SPOT_SECONDS and sure >= _SPOT_CONFIDENCE:
            heard.append(ZeroShotLabel(label=known.text, category=known.category, confidence=sure))
    return tuple(sorted(heard, key=lambda s: -s.confidence)[:_MOST_SPOTTED])


def from_spans(condition: TemporalCondition, spans_s: Sequence[tuple[Fraction, Fraction]]) -> TemporalCondition:
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
    return replace(from_spans(condition, everywhere), spans_s=None, unseen=True)


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
