"""Loudness envelopes of known waveforms, and what counts as following the truth."""

import math
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.envelope import (
    best_threshold,
    envelope_correlation,
    envelope_error_db,
    level_correlation,
    loudness_envelope_db,
    presence_from_envelope,
)
from pipeline.evaluation.presence import frame_f1

RAMP = np.linspace(-50.0, -10.0, 64)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_full_scale_sine_has_minus_three_db(rate: int) -> None:
    sine = np.sin(2 * np.pi * 1000 * np.arange(round(4.096 * rate)) / rate)
    envelope = loudness_envelope_db(sine, rate)
    assert envelope.shape == (64,)
    assert envelope == pytest.approx(-3.01, abs=0.05)


def test_silence_lies_on_the_floor_it_is_given() -> None:
    silence = np.zeros(16_000, np.float32)
    assert (loudness_envelope_db(silence, 16_000) == -60.0).all()
    assert (loudness_envelope_db(silence, 16_000, floor_db=-90.0) == -90.0).all()


def test_frames_do_not_drift_over_a_long_clip() -> None:
    rate, step_s = 44_100, 0.0333
    clip = np.zeros(rate * 60)
    clip[round(1500 * step_s * rate) : round(1501 * step_s * rate)] = 1.0
    assert np.flatnonzero(loudness_envelope_db(clip, rate, step_s=step_s) > -60).tolist() == [1500]


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (64, 1), (95, 1), (96, 2), (128, 2), (129, 2)])
def test_what_is_left_over_joins_the_last_frame(samples: int, frames: int) -> None:
    assert loudness_envelope_db(np.ones(samples), 1000).shape == (frames,)


def test_channels_share_their_power() -> None:
    left_only = np.stack([np.ones(640), np.zeros(640)])
    assert loudness_envelope_db(left_only, 1000) == pytest.approx(-3.01, abs=0.01)


def test_a_step_shorter_than_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than a sample"):
        loudness_envelope_db(np.ones(10), 8, step_s=0.1)


@given(st.floats(0.2, 1.0), st.integers(0, 2**32 - 1))
def test_a_quieter_copy_follows_perfectly(gain: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = rng.standard_normal(8192) * np.linspace(0.05, 0.3, 8192)
    envelopes = [loudness_envelope_db(x, 16_000, step_s=0.016) for x in (gain * true, true)]
    assert envelope_correlation(*envelopes) == pytest.approx(1.0)


def test_the_opposite_follows_backwards() -> None:
    assert envelope_correlation(RAMP[::-1], RAMP) == pytest.approx(-1.0)


def test_a_flat_truth_leaves_nothing_to_follow() -> None:
    assert math.isnan(envelope_correlation(RAMP, np.full(64, -20.0)))
    assert math.isnan(envelope_correlation(RAMP, np.full(64, -60.0)))


def test_silence_follows_nothing() -> None:
    assert envelope_correlation(np.full(64, -60.0), RAMP) == 0.0


def test_wiggles_under_the_audible_do_not_count() -> None:
    whisper = np.where(np.arange(64) % 2, -59.9, -58.1)
    assert envelope_correlation(whisper, RAMP) == 0.0
    assert math.isnan(envelope_correlation(RAMP, whisper))


def test_envelope_error_is_taken_after_clamping() -> None:
    assert envelope_error_db(np.array([-60.0, -10.0]), np.array([-90.0, -16.0])) == pytest.approx(3.0)


@pytest.mark.parametrize("measure", [envelope_correlation, envelope_error_db])
def test_envelopes_of_different_length_are_refused(measure: Callable[[np.ndarray, np.ndarray], float]) -> None:
    with pytest.raises(ValueError, match="differ in frames"):
        measure(RAMP, RAMP[1:])


def test_empty_envelopes_are_refused() -> None:
    with pytest.raises(ValueError, match="no frame"):
        envelope_correlation(np.zeros(0), np.zeros(0))


def test_level_correlation_looks_inside_presence_only() -> None:
    present = np.arange(64) < 20
    opposite_outside = np.where(present, RAMP - 6, RAMP[::-1])
    assert level_correlation(opposite_outside, RAMP, present) == pytest.approx(1.0)


def test_switching_on_and_off_earns_no_level_correlation() -> None:
    present = np.arange(64) >= 32
    switched = np.where(present, -20.0, -60.0)
    assert envelope_correlation(switched, RAMP) > 0.8
    assert level_correlation(switched, RAMP, present) == 0.0


@pytest.mark.parametrize(("frames", "defined"), [(12, False), (13, True)])
def test_level_correlation_needs_more_than_twelve_frames(frames: int, defined: bool) -> None:
    level = level_correlation(RAMP, RAMP, np.arange(64) < frames)
    assert math.isnan(level) != defined


def test_level_correlation_needs_a_truth_that_varies() -> None:
    steady = -20.0 + np.where(np.arange(64) % 2, 1.9, -1.9)
    assert math.isnan(level_correlation(RAMP, steady, np.ones(64, bool)))


def test_the_threshold_parts_presence_from_absence() -> None:
    envelopes = [np.array([-60.0, -20.0, -44.0]), np.array([-30.0, -50.0])]
    truth = [np.array([False, True, False]), np.array([True, False])]
    threshold = best_threshold(envelopes, truth)
    assert threshold == pytest.approx(-37.0)
    assert frame_f1([presence_from_envelope(e, threshold) for e in envelopes], truth) == 1.0


def test_silence_is_never_present_even_when_the_truth_always_sounds() -> None:
    threshold = best_threshold([np.array([-40.0, -20.0])], [np.array([True, True])])
    assert threshold == pytest.approx(-50.0)
    assert not presence_from_envelope(np.array([-60.0]), threshold).any()


@pytest.mark.parametrize(("level", "sounds"), [(-20.0, False), (-60.0, True)])
def test_no_threshold_without_a_present_frame_or_a_sound(level: float, sounds: bool) -> None:
    with pytest.raises(ValueError, match="no threshold"):
        best_threshold([np.full(4, level)], [np.full(4, sounds)])


@given(st.lists(st.tuples(st.integers(-59, 0), st.booleans()), min_size=1, max_size=20), st.randoms())
def test_no_other_threshold_is_better_and_clip_order_does_not_matter(
    frames: list[tuple[int, bool]], random: Random
) -> None:
    if not any(sounds for _, sounds in frames):
        return
    levels = [np.array([float(level)]) for level, _ in frames]
    truth = [np.array([sounds]) for _, sounds in frames]
    threshold = best_threshold(levels, truth)
    best = frame_f1([e > threshold for e in levels], truth)
    assert best == pytest.approx(max(frame_f1([e > t for e in levels], truth) for t in np.arange(-60, 0) + 0.5))
    order = random.sample(range(len(frames)), len(frames))
    assert best_threshold([levels[i] for i in order], [truth[i] for i in order]) == threshold
