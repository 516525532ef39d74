"""When a sound hits: onsets of a waveform.

The detector looks for a rise of the short-time level over what went before, then places the onset where the energy
crosses half of that rise. Half-way is the middle of a step smeared by any symmetric window, so neither the energy
window here nor a spectrogram's window in a generator moves it; a crossing in decibels would hear the smear too early.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from pipeline.evaluation.waveform import mean_power, power_of, to_db

HOP_S = 0.004
LOOK_BACK_S = 0.064
MIN_GAP_S = 0.1
MIN_RISE_DB = 9.0
MIN_LEVEL_DB = -40.0
_LOOK_BACK = round(LOOK_BACK_S / HOP_S)
# Binomial weights of the six hops around an instant: as steady as a 16 ms box, but a click in it is 8 ms wide, not 16.
_WINDOW = np.array([1, 5, 10, 10, 5, 1]) / 32


def onset_times_s(samples: NDArray[np.floating], sample_rate_hz: int) -> NDArray[np.float64]:
    """Onsets (K,) in s, ascending, of a waveform (N,) or (C, N) at any rate.

    An onset is a rise of 9 dB or more within 64 ms to above -40 dB re full scale (RMS over some 16 ms, every 4 ms); of
    rises closer than 100 ms the strongest counts (heel and toe are one step). A clean hit is placed within 4 ms, a bare
    click up to 7 ms early. A sound already going when the clip begins has no onset there. Raises ValueError as
    `waveform.power_of` does.
    """
    energy = _short_time_energy(samples, sample_rate_hz)
    level = to_db(energy)
    rise = np.where(level > MIN_LEVEL_DB, level - _lowest_before(level), 0.0)
    # A zero on either side lets a rise be a peak in the first and in the last frame.
    peaks, _ = find_peaks(np.pad(rise, 1), height=MIN_RISE_DB, distance=round(MIN_GAP_S / HOP_S))
    return np.array([_half_way_s(energy, int(peak) - 1) for peak in peaks], dtype=np.float64)


def _short_time_energy(samples: NDArray[np.floating], sample_rate_hz: int) -> NDArray[np.float64]:
    """Smoothed power (T,) at each multiple of 4 ms; beyond the ends, the first and the last hop go on."""
    power = power_of(samples, sample_rate_hz)
    hops = max(1, int(len(power) / sample_rate_hz / HOP_S))
    edges = np.minimum(np.rint(np.arange(hops + 1) * HOP_S * sample_rate_hz), len(power)).astype(np.intp)
    per_hop = mean_power(power, edges)
    return np.convolve(np.pad(per_hop, len(_WINDOW) // 2, mode="edge"), _WINDOW, mode="valid")


def _lowest_before(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lowest level (T,) in the 64 ms up to each frame; before the clip, its first level goes on."""
    padded = np.pad(level, (_LOOK_BACK, 0), mode="edge")
    lowest: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(padded, _LOOK_BACK + 1).min(axis=-1)
    return lowest


def _half_way_s(energy: NDArray[np.float64], peak: int) -> float:
    """The instant in s where energy, from its last minimum in the look-back, first crosses half the way to the peak."""
    start = max(0, peak - _LOOK_BACK)
    climb = energy[start : peak + 1]
    lowest = len(climb) - 1 - int(np.argmin(climb[::-1]))
    half = (climb[lowest] + climb[-1]) / 2
    after = lowest + int(np.argmax(climb[lowest:] >= half))
    fraction = (half - climb[after - 1]) / (climb[after] - climb[after - 1])
    return float((start + after - 1 + fraction) * HOP_S)
