"""A good take outranks a bad one, whatever is wrong with the bad one, and a score depends on its take alone."""

import math
import tracemalloc
from dataclasses import astuple, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.finish import to_delivery_rate
from pipeline.records import FoleyClip, TakeScore, TemporalCondition
from pipeline.scoring import longest_gap_s, score_clip, score_take

RATE = 48_000
STEP_S = 0.032


def condition(duration_s: float, *spans_s: tuple[float, float], level_db: float | None = None) -> TemporalCondition:
    times_s: NDArray[np.float64] = (np.arange(math.ceil(duration_s / STEP_S), dtype=np.float64) + 0.5) * STEP_S
    active = np.zeros(len(times_s), dtype=bool)
    for start_s, end_s in spans_s:
        active |= (times_s >= start_s) & (times_s < end_s)
    level = None if level_db is None else np.where(active, level_db, -60).astype(np.float32)
    return TemporalCondition(similarity=active.astype(np.float32), active=active, times_s=times_s, level_db=level)


def sound(duration_s: float, *spans_s: tuple[float, float], gain: float = 0.2) -> NDArray[np.float32]:
    """Noise that sounds in these stretches, with a soft one of -76 dBFS below it."""
    rng = np.random.default_rng(1)
    samples = 1.5e-4 * rng.standard_normal(round(duration_s * RATE))
    times_s = np.arange(len(samples)) / RATE
    for start_s, end_s in spans_s:
        on = (times_s >= start_s) & (times_s < end_s)
        samples[on] += gain * rng.standard_normal(int(on.sum()))
    return samples.astype(np.float32)


def score(samples: NDArray[np.float32], asked: TemporalCondition, **heard: float) -> TakeScore:
    return score_take(samples, RATE, asked, **heard)


ASKED = condition(4, (0.5, 1.5), (2.5, 3.0))
CLEAN = sound(4, (0.5, 1.5), (2.5, 3.0))
WORSE = {
    "clipped": np.clip(8 * CLEAN, -1, 1),
    "clipped, then delivered": to_delivery_rate(np.clip(40 * CLEAN, -20, 20), RATE, len(CLEAN)),
    "silent": np.zeros_like(CLEAN),
    "noise floor alone": sound(4),
    "at the wrong times": sound(4, (1.5, 2.5), (3.2, 4.0)),
    "late": sound(4, (0.9, 1.9), (2.9, 3.4)),
    "always on": sound(4, (0, 4)),
    "the second half missing": sound(4, (0.5, 1.5)),
    "with DC": CLEAN + np.float32(0.1),
    "with DC that comes and goes": CLEAN + np.repeat(np.array([0.1, -0.1, 0.1, -0.1], np.float32), RATE),
    "one click": np.eye(1, len(CLEAN), RATE, dtype=np.float32)[0],
}


@pytest.mark.parametrize("worse", WORSE.values(), ids=WORSE.keys())
def test_a_clean_take_beats_a_bad_one(worse: NDArray[np.float32]) -> None:
    good, bad = score(CLEAN, ASKED), score(worse, ASKED)
    assert good.total > 0.97
    assert bad.total < good.total - 0.1


def test_each_fault_is_told_by_its_own_measure() -> None:
    assert score(CLEAN, ASKED) == TakeScore(total=score(CLEAN, ASKED).total, presence=score(CLEAN, ASKED).presence)
    assert score(WORSE["silent"], ASKED) == TakeScore(total=0, presence=0, silent=1)
    assert score(WORSE["noise floor alone"], ASKED).silent == 1
    assert score(WORSE["clipped"], ASKED).clipping > 0.1
    assert score(WORSE["clipped, then delivered"], ASKED).clipping > 0.1
    assert score(WORSE["with DC"], ASKED).offset == pytest.approx(0.1 / math.hypot(0.1, CLEAN.std()), abs=0.01)
    assert score(WORSE["with DC that comes and goes"], ASKED).offset > 0.5
    # Half of what sounds is right, and half of what is wanted is there.
    half = score(sound(4, (0, 1)), condition(4, (0.5, 1.5)))
    assert half.presence == pytest.approx(0.5, abs=0.03)


def test_a_loud_sound_is_not_a_clipped_one() -> None:
    times_s = np.arange(4 * RATE) / RATE
    for frequency_hz in (50, 440):
        tone = np.sin(2 * np.pi * frequency_hz * times_s).astype(np.float32)
        for loud in (0.99 * tone, to_delivery_rate(0.99 * tone, RATE, len(tone))):
            assert score(loud, condition(4, (0, 4))).clipping == 0


def test_a_label_that_sounds_throughout_is_judged_as_well() -> None:
    always = condition(4, (0, 4))
    assert score(sound(4, (0, 4)), always).total == 1
    assert score(sound(4, (0, 2)), always).presence == pytest.approx(2 / 3, abs=0.01)


def test_where_nothing_is_wanted_silence_is_right() -> None:
    never = condition(2)
    assert score(np.zeros(2 * RATE, np.float32), never) == TakeScore(total=1, presence=1)
    assert score(sound(2, (0, 1)), never).total == 0


