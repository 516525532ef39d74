"""A label sounds all the time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.generators.components import ModelComponents
from pipeline.records import ShotFeatures, TemporalCondition
from pipeline.settings import Settings


def always(
    features: ShotFeatures, labels: Sequence[str], model: ModelComponents, settings: Settings
) -> list[TemporalCondition]:
    """On at every step of CLIP's clock, whatever is seen."""
    times_s = features.clip.times_s
    ones = np.ones(len(times_s), dtype=np.float32)
    condition = TemporalCondition(similarity=ones, active=ones > 0, times_s=times_s)
    return [condition for _ in labels]
