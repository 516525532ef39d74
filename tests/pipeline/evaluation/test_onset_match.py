"""Matching of onsets: against an assignment solver and cases made by hand."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from pipeline.evaluation.onset_match import score_onsets, tally_onsets

times = st.lists(st.integers(0, 40).map(lambda tick: tick / 20), max_size=8).map(np.array)


def most_pairs(detected: np.ndarray, true: np.ndarray, tolerance_s: float) -> int:
    if not len(detected) or not len(true):
        return 0
    fits = np.abs(detected[:, None] - true[None, :]) <= tolerance_s + 1e-9
    rows, columns = linear_sum_assignment(~fits)
    return int(fits[rows, columns].sum())


def test_scores_of_a_clip_made_by_hand() -> None:
    score = score_onsets([tally_onsets(np.array([0.11, 1.02, 1.06, 3.0]), np.array([0.1, 1.0, 2.0]))])
    assert score.recall == score.matched_recall == pytest.approx(2 / 3)
    assert score.precision == 0.5
    assert score.f1 == pytest.approx(4 / 7)
    assert score.detected_ratio == pytest.approx(4 / 3)
    assert score.median_error_s == pytest.approx(0.02)


def test_one_detection_does_not_match_two_onsets() -> None:
    tally = tally_onsets(np.array([1.0]), np.array([0.95, 1.05]))
    assert (tally.near, tally.matched) == (2, 1)


def test_a_machine_gun_has_recall_but_no_precision() -> None:
    score = score_onsets([tally_onsets(np.arange(0, 4, 0.05), np.array([1.0, 2.0]))])
    assert score.recall == 1.0
    assert score.precision == pytest.approx(2 / 80)


def test_exactly_the_tolerance_is_a_hit_whatever_the_rounding() -> None:
    onsets = np.array([0.1, 0.3, 0.7, 1.3])
    assert tally_onsets(onsets + 0.1, onsets, tolerance_s=0.1).matched == 4


def test_errors_are_capped_and_count_when_nothing_is_heard() -> None:
    assert tally_onsets(np.array([3.0]), np.array([1.0])).errors_s == (0.5,)
    silent = score_onsets([tally_onsets(np.zeros(0), np.array([1.0, 2.0]))])
    assert (silent.recall, silent.f1, silent.detected_ratio, silent.median_error_s) == (0.0, 0.0, 0.0, 0.5)
    assert math.isnan(silent.precision)


def test_no_onsets_at_all_are_undefined() -> None:
    score = score_onsets([tally_onsets(np.zeros(0), np.zeros(0))])
    assert all(math.isnan(v) for v in (score.recall, score.median_error_s, score.f1, score.detected_ratio))


def test_an_invented_onset_costs_precision() -> None:
    assert score_onsets([tally_onsets(np.array([1.0]), np.zeros(0))]).f1 == 0.0


@given(times, times, st.sampled_from([0.03, 0.1, 0.25]))
def test_the_matching_is_as_large_as_one_can_be(detected: np.ndarray, true: np.ndarray, tolerance_s: float) -> None:
    tally = tally_onsets(detected, true, tolerance_s=tolerance_s)
    assert tally.matched == most_pairs(detected, true, tolerance_s)
    assert tally.matched <= tally.near <= tally.true


@given(st.lists(st.tuples(times, times), min_size=1, max_size=5), st.randoms())
def test_neither_the_order_of_clips_nor_of_onsets_matters(
    clips: list[tuple[np.ndarray, np.ndarray]], random: Random
) -> None:
    tallies = [tally_onsets(detected, true) for detected, true in clips]
    shuffled = [tally_onsets(detected[::-1], true[::-1]) for detected, true in clips]
    random.shuffle(shuffled)
    assert repr(score_onsets(shuffled)) == repr(score_onsets(tallies))


@pytest.mark.parametrize(
    ("detected", "tolerance_s", "message"),
    [(np.array([np.nan]), 0.1, "finite"), (np.zeros((1, 1)), 0.1, "one row"), (np.zeros(1), 0.0, "not positive")],
)
def test_broken_onsets_are_refused(detected: np.ndarray, tolerance_s: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tally_onsets(detected, np.zeros(1), tolerance_s=tolerance_s)
