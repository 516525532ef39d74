"""A sound at a glance: how loud which pitch is when, small enough to be drawn. For people, not for networks."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from pipeline.errors import OutputError

LOWEST_HZ, HIGHEST_HZ = 60.0, 16_000.0
_WINDOW = 2048
_QUIETEST_DB, _LOUDEST_DB = -90.0, -20.0


def spectrogram(wav: Path, columns: int, rows: int) -> NDArray[np.float64]:
    """Loudness 0..1 (rows, columns) of a sound file: time goes right, pitch goes up in equal steps of an ear's scale.

    Raises OutputError when the file cannot be read.
    """
    try:
        samples, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise OutputError(f"The take {wav} cannot be read ({error}): make the take again.") from error
    frames = _windows(samples.mean(axis=1), columns) * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / (_WINDOW / 4) ** 2
    bins = np.minimum(_pitches(rows + 1) * _WINDOW / rate, power.shape[1] - 1).astype(int)
    loudest = np.stack([power[:, low : max(high, low + 1)].max(axis=1) for low, high in pairwise(bins)])
    loud_db = 10 * np.log10(np.maximum(loudest[::-1], 1e-12))
    return np.clip((loud_db - _QUIETEST_DB) / (_LOUDEST_DB - _QUIETEST_DB), 0, 1)


def place_of(pitch_hz: float) -> float:
    """How far up a pitch lies, 0..1."""
    return float(np.log(pitch_hz / LOWEST_HZ) / np.log(HIGHEST_HZ / LOWEST_HZ))


def _pitches(count: int) -> NDArray[np.float64]:
    return np.geomspace(LOWEST_HZ, HIGHEST_HZ, count)


def _windows(samples: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """One window in the middle of each column, (columns, window); a short sound is filled with silence."""
    middles = (np.arange(columns) + 0.5) * len(samples) / columns
    padded = np.pad(samples, _WINDOW // 2)
    starts = np.minimum(middles.astype(int), max(0, len(padded) - _WINDOW))
    return np.stack([np.pad(padded[at : at + _WINDOW], (0, max(0, at + _WINDOW - len(padded)))) for at in starts])
