"""Silence is digital where nothing sounds, and what a person said holds to the sample."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.records import SAMPLE_RATE_HZ, TemporalCondition
from pipeline.silence import finished as finished_channels

STEP_S = 0.064
Sound = NDArray[np.float32]


def finished(take: NDArray[np.float32], when: TemporalCondition) -> NDArray[np.float32]:
    """Of one channel."""
    return finished_channels(take[None], when)[0]


def noise(seconds: float, level_db: float, seed: int = 0) -> Sound:
    count = round(seconds * SAMPLE_RATE_HZ)
    sound = np.random.default_rng(seed).standard_normal(count) * 10 ** (level_db / 20)
    return sound.astype(np.float32)


def condition(
    *on: tuple[float, float], seconds: float = 2.0, spans_s: tuple[tuple[Fraction, Fraction], ...] | None = None
) -> TemporalCondition:
    times_s: NDArray[np.float64] = (np.arange(round(seconds / STEP_S), dtype=np.float64) + 0.5) * STEP_S
    active = np.zeros(len(times_s), bool)
    for start_s, end_s in on:
        active |= (times_s >= start_s) & (times_s < end_s)
    return TemporalCondition(similarity=active.astype(np.float32), active=active, times_s=times_s, spans_s=spans_s)


def loudest_db(sound: Sound) -> float:
    return float(20 * np.log10(max(np.abs(sound).max(initial=0.0), 1e-9)))


def level_db(sound: Sound) -> float:
    return float(10 * np.log10(max(float(np.mean(sound**2)), 1e-18)))


def at(sound: Sound, first_s: float, end_s: float) -> Sound:
    return sound[round(first_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)]


def test_hiss_becomes_digital_silence_and_the_sound_stays_bit_for_bit() -> None:
    hiss, sound = noise(2.0, -60), noise(2.0, -20, seed=1)
    take = hiss.copy()
    take[24_000:48_000] = sound[24_000:48_000]
    made = finished(take, condition((0.5, 1.0)))
    assert np.all(at(made, 0, 0.48) == 0) and np.all(at(made, 1.03, 2.0) == 0)
    np.testing.assert_array_equal(at(made, 0.5, 1.0), at(take, 0.5, 1.0))
    # It opens and closes over 10 ms, inside the hiss.
    assert 0 < level_db(at(made, 0.49, 0.4999)) + 75 < 20


def test_a_decay_that_outlasts_the_condition_is_kept() -> None:
    times_s = np.arange(96_000) / SAMPLE_RATE_HZ
    ring = (noise(2.0, -10) * np.exp(-times_s / 0.12)).astype(np.float32)
    made = finished(ring, condition((0.0, 0.1)))
    kept_s = float(np.flatnonzero(made).max()) / SAMPLE_RATE_HZ
    assert 0.5 < kept_s < 0.7
    np.testing.assert_array_equal(at(made, 0, 0.5), at(ring, 0, 0.5))


def test_a_pause_between_two_hits_is_silent_though_the_condition_is_on() -> None:
    take = np.concatenate([noise(0.3, -20), noise(0.5, -62), noise(0.3, -20), noise(0.9, -62)])
    made = finished(take, condition((0.0, 1.1)))
    assert np.all(at(made, 0.33, 0.77) == 0)
    assert level_db(at(made, 0.82, 1.08)) > -21


def test_a_quiet_ambience_is_no_hiss() -> None:
    take = noise(2.0, -50)
    np.testing.assert_array_equal(finished(take, condition((0.0, 2.0))), take)


def test_outside_a_named_stretch_there_is_nothing_and_inside_everything() -> None:
    take = noise(2.0, -12)
    spans = ((Fraction(1001 * 10, 24000), Fraction(1001 * 20, 24000)), (Fraction(3, 2), Fraction(7, 4)))
    made = finished(take, condition((0.4, 0.9), (1.5, 1.75), spans_s=spans))
    edges = [(round(first * SAMPLE_RATE_HZ), round(end * SAMPLE_RATE_HZ)) for first, end in spans]
    outside = np.ones(len(take), bool)
    for first, end in edges:
        outside[first:end] = False
        np.testing.assert_array_equal(made[first + 480 : end - 480], take[first + 480 : end - 480])
        assert max(abs(made[first]), abs(made[end - 1])) < 10 ** (-50 / 20)
    assert np.all(made[outside] == 0)


def test_a_hit_on_the_edge_of_a_named_stretch_is_not_faded() -> None:
    take = np.zeros(96_000, np.float32)
    take[24_000:30_000] = noise(0.125, -12)
    made = finished(take, condition((0.5, 1.0), spans_s=((Fraction(1, 2), Fraction(1)),)))
    np.testing.assert_array_equal(made[24_000:30_000], take[24_000:30_000])


@pytest.mark.parametrize("level", [-44.0, -52.0, -65.0])
def test_every_named_stretch_can_be_heard(level: float) -> None:
    take = noise(2.0, level)
    take[:24_000] = noise(0.5, -15)
    spans = ((Fraction(1, 4), Fraction(1, 2)), (Fraction(1), Fraction(3, 2)))
    made = finished(take, condition((0.25, 0.5), (1.0, 1.5), spans_s=spans))
    assert level_db(at(made, 1.2, 1.22)) > -40
    np.testing.assert_array_equal(at(made, 0.27, 0.48), at(take, 0.27, 0.48))


def test_an_ordered_sound_that_is_not_seen_can_be_heard_somewhere() -> None:
    unseen = condition((0.0, 2.0))
    quiet = TemporalCondition(similarity=unseen.similarity, active=unseen.active, times_s=unseen.times_s, unseen=True)
    assert level_db(finished(noise(2.0, -50), quiet)) > -40


def test_nothing_comes_of_nothing() -> None:
    silent = np.zeros(4800, np.float32)
    assert loudest_db(finished(silent, condition((0.0, 0.1), seconds=0.1))) < -100


def test_channels_are_switched_together_by_what_sounds_in_any_of_them() -> None:
    hiss = noise(2.0, -70)
    take = np.stack([hiss, hiss])
    take[1, SAMPLE_RATE_HZ // 2 : SAMPLE_RATE_HZ] = noise(0.5, -20)
    made = finished_channels(take, condition((0.5, 1.0)))
    assert made.shape == take.shape
    np.testing.assert_array_equal(made[:, 30_000:40_000], take[:, 30_000:40_000])
    assert not made[:, :20_000].any() and not made[:, 60_000:].any()
