"""Long takes and what is measured on them; every measure pools shots, each held against its own inside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.detect import detect
from pipeline.encode import encode_shot
from pipeline.evaluation.envelope import loudness_envelope_db
from pipeline.evaluation.seams import Contrast, Drift, changes, contrast, loudness_drift
from pipeline.generate import compose, voice
from pipeline.nets.bundle import Bundle
from pipeline.records import SAMPLE_RATE_HZ, MediaSpan
from pipeline.runtime import pin_threads
from pipeline.windows import Window, split

# A step in the latents is spread over a latent column by the decoder, so steps are sought between means.
_PICTURE_SPAN, _LEVEL_SPAN, _REACH = 8, 4, 4
_DB_PER_NEPER = 20 / math.log(10)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Take:
    """A take (N,) at the model's rate, and the mel columns at which a window begins or ends."""

    samples: NDArray[np.float32]
    rate_hz: int
    edges: list[int]
    picture_db: NDArray[np.float32]
    level_db: NDArray[np.float64]

    @property
    def drift(self) -> Drift:
        """How its loudness moves."""
        return loudness_drift(self.samples, self.rate_hz)


@torch.inference_mode()
def take_of(label: str, span: MediaSpan, bundle: Bundle, seed: int) -> Take:
    """One take, by the product's own steps; silence where nothing is found that sounds."""
    pin_threads()
    settings, grid = bundle.card.settings, bundle.grid
    features = encode_shot(span, bundle)
    condition = detect(features, label, bundle, settings)
    count = math.ceil(span.duration_s * SAMPLE_RATE_HZ)
    delivered = np.zeros(count, dtype=np.float32)
    if condition.active.any():
        delivered = voice(compose(label, seed, features, condition, bundle, settings), count, bundle)
    samples = soxr.resample(delivered, SAMPLE_RATE_HZ, grid.sample_rate_hz)
    windows = split(grid.latents_for(span.duration_s), grid.window_latents, grid.latents_multiple)
    picture = bundle.mel.log_mel(bundle.mel.picture(torch.from_numpy(samples))).numpy() * _DB_PER_NEPER
    inside = picture.shape[-1] - _PICTURE_SPAN - _REACH
    edges = [e * grid.columns_per_latent for e in edges_of(windows)]
    return Take(
        samples=samples,
        rate_hz=grid.sample_rate_hz,
        edges=[edge for edge in edges if edge <= inside],
        picture_db=picture,
        level_db=loudness_envelope_db(samples, grid.sample_rate_hz, step_s=float(grid.column_s)),
    )


def edges_of(windows: Sequence[Window]) -> list[int]:
    """The latent columns, inside the canvas, at which a window begins or ends."""
    ends = {w.first for w in windows} | {w.first + w.count for w in windows}
    return sorted(ends - {0, max(ends)})


def picture_steps(takes: Sequence[Take]) -> Contrast:
    """Steps of the mel picture at window edges."""
    return _pooled([changes(take.picture_db, _PICTURE_SPAN) for take in takes], takes)


def level_steps(takes: Sequence[Take]) -> Contrast:
    """Steps of the loudness at window edges."""
    return _pooled([changes(take.level_db, _LEVEL_SPAN) for take in takes], takes)


def _pooled(steps: list[NDArray[np.float64]], takes: Sequence[Take]) -> Contrast:
    """All takes as one row of columns, each in units of its own mean step, so that none outweighs the others."""
    offsets = np.cumsum([0, *(len(row) for row in steps)])
    places = [int(offset) + edge for offset, take in zip(offsets, takes, strict=False) for edge in take.edges]
    return contrast(np.concatenate([row / np.nanmean(row) for row in steps]), places, reach=_REACH)


@contextmanager
def flat_weights() -> Iterator[None]:
    """The control: windows averaged with equal weights, whose seams the measures must find."""

    def flat(windows: tuple[Window, ...], columns: int) -> list[Tensor]:
        covering = torch.zeros(columns)
        for window in windows:
            covering[window.columns] += 1
        return [1 / covering[window.columns] for window in windows]

    with mock.patch("pipeline.denoise.hann_weights", flat):
        yield
