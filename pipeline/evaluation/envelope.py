"""How loud a sound is over time: loudness envelopes, how well two agree, and presence read from one.

Correlation is Pearson's over decibels clamped to -58..0 dB: under -58 dB lies the noise of silence, whose wiggles must
not count. A correlation with a flat truth is undefined (NaN); a flat generated sound follows nothing (0).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.clips import NumberClips, PresenceClips, check_paired, number_clips, presence_clips
from pipeline.evaluation.waveform import FLOOR_DB, mean_power, power_of, to_db

STEP_S = 0.064
AUDIBLE_DB = (-58.0, 0.0)
FLAT_TRUTH_DB = 1.5
FLAT_PRESENT_TRUTH_DB = 2.0
FLAT_GENERATED_DB = 0.3
PRESENT_FRAMES = 12
PRESENT_S = PRESENT_FRAMES * STEP_S


def loudness_envelope_db(
    samples: NDArray[np.floating], sample_rate_hz: int, *, step_s: float = STEP_S, floor_db: float = FLOOR_DB
) -> NDArray[np.float64]:
    """RMS level per frame, (T,) in dB re full scale, from samples (N,) or (C, N); frame k is [k, k + 1) * step_s.

    T = round(N / frame length), at least 1: what is left over joins the last frame, half a frame or more is a frame.
    Edges are rounded from absolute times, so that frames neither drift nor overlap. Raises ValueError for a step
    shorter than a sample and for samples that `waveform.power_of` refuses.
    """
    power = power_of(samples, sample_rate_hz)
    frame_samples = step_s * sample_rate_hz
    if frame_samples < 1:
        raise ValueError(f"a step of {step_s} s is shorter than a sample at {sample_rate_hz} Hz")
    count = max(1, int(len(power) / frame_samples + 0.5))
    edges = np.rint(np.arange(count + 1) * frame_samples).astype(np.intp)
    edges[-1] = len(power)
    return to_db(mean_power(power, edges), floor_db)


def envelope_correlation(generated_db: NDArray[np.floating], true_db: NDArray[np.floating]) -> float:
    """How well one clip's loudness follows the truth's, -1..1, from two envelopes (T,) in dB.

    NaN when the truth is flat (std < 1.5 dB): there is nothing to follow. 0 when the generated is flat (std <= 0.3 dB).
    Raises ValueError when the envelopes differ in length.
    """
    generated, true = _audible_pair(generated_db, true_db)
    return float("nan") if true.std() < FLAT_TRUTH_DB else _correlation(generated, true)


def level_correlation(
    generated_db: NDArray[np.floating],
    true_db: NDArray[np.floating],
    present: NDArray[np.bool_],
    *,
    step_s: float = STEP_S,
) -> float:
    """How well one clip's loudness follows the truth's while the truth sounds, -1..1, from (T,), (T,) and bool (T,).

    Switching on and off in the right places earns nothing here: this measures the swell of a pass-by. NaN unless the
    truth sounds for more than 0.768 s (12 frames of 64 ms) and its level varies (std > 2 dB); 0 when the generated is
    flat there. Raises ValueError when the three differ in length.
    """
    generated, true = _audible_pair(generated_db, true_db)
    inside = presence_clips([present], "true presence")[0]
    check_paired([inside], [true], "true presence and true envelope")
    if inside.sum() * step_s <= PRESENT_S or true[inside].std() <= FLAT_PRESENT_TRUTH_DB:
        return float("nan")
    return _correlation(generated[inside], true[inside])


def envelope_error_db(generated_db: NDArray[np.floating], true_db: NDArray[np.floating]) -> float:
    """Mean absolute difference of one clip's two envelopes (T,), in dB after clamping to -58..0 dB."""
    generated, true = _audible_pair(generated_db, true_db)
    return float(np.abs(generated - true).mean())


def presence_from_envelope(envelope_db: NDArray[np.floating], threshold_db: float) -> NDArray[np.bool_]:
    """Where a sound is heard, bool with the envelope's shape: louder than the threshold."""
    return np.asarray(envelope_db) > threshold_db


def best_threshold(true_envelopes_db: NumberClips, truth: PresenceClips, *, floor_db: float = FLOOR_DB) -> float:
    """The level in dB that parts presence from absence best in TRUE audio, from envelopes and presence (T_b,) each.

    Best is the highest frame F1 pooled over clips, over every threshold that exists; it lies half way between the
    levels that it parts and always above the floor, so that silence is never present. Choosing it on true audio keeps
    a generated sound from picking its own threshold. Raises ValueError when no frame is present or all is silent.
    """
    levels, present = number_clips(true_envelopes_db, "true envelopes"), presence_clips(truth, "true presence")
    check_paired(levels, present, "true envelopes and true presence")
    level, sounds = np.maximum(np.concatenate(levels), floor_db), np.concatenate(present)
    order = np.argsort(-level, kind="stable")
    level, sounds = level[order], sounds[order]
    below = np.append(level[1:], floor_db)
    cuts = np.flatnonzero(level > below)
    if not len(cuts) or not sounds.any():
        raise ValueError("no threshold can be chosen: the true audio is silent, or none of its frames is present")
    f1 = 2.0 * np.cumsum(sounds)[cuts] / (cuts + 1 + sounds.sum())
    best = cuts[np.argmax(f1)]
    return float((level[best] + below[best]) / 2)


def _audible_pair(
    generated_db: NDArray[np.floating], true_db: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    generated = number_clips([generated_db], "generated envelope")
    true = number_clips([true_db], "true envelope")
    check_paired(generated, true, "generated and true envelope")
    if not len(true[0]):
        raise ValueError("the envelopes hold no frame")
    return np.clip(generated[0], *AUDIBLE_DB), np.clip(true[0], *AUDIBLE_DB)


def _correlation(generated: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    if generated.std() <= FLAT_GENERATED_DB:
        return 0.0
    return float(np.mean((generated - generated.mean()) * (true - true.mean())) / (generated.std() * true.std()))
