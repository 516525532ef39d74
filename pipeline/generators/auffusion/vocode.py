"""Latents to a wave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pipeline.generators.auffusion.components import AuffusionComponents
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.legacy import wrapping_int16


def vocode(latents: Tensor, model: AuffusionComponents, settings: AuffusionSettings) -> NDArray[np.float32]:
    """Latents (1, C, rows, columns) -> samples (N,) at the model's own rate, by way of a mel picture."""
    with model.on_device("codec"):
        picture = model.codec.decode(latents)
    wave: NDArray[np.float32] = model.vocoder(picture)[0].float().cpu().numpy()
    if "int16" in settings.quirks:
        wave = np.divide(wrapping_int16(wave), 32768, dtype=np.float32)
    return wave
