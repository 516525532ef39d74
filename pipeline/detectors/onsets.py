"""FoleyCrafter's detector of onsets, which knows no labels, alone and beside one that does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.detectors.null_prompts import null_margin
from pipeline.errors import WeightsError
from pipeline.generators.components import ModelComponents
from pipeline.records import ShotFeatures, TemporalCondition
from pipeline.settings import Settings


def onset(
    features: ShotFeatures, labels: Sequence[str], model: ModelComponents, settings: Settings
) -> list[TemporalCondition]:
    """On where something hits, whatever the label."""
    if "onset" not in features.streams:
        raise WeightsError(f"these features of model {model.name!r} were made without its onset detector")
    seen = features.streams["onset"]
    active = seen.values >= settings.threshold
    return [TemporalCondition(similarity=seen.values, active=active, times_s=seen.times_s) for _ in labels]


def either(
    features: ShotFeatures, labels: Sequence[str], model: ModelComponents, settings: Settings
) -> list[TemporalCondition]:
    """Where the label is seen or something hits; on the finer time steps of the onset detector."""
    onsets = onset(features, labels, model, settings)
    return [_union(*pair) for pair in zip(null_margin(features, labels, model, settings), onsets, strict=True)]


def _union(coarse: TemporalCondition, fine: TemporalCondition) -> TemporalCondition:
    index = np.clip((fine.times_s / float(coarse.step_s)).astype(int), 0, len(coarse.times_s) - 1)
    return replace(
        fine,
        similarity=np.maximum(coarse.similarity[index], fine.similarity),
        active=coarse.active[index] | fine.active,
    )
