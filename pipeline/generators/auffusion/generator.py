"""How Auffusion with its adapters makes a sound: the paper's second half on one screen (sections II-A to II-C)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import WeightsError
from pipeline.generators.auffusion.components import AuffusionComponents
from pipeline.generators.auffusion.denoise import denoise, plan_denoising
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.generators.auffusion.vocode import vocode
from pipeline.generators.base import SoundOrder
from pipeline.generators.components import load_model


class AuffusionGenerator(AuffusionComponents):
    """The generator of the family."""

    channels = 1

    @property
    def sample_rate_hz(self) -> int:
        """Of the vocoder."""
        return self.grid.sample_rate_hz

    @property
    def takes_together(self) -> bool:
        """Whether windows of several takes share batches: on a GPU, where there is room for them."""
        return self.windows_at_once > 1

    def frame_times(self, duration_s: Fraction, fps: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The clock of the frame adapter: a step for each CLIP frame of the canvas that covers the stretch."""
        grid = self.grid.at_fps(fps)
        times = grid.frame_times(grid.frames_of(duration_s))
        return times, np.minimum(times, float(duration_s) - float(grid.column_s) / 2)

    def make(self, orders: Sequence[SoundOrder], settings: AuffusionSettings) -> list[NDArray[np.float32]]:
        """A sound (1, N) for each order; their windows share batches, and none depends on the others."""
        plans = [
            plan_denoising(
                order.label,
                order.seed,
                order.features,
                order.condition,
                self,
                settings,
                duration_s=order.duration_s,
            )
            for order in orders
        ]
        return [vocode(latents, self, settings)[None] for latents in denoise(plans, self, settings)]


GENERATOR = AuffusionGenerator


def load_auffusion(model: str = "mini", **options: Any) -> AuffusionGenerator:
    """`load_model` for a model that is known to be one of this family. Raises WeightsError for another."""
    found = load_model(model, **options)
    if not isinstance(found, AuffusionGenerator):
        raise WeightsError(f"model {model!r} is of the family {found.card.family.name!r}, not of Auffusion")
    return found
