"""The one place where seconds, CLIP frames, latent columns, mel columns and samples meet.

A mel column j covers samples [j * hop, (j + 1) * hop) and is centred at (j + 1/2) * hop / sample_rate: the
analysis pads (n_fft - hop) / 2 on both sides, as HiFi-GAN does. A latent column covers `columns_per_latent`
mel columns, a CLIP frame covers `columns_per_frame`, which need not be whole. The published models run at exactly 100
mel columns per second (hop 160 at 16 kHz); the bundled one at 62.5 (hop 256).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FILLING = "frames_fill_canvas"
_MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How one model divides time. All counts are per canvas, all times in seconds from its start.

    A canvas is a multiple of `latents_multiple` latent columns wide and has at least `least_latents`. CLIP frames of a
    shot fill the whole canvas where `frames_fill_canvas` (the last picture holds), else they end with the shot.
    """

    sample_rate_hz: int
    hop: int
    columns_per_latent: int
    columns_per_frame: Fraction
    latents_multiple: int
    window_latents: int
    least_latents: int = 1
    frames_fill_canvas: bool = True

    @classmethod
    def from_card(cls, entry: Mapping[str, Any]) -> Grid:
        """The grid of a model card, where `columns_per_frame` may be text: "25/2". Raises ValueError."""
        try:
            per_frame = Fraction(entry["columns_per_frame"])
        except ZeroDivisionError as error:
            raise ValueError(f"columns_per_frame is {entry['columns_per_frame']!r}") from error
        counts = {name: value for name, value in entry.items() if name not in ("columns_per_frame", _FILLING)}
        for name, value in counts.items():
            if type(value) is not int or not 1 <= value <= _MOST:
                raise ValueError(f"{name} is {value!r}, it must be a whole number from 1 to {_MOST}")
        if not Fraction(1, 100) <= per_frame <= _MOST:
            raise ValueError(f"columns_per_frame is {entry['columns_per_frame']!r}, it must be 1/100 to {_MOST}")
        return cls(**{**entry, "columns_per_frame": per_frame})

    def at_fps(self, clip_fps: float) -> Grid:
        """The same grid with `clip_fps` CLIP frames per second; 0 leaves the model's own."""
        return (
            self.at_columns_per_frame(1 / Fraction(clip_fps).limit_denominator(1000) / self.column_s)
            if clip_fps
            else self
        )

    def at_columns_per_frame(self, columns_per_frame: Fraction) -> Grid:
        """The same grid with a CLIP frame for every `columns_per_frame` mel columns."""
        return replace(self, columns_per_frame=columns_per_frame)

    @property
    def column_s(self) -> Fraction:
        """Length of a mel column in seconds, exact."""
        return Fraction(self.hop, self.sample_rate_hz)

    @property
    def frame_s(self) -> Fraction:
        """Seconds between CLIP frames, exact."""
        return self.columns_per_frame * self.column_s

    @property
    def window_s(self) -> Fraction:
        """The longest stretch denoised at once, in seconds."""
        return self.window_latents * self.columns_per_latent * self.column_s

    def latents_for(self, duration_s: Fraction) -> int:
        """Latent columns that cover a duration: a multiple of what the UNet needs, and no fewer than the least."""
        step = self.latents_multiple * self.columns_per_latent * self.column_s
        least = -(-self.least_latents // self.latents_multiple)
        return max(1, least, -(-duration_s // step)) * self.latents_multiple

    def frames_for(self, latents: int) -> int:
        """CLIP frames that cover a canvas of `latents` columns."""
        return ceil(latents * self.columns_per_latent / self.columns_per_frame)

    def frames_of(self, duration_s: Fraction) -> int:
        """CLIP frames that are looked at for a shot of this duration."""
        if self.frames_fill_canvas:
            return self.frames_for(self.latents_for(duration_s))
        return max(1, ceil(duration_s / self.frame_s))

    def frames_in(self, first_latent: int, latents: int) -> slice:
        """The CLIP frames shown during latent columns [first_latent, first_latent + latents)."""
        first, end = first_latent * self.columns_per_latent, (first_latent + latents) * self.columns_per_latent
        return slice(floor(first / self.columns_per_frame), ceil(end / self.columns_per_frame))

    def samples_for(self, latents: int) -> int:
        """Audio samples of a canvas of `latents` columns."""
        return latents * self.columns_per_latent * self.hop

    def frame_times(self, count: int) -> NDArray[np.float64]:
        """The middle of each of `count` CLIP frames, seconds, (count,)."""
        return np.asarray((np.arange(count) + 0.5) * float(self.frame_s), dtype=np.float64)

    def column_times(self, count: int) -> NDArray[np.float64]:
        """The middle of each of `count` mel columns, seconds, (count,)."""
        return np.asarray((np.arange(count) + 0.5) * float(self.column_s), dtype=np.float64)
