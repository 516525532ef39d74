"""Intervals: coverage, pairing, pooled statistics and what is undefined."""

import math
from typing import Any

import numpy as np
import pytest

from pipeline.evaluation.bootstrap import Interval, bootstrap_interval, clip_mean, paired_difference
from pipeline.evaluation.presence import frame_counts


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    data = seeded(1).standard_normal((150, 40))
    intervals = [
        bootstrap_interval(clip_mean(row), clip_count=40, rng=seeded(i), resamples=200, confidence=0.9)
        for i, row in enumerate(data)
    ]
    covered = np.mean([i.low <= 0.0 <= i.high for i in intervals])
    assert 0.82 <= covered <= 0.96


def test_the_interval_is_as_wide_as_theory_says() -> None:
    values = seeded(2).standard_normal(400)
    interval = bootstrap_interval(clip_mean(values), clip_count=400, rng=seeded())
    assert interval.value == pytest.approx(values.mean())
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_a_seed_decides_the_interval() -> None:
    values = seeded(3).random(20)
    first, again, other = (bootstrap_interval(clip_mean(values), clip_count=20, rng=seeded(s)) for s in (5, 5, 6))
    assert first == again != other


def test_pooled_measures_are_pooled_anew() -> None:
    truth = seeded(4).random((30, 16)) < 0.5
    predicted = truth ^ (seeded(5).random((30, 16)) < 0.1)
    counts = frame_counts(predicted, truth)
    interval = bootstrap_interval(lambda clips: counts.of(clips).f1, clip_count=30, rng=seeded())
    assert interval.value == counts.f1
    assert interval.low < counts.f1 < interval.high


def test_pairing_removes_what_is_hard_for_both() -> None:
    difficulty = seeded(6).standard_normal(40) * 10
    first, second = clip_mean(difficulty + 1.0), clip_mean(difficulty + 0.1 * seeded(7).standard_normal(40))
    difference = paired_difference(first, second, clip_count=40, rng=seeded())
    assert difference.value == pytest.approx(1.0, abs=0.1)
    assert difference.high - difference.low < 0.1
    assert difference.excludes_zero


def test_no_difference_is_not_told_from_zero() -> None:
    same = clip_mean(seeded(8).random(20))
    assert paired_difference(same, same, clip_count=20, rng=seeded()) == Interval(value=0.0, low=0.0, high=0.0)
    assert not Interval(value=0.0, low=0.0, high=0.0).excludes_zero
    assert not Interval(value=1.0).excludes_zero


def test_undefined_clips_are_left_out_of_a_mean() -> None:
    mean = clip_mean([1.0, math.nan, 3.0])
    assert mean(np.array([0, 1, 2])) == 2.0
    assert math.isnan(mean(np.array([1, 1])))


def test_resamples_that_are_undefined_are_left_out() -> None:
    interval = bootstrap_interval(clip_mean([1.0, math.nan, math.nan]), clip_count=3, rng=seeded())
    assert interval == Interval(value=1.0, low=1.0, high=1.0)


def test_an_undefined_value_has_no_interval() -> None:
    interval = bootstrap_interval(clip_mean([math.nan, math.nan]), clip_count=2, rng=seeded(), resamples=10)
    assert math.isnan(interval.value) and math.isnan(interval.low) and math.isnan(interval.high)


@pytest.mark.parametrize("bad", [{"clip_count": 1}, {"resamples": 0}, {"confidence": 1.0}])
def test_intervals_without_ground_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="an interval needs"):
        bootstrap_interval(clip_mean([1.0, 2.0]), rng=seeded(), **{"clip_count": 2, **bad})


def test_a_per_clip_measure_is_one_row() -> None:
    with pytest.raises(ValueError, match="one value per clip"):
        clip_mean(np.zeros((2, 2)))
