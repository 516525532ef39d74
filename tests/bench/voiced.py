"""Latents as they are delivered: the last step of a take, for benches that time or compare the steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pipeline.finish import to_delivery_rate
from pipeline.generators.auffusion.generator import AuffusionGenerator
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.generators.auffusion.vocode import vocode


def voiced(latents: Tensor, count: int, bundle: AuffusionGenerator, settings: AuffusionSettings) -> NDArray[np.float32]:
    """Latents (1, C, rows, columns) -> exactly `count` samples at the delivery rate."""
    return to_delivery_rate(vocode(latents, bundle, settings), bundle.sample_rate_hz, count)
