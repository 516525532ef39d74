"""Labels compared with what an empty picture would be called, where no projection was trained."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.detectors.null_margin import NullMargin, hysteresis, presence
from pipeline.detectors.projected import array, unit_frames
from pipeline.generators.components import ModelComponents
from pipeline.records import ShotFeatures, TemporalCondition
from pipeline.settings import Settings


def null_margin(
    features: ShotFeatures, labels: Sequence[str], model: ModelComponents, settings: Settings
) -> list[TemporalCondition]:
    """On where a frame is closer to the label than to the model's null prompts, with hysteresis."""
    frames = array(unit_frames(features, model))
    nulls = array(model.label_embeddings(model.card.structure["null_prompts"]))
    rate, margin = float(1 / features.clip.step_s), _margin(settings)
    found = []
    for label in array(model.label_embeddings(labels)):
        probability = presence(frames, label, nulls, rate, margin)
        active = hysteresis(probability, rate, margin)
        found.append(TemporalCondition(similarity=probability, active=active, times_s=features.clip.times_s))
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
