"""Sounds whose samples are exact in 24 bits, and what a WAV file holds of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray


def noise(count: int, *, channels: int = 1, seed: int = 0, level: float = 0.5) -> NDArray[np.float32]:
    """Noise float32 (channels, count) below `level`, each value a multiple of 2**-23."""
    limit = round(level * 2**23)
    values = np.random.default_rng(seed).integers(-limit, limit, (channels, count))
    return (values / 2**23).astype(np.float32)


def stored(path: Path) -> NDArray[np.float32]:
    """The samples of a WAV file, float32 (channels, count)."""
    samples, _rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(samples.T, np.float32)
