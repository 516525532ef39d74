"""Onsets of hits placed at known times: found once each, at the right instant, at every sample rate."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pipeline.evaluation.onsets import onset_times_s

PLACED_S = (0.5013, 1.1307, 1.6099, 2.4502, 3.3)
DURATION_S = 4.096
RATES = (16_000, 44_100, 48_000)
Hit = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def decaying(frequencies_hz: list[int], decay: float) -> Hit:
    return lambda t, rng: sum(np.sin(2 * np.pi * f * t) for f in frequencies_hz) * np.exp(-decay * t)


def noise_burst(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(len(t)) * (t < 0.2)


def footstep(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Heel, then toe 70 ms later: one step."""
    toe = 0.6 * np.exp(-80 * np.abs(t - 0.07)) * (t > 0.05)
    return rng.standard_normal(len(t)) * (np.exp(-60 * t) + toe)


HITS: dict[str, Hit] = {
    "ball bounce": decaying([180], 26),
    "hammer": decaying([1800, 2718, 4014], 9),
    "door": decaying([70], 14),
    "noise burst": noise_burst,
    "footstep": footstep,
    "click": lambda t, rng: 1.0 * (t < 0.0005),
}


def place(
    hit: Hit, rate: int, *, gain: float = 0.3, noise: float = 2e-4, placed_s: Sequence[float] = PLACED_S
) -> np.ndarray:
    rng = np.random.default_rng(0)
    samples = noise * rng.standard_normal(round(DURATION_S * rate))
    for onset_s in placed_s:
        first = int(np.ceil(onset_s * rate))
        samples[first:] += gain * hit(np.arange(len(samples) - first) / rate, rng)
    return samples.astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", HITS)
def test_each_hit_is_found_once_and_on_time(name: str, rate: int) -> None:
    found = onset_times_s(place(HITS[name], rate), rate)
    assert len(found) == len(PLACED_S)
    errors_s = np.abs(found - PLACED_S)
    assert np.median(errors_s) <= 0.006
    assert errors_s.max() <= 0.008


@pytest.mark.parametrize("rate", RATES)
def test_hits_are_found_over_room_tone(rate: int) -> None:
    found = onset_times_s(place(HITS["ball bounce"], rate, noise=0.005), rate)
    assert found == pytest.approx(PLACED_S, abs=0.008)


def test_all_rates_agree() -> None:
    low, middle, high = (onset_times_s(place(HITS["ball bounce"], rate), rate) for rate in RATES)
    assert low == pytest.approx(high, abs=0.001)
    assert middle == pytest.approx(high, abs=0.001)


def test_a_spectrogram_window_smears_a_hit_without_moving_it() -> None:
    rate = 16_000
    window = np.hanning(1024)
    hit = place(HITS["hammer"], rate, noise=0.0)
    power = np.convolve(hit.astype(np.float64) ** 2, window / window.sum(), mode="same")
    smeared = np.sqrt(power) * np.random.default_rng(0).choice([-1.0, 1.0], len(power))
    found = onset_times_s(smeared, rate)
    assert found == pytest.approx(PLACED_S, abs=0.015)
    assert np.median(np.abs(found - PLACED_S)) <= 0.008


@pytest.mark.parametrize("rate", RATES)
def test_steady_sounds_have_no_onset(rate: int) -> None:
    t = np.arange(rate * 2) / rate
    noise = np.random.default_rng(0).standard_normal(len(t))
    for steady in (np.zeros_like(t), 0.2 * np.sin(2 * np.pi * 60 * t), 0.1 * noise, 0.3 * np.exp(-2 * t) * noise):
        assert onset_times_s(steady, rate).shape == (0,)


def test_a_slow_swell_is_not_a_hit() -> None:
    t = np.arange(64_000) / 16_000
    swell = 0.3 * np.sin(np.pi * t / 4) ** 2 * np.random.default_rng(0).standard_normal(len(t))
    assert not len(onset_times_s(swell, 16_000))


def test_a_hit_too_quiet_to_matter_is_not_heard() -> None:
    assert not len(onset_times_s(place(HITS["ball bounce"], 16_000, gain=0.005), 16_000))


def test_loudness_does_not_move_an_onset() -> None:
    loud, soft = (onset_times_s(place(HITS["ball bounce"], 16_000, gain=gain), 16_000) for gain in (0.9, 0.09))
    assert loud == pytest.approx(soft, abs=0.001)


@pytest.mark.parametrize("placed_s", [(0.02,), (DURATION_S - 0.015,)])
def test_hits_near_the_ends_are_found(placed_s: tuple[float, ...]) -> None:
    found = onset_times_s(place(HITS["noise burst"], 16_000, placed_s=placed_s), 16_000)
    assert found == pytest.approx(placed_s, abs=0.008)


def test_a_clip_shorter_than_a_frame_has_none() -> None:
    assert not len(onset_times_s(np.ones(10), 16_000))


def test_channels_are_heard_together() -> None:
    mono = place(HITS["ball bounce"], 16_000)
    assert onset_times_s(np.stack([mono, mono]), 16_000) == pytest.approx(onset_times_s(mono, 16_000))
