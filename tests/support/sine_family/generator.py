"""How it makes a sound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipeline.generators.base import SoundOrder
from pipeline.generators.components import ModelComponents
from tests.support.sine_family.settings import SineSettings

_FPS = 8.0
_LEVEL = 0.25


class SineGenerator(ModelComponents):
    """No network at all."""

    sample_rate_hz = 44_100
    channels = 2
    takes_together = False

    def frame_times(self, duration_s: Fraction, fps: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """As many steps a second as CLIP is asked for."""
        step_s = 1 / (fps or _FPS)
        times: NDArray[np.float64] = (np.arange(math.ceil(float(duration_s) / step_s), dtype=np.float64) + 0.5) * step_s
        return times, np.minimum(times, float(duration_s))

    def make(self, orders: Sequence[SoundOrder], settings: SineSettings) -> list[NDArray[np.float32]]:
        """A sine on the left, an octave above it on the right, where the condition is on."""
        return [self._sine(order, settings) for order in orders]

    def _sine(self, order: SoundOrder, settings: SineSettings) -> NDArray[np.float32]:
        times_s = np.arange(math.ceil(order.duration_s * self.sample_rate_hz)) / self.sample_rate_hz
        pitch_hz = (200 + 50 * (sum(order.label.encode()) % 8) + order.seed % 40) * 2**settings.octave
        steps = np.minimum((times_s / float(order.condition.step_s)).astype(int), len(order.condition.active) - 1)
        on = order.condition.active[steps]
        sides = [np.sin(2 * np.pi * pitch * times_s) * on for pitch in (pitch_hz, 2 * pitch_hz)]
        return (_LEVEL * np.stack(sides)).astype(np.float32)


GENERATOR = SineGenerator
