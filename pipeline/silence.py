"""Digital silence where nothing is to sound: the hiss of a generator would switch on and off with its clip.

    condition   ____######____##########__
    take        ~~~~@@@@@@@.~~@@@~~~~@@@.~~     ~ hiss, . a decay that goes on longer than the condition
    finished    ____@@@@@@@.__@@@____@@@.__

Stretches that a person named hold to the sample, and what they hold can be heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipeline.edges import ONSET_CONTEXT_SAMPLES, SHORT_FADE_SAMPLES, first_onset
from pipeline.finish import mixed
from pipeline.records import SAMPLE_RATE_HZ, TemporalCondition

_BLOCK = SAMPLE_RATE_HZ // 100
# RMS of 10 ms below which nothing sounds, where the condition is off and where it is on; the bundled model's hiss
# lies at -56 to -68.
_HISS_DB, _HISS_WHILE_ON_DB = -50.0, -56.0
_SHORTEST_SILENCE_BLOCKS = 5  # a pause inside a sound is not cut out
# A named stretch is heard when its loudest 20 ms reach the first level; one that does not is raised to the second.
_AUDIBLE_DB, _RAISED_DB = -38.0, -30.0
_AUDIBLE_BLOCK = SAMPLE_RATE_HZ // 50
_MOST_GAIN_DB = 40.0


def finished(samples: NDArray[np.float32], condition: TemporalCondition) -> NDArray[np.float32]:
    """A take (C, N) at SAMPLE_RATE_HZ as it is kept: silent where nothing sounds, or outside the stretches that a
    person named, each of which is made to be heard. All channels are switched together."""
    gated = samples * _gate(samples, condition)
    count = samples.shape[1]
    spans = [(0, count)] if condition.unseen else _in_samples(condition.spans_s, count)
    if spans is None:
        return gated
    kept = np.zeros_like(samples)
    for first, end in spans:
        heard = _faded(gated, first, end)
        kept[:, first:end] = heard if _loudest_db(heard) >= _AUDIBLE_DB else _raised(_faded(samples, first, end))
    return kept


def _in_samples(spans_s: Sequence[tuple[Fraction, Fraction]] | None, count: int) -> list[tuple[int, int]] | None:
    if spans_s is None:
        return None
    edges = [(round(first_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ)) for first_s, end_s in spans_s]
    inside = [(max(0, first), min(count, end)) for first, end in edges]
    return [(first, end) for first, end in inside if first < end]


def _faded(samples: NDArray[np.float32], first: int, end: int) -> NDArray[np.float32]:
    """Samples [first, end) of a take with a short fade at each edge inside it; a fade-in ends before an onset."""
    sound = samples[:, first:end].copy()
    count = end - first
    length = min(SHORT_FADE_SAMPLES, count // 2)
    if first > 0:
        start = max(0, first - ONSET_CONTEXT_SAMPLES)
        onset = first_onset(mixed(samples[:, start : first + length]), first - start)
        rising = length if onset is None else onset - (first - start)
        sound[:, :rising] *= np.linspace(0, 1, rising, endpoint=False, dtype=np.float32)
    if end < samples.shape[1]:
        sound[:, count - length :] *= np.linspace(1, 0, length, endpoint=False, dtype=np.float32)
    return sound


def _raised(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sound (C, N) raised so that it can be heard, by 40 dB at most."""
    raised = sound * 10 ** (min(_MOST_GAIN_DB, _RAISED_DB - _loudest_db(sound)) / 20)
    return np.clip(raised, -1, 1).astype(np.float32)


def _loudest_db(sound: NDArray[np.float32]) -> float:
    return max(_levels_db(sound, _AUDIBLE_BLOCK), default=-np.inf)


def _gate(samples: NDArray[np.float32], condition: TemporalCondition) -> NDArray[np.float32]:
    """The gain (N,) that leaves what is louder than hiss. Fades lie in the hiss."""
    levels_db = np.array(list(_levels_db(samples, _BLOCK)))
    middles_s = (np.arange(len(levels_db)) + 0.5) * _BLOCK / SAMPLE_RATE_HZ
    quiet = levels_db < np.where(_active_at(condition, middles_s), _HISS_WHILE_ON_DB, _HISS_DB)
    count = samples.shape[1]
    gain = np.ones(count, np.float32)
    for first, end in _runs(quiet):
        if end - first >= _SHORTEST_SILENCE_BLOCKS:
            begin, stop = first * _BLOCK, min(end * _BLOCK, count)
            gain[begin:stop] = _closed(stop - begin, from_start=begin == 0, to_end=stop == count)
    return gain


def _closed(count: int, *, from_start: bool, to_end: bool) -> NDArray[np.float32]:
    """The gain of a silence of `count` samples, open only over a short fade at each edge that lies inside the take."""
    gain = np.zeros(count, np.float32)
    length = min(SHORT_FADE_SAMPLES, count // 2)
    ramp = np.linspace(1, 0, length, endpoint=False, dtype=np.float32)
    if not from_start:
        gain[:length] = ramp
    if not to_end:
        gain[count - length :] = ramp[::-1]
    return gain


def _active_at(condition: TemporalCondition, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the condition is on at times (B,); beyond its end its last value holds."""
    if not len(condition.active):
        return np.zeros(len(times_s), bool)
    steps = np.minimum((times_s / float(condition.step_s)).astype(int), len(condition.active) - 1)
    return np.asarray(condition.active[steps])


def _levels_db(samples: NDArray[np.float32], block: int) -> Iterable[float]:
    """RMS over all channels of each block in dBFS; the last takes what is left over."""
    for first in range(0, samples.shape[1], block):
        power = float(np.mean(samples[:, first : first + block].astype(np.float64) ** 2))
        yield 10 * np.log10(max(power, 1e-20))


def _runs(flags: NDArray[np.bool_]) -> Iterable[tuple[int, int]]:
    """The stretches [first, end) in which flags (B,) are set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
