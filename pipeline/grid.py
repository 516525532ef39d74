"""The one place where seconds, CLIP frames, latent columns, mel columns and samples meet.

A mel column j covers samples [j * hop, (j + 1) * hop) and is centred at (j + 1/2) * hop / sample_rate: the
analysis pads (n_fft - hop) / 2 on both sides, as HiFi-GAN does. A latent column covers `columns_per_latent`
mel columns, a CLIP frame covers `columns_per_frame`. The published models run at exactly 100 mel columns per
second (hop 160 at 16 kHz); the bundled one at 62.5 (hop 256).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How one model divides time. All counts are per canvas, all times in seconds from its start."""

    sample_rate_hz: int
    hop: int
    columns_per_latent: int
    columns_per_frame: int
    latents_multiple: int
    window_latents: int

    @property
    def column_s(self) -> Fraction:
        """Length of a mel column in seconds, exact."""
        return Fraction(self.hop, self.sample_rate_hz)

    @property
    def window_s(self) -> Fraction:
        """The longest stretch denoised at once, in seconds."""
        return self.window_latents * self.columns_per_latent * self.column_s

    def latents_for(self, duration_s: Fraction) -> int:
        """Latent columns that cover a duration: rounded up to the multiple the UNet needs."""
        step = self.latents_multiple * self.columns_per_latent * self.column_s
        return max(1, -(-duration_s // step)) * self.latents_multiple

    def frames_for(self, latents: int) -> int:
        """CLIP frames that cover a canvas of `latents` columns."""
        return latents * self.columns_per_latent // self.columns_per_frame

    def samples_for(self, latents: int) -> int:
        """Audio samples of a canvas of `latents` columns."""
        return latents * self.columns_per_latent * self.hop

    def frame_times(self, count: int) -> NDArray[np.float64]:
        """The middle of each of `count` CLIP frames, seconds, (count,)."""
        return np.asarray((np.arange(count) + 0.5) * float(self.columns_per_frame * self.column_s), dtype=np.float64)

    def column_times(self, count: int) -> NDArray[np.float64]:
        """The middle of each of `count` mel columns, seconds, (count,)."""
        return np.asarray((np.arange(count) + 0.5) * float(self.column_s), dtype=np.float64)