def test_the_wanted_loudness_counts_where_the_detector_tells_it() -> None:
    right_db = 20 * math.log10(0.2)
    asked = condition(4, (0.5, 1.5), (2.5, 3.0), level_db=right_db)
    near, far = score(CLEAN, asked), score(CLEAN * np.float32(10 ** (-12 / 20)), asked)
    assert near.level == pytest.approx(1, abs=0.03)
    assert far.level == pytest.approx(1 - 12 / 30, abs=0.03)
    assert near.total > far.total + 0.05
    assert score(CLEAN, ASKED).level is None
    assert score(CLEAN, condition(4, level_db=right_db)).level is None


def test_what_a_listener_says_counts_and_what_it_does_not_know_does_not() -> None:
    sure, unsure = score(CLEAN, ASKED, label_agreement=0.95), score(CLEAN, ASKED, label_agreement=0.3)
    assert (sure.label, unsure.label) == (0.95, 0.3)
    assert sure.total - unsure.total == pytest.approx(0.65 * 3 / 8, abs=1e-4)
    talking = score(CLEAN, ASKED, label_agreement=0.95, speech=0.5, music=0.2)
    assert (talking.speech, talking.music) == (0.5, 0.2)
    assert talking.total == pytest.approx(sure.total * 0.5 * 0.8, abs=0.001)
    unknown = score(CLEAN, ASKED)
    assert (unknown.label, unknown.speech, unknown.music) == (None, None, None)


@pytest.mark.parametrize("count", [0, 1, 2, 479, 481, 19_200, 48_001])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, math.nan, math.inf, -math.inf])
def test_no_length_and_no_value_makes_a_nan(count: int, value: float) -> None:
    samples = np.full(count, value, dtype=np.float32)
    for asked in (condition(1, (0, 1), level_db=-20), condition(1), replace(ASKED, level_db=np.full(125, np.nan))):
        told = [number for number in astuple(score(samples, asked)) if number is not None]
        assert all(0 <= number <= 1 for number in told)


def test_other_rates_frames_and_leftovers_change_nothing_that_counts() -> None:
    for rate_hz in (16_000, 44_100, 48_000):
        rng = np.random.default_rng(0)
        on = (np.arange(round(2.345 * rate_hz)) / rate_hz >= 1.0).astype(np.float32)
        samples = on * rng.uniform(-0.5, 0.5, len(on)).astype(np.float32)
        assert score_take(samples, rate_hz, condition(2.5, (1, 2.5))).presence > 0.97


def test_ten_minutes_are_scored_in_bounded_memory_like_their_parts() -> None:
    minute = np.tile(CLEAN, 15)
    asked = condition(4, (0.5, 1.5), (2.5, 3.0))
    long = replace(
        asked,
        similarity=np.tile(asked.similarity, 150),
        active=np.tile(asked.active, 150),
        times_s=(np.arange(125 * 150) + 0.5).astype(np.float64) * STEP_S,
    )
    samples = np.tile(minute, 10)
    tracemalloc.start()
    whole = score(samples, long)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.5 * samples.nbytes
    assert whole.total == pytest.approx(score(CLEAN, ASKED).total, abs=0.001)


def test_a_run_at_full_scale_is_counted_wherever_the_blocks_part() -> None:
    samples = np.zeros(11 * RATE, np.float32)
    for edge in (10 * RATE - 2, 10 * RATE - 1):
        samples[:] = 0
        samples[edge : edge + 3000] = 1.0
        assert score(samples, condition(11, (9, 11))).clipping == round(3000 / len(samples), 4)
    samples[:] = 0
    samples[::2] = 1.0
    assert score(samples, condition(11, (0, 11))).clipping == 0


class _Parrot:
    """Knows one label, and hears a little speech in everything."""

    def label_agreement(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> float | None:
        return 0.75 if label == "rain" and samples.ndim == 1 and rate_hz == RATE else None

    def speech(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> float | None:
        return 0.25

    def music(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> float | None:
        return None


def test_a_take_is_judged_by_who_listens() -> None:
    clip = FoleyClip(samples=np.stack([CLEAN, CLEAN]), sample_rate_hz=RATE)
    assert score_clip(clip, ASKED, "rain", _Parrot()) == score(CLEAN, ASKED, label_agreement=0.75, speech=0.25)
    assert score_clip(clip, ASKED, "wind", _Parrot()) == score(CLEAN, ASKED, speech=0.25)


def test_a_gap_is_where_a_take_is_silent_and_was_to_be_loud() -> None:
    asked = condition(4, (0.5, 3.5), level_db=-24)
    assert longest_gap_s(sound(4, (0.5, 3.5)), RATE, asked) <= 0.04
    assert longest_gap_s(sound(4, (0.5, 1.5), (2.1, 3.2)), RATE, asked) == pytest.approx(0.6, abs=0.05)
    assert longest_gap_s(sound(4), RATE, asked) > 0.2


def test_what_was_to_be_quiet_or_has_no_level_has_no_gap() -> None:
    asked = condition(4, (0.5, 3.5), level_db=-24)
    fading = replace(asked, level_db=np.where(asked.times_s < 2, -24, -50).astype(np.float32))
    taken = sound(4, (0.5, 2))
    assert longest_gap_s(taken, RATE, asked) > 1
    assert longest_gap_s(taken, RATE, fading) <= 0.06
    assert longest_gap_s(taken, RATE, replace(asked, level_db=None)) == 0
    assert longest_gap_s(taken, RATE, condition(4, level_db=-24)) == 0
