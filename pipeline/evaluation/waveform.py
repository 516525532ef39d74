"""A waveform's power in spans of samples: the ground that envelope and onsets stand on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLOOR_DB = -60.0


def power_of(samples: NDArray[np.floating], sample_rate_hz: int) -> NDArray[np.float64]:
    """Power per sample (N,), the mean over channels of the squares, from samples (N,) or (C, N) in -1..1.

    Raises ValueError for another shape (also (N, C), as sound files are read), no samples, a sample that is not
    finite, or a rate that is not positive.
    """
    if sample_rate_hz <= 0:
        raise ValueError(f"a sample rate of {sample_rate_hz} Hz is not positive")
    if samples.ndim not in (1, 2) or samples.size == 0:
        raise ValueError(f"samples of shape {samples.shape} are neither (N,) nor (channels, N)")
    channels = np.atleast_2d(samples).astype(np.float64)
    if channels.shape[0] > channels.shape[1]:
        raise ValueError(f"samples of shape {samples.shape} look like (N, channels): turn them to (channels, N)")
    if not np.isfinite(channels).all():
        raise ValueError("the waveform holds a sample that is not finite")
    power: NDArray[np.float64] = np.square(channels).mean(axis=0)
    return power


def mean_power(power: NDArray[np.float64], edges: NDArray[np.intp]) -> NDArray[np.float64]:
    """Mean power (T,) of the T spans of samples between ascending edges (T + 1,); an empty span has none."""
    total = np.concatenate([[0.0], np.cumsum(power)])
    # Sums that grow over the whole clip leave rounding behind where the sound is silent: never below zero.
    means: NDArray[np.float64] = np.maximum(np.diff(total[edges]), 0.0) / np.maximum(np.diff(edges), 1)
    return means


def to_db(power: NDArray[np.float64], floor_db: float = FLOOR_DB) -> NDArray[np.float64]:
    """Level in dB re full scale (power 1), nowhere below `floor_db`; a full-scale sine has -3 dB."""
    level: NDArray[np.float64] = 10.0 * np.log10(np.maximum(power, 10.0 ** (floor_db / 10.0)))
    return level
