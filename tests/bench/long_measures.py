"""Long takes and what is measured on them; every measure pools shots, each held against its own inside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from unittest import mock

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.encode import encode_shot
from pipeline.evaluation.envelope import loudness_envelope_db
from pipeline.evaluation.seams import Contrast, Drift, changes, contrast, loudness_drift
from pipeline.generate import make_take
from pipeline.generators.auffusion.generator import AuffusionGenerator
from pipeline.generators.auffusion.windows import Window, split
from pipeline.records import SAMPLE_RATE_HZ, FoleyRequest, MediaSpan
from pipeline.runtime import pin_threads

# A step in the latents is spread over a latent column by the decoder, so steps are sought between means.
_PICTURE_SPAN, _LEVEL_SPAN, _REACH = 8, 4, 4
_DB_PER_NEPER = 20 / math.log(10)

Where = Literal["windows", "tiles"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Take:
    """A take (N,) at the model's rate, and the mel columns at which a window, or a tile of the VAE, begins or ends."""

    samples: NDArray[np.float32]
    rate_hz: int
    windows: list[int]
    tiles: list[int]
    picture_db: NDArray[np.float32]
    level_db: NDArray[np.float64]

    @property
    def drift(self) -> Drift:
        """How its loudness moves."""
        return loudness_drift(self.samples, self.rate_hz)


def take_of(label: str, span: MediaSpan, bundle: AuffusionGenerator, seed: int) -> Take:
    """One take, from the movie to the delivered sound."""
    pin_threads(bundle.threads_per_take)
    settings, grid = bundle.card.settings, bundle.grid
    request = FoleyRequest(span=span, label=label, seed=seed, settings_digest="", model_digest="")
    clip, _ = make_take(request, encode_shot(span, bundle, settings), bundle, settings)
    samples = soxr.resample(clip.samples[0], SAMPLE_RATE_HZ, grid.sample_rate_hz)
    picture = (bundle.mel.log_mel(bundle.mel.picture(torch.from_numpy(samples))) * _DB_PER_NEPER).numpy()
    columns = grid.latents_for(span.duration_s)

    def on_the_picture(windows: Sequence[Window]) -> list[int]:
        places = [edge * grid.columns_per_latent for edge in edges_of(windows)]
        return [place for place in places if place <= picture.shape[-1] - _PICTURE_SPAN - _REACH]

    return Take(
        samples=samples,
        rate_hz=grid.sample_rate_hz,
        windows=on_the_picture(split(columns, grid.window_latents, grid.latents_multiple)),
        tiles=on_the_picture(_tiles(columns, bundle)),
        picture_db=picture,
        level_db=loudness_envelope_db(samples, grid.sample_rate_hz, step_s=float(grid.column_s)),
    )


def _tiles(columns: int, bundle: AuffusionGenerator) -> list[Window]:
    """The tiles in which the VAE decodes a canvas; like windows, the last one is flush with the end."""
    tile, hop = bundle.codec.tile, bundle.codec.tile - bundle.codec.overlap
    if columns <= tile:
        return [Window(0, columns)]
    return [Window(first, tile) for first in (*range(0, columns - tile, hop), columns - tile)]


def edges_of(windows: Sequence[Window]) -> list[int]:
    """The latent columns, inside the canvas, at which a window begins or ends."""
    ends = {w.first for w in windows} | {w.first + w.count for w in windows}
    return sorted(ends - {0, max(ends)})


def picture_steps(takes: Sequence[Take], where: Where = "windows") -> Contrast:
    """Steps of the mel picture at the edges of windows or tiles."""
    return _pooled([changes(take.picture_db, _PICTURE_SPAN) for take in takes], [getattr(t, where) for t in takes])


def level_steps(takes: Sequence[Take], where: Where = "windows") -> Contrast:
    """Steps of the loudness at the edges of windows or tiles."""
    return _pooled([changes(take.level_db, _LEVEL_SPAN) for take in takes], [getattr(t, where) for t in takes])


def _pooled(steps: list[NDArray[np.float64]], edges: list[list[int]]) -> Contrast:
    """All takes as one row of columns, each in units of its own mean step, so that none outweighs the others."""
    offsets = np.cumsum([0, *(len(row) for row in steps)]).tolist()
    places = [offset + edge for offset, own in zip(offsets, edges, strict=False) for edge in own]
    return contrast(np.concatenate([row / np.nanmean(row) for row in steps]), places, reach=_REACH)


@contextmanager
def flat_weights() -> Iterator[None]:
    """The control: windows averaged with equal weights, whose seams the measures must find."""

    def flat(windows: tuple[Window, ...], columns: int) -> list[Tensor]:
        covering = torch.zeros(columns)
        for window in windows:
            covering[window.columns] += 1
        return [1 / covering[window.columns] for window in windows]

    with mock.patch("pipeline.generators.auffusion.denoise.hann_weights", flat):
        yield
