"""Presence measures against brute force and counts made by hand."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.presence import frame_counts, frame_f1, recall_within, roc_auc, toggles_per_clip

T, F = True, False
Clips = tuple[list[np.ndarray], list[np.ndarray]]


@st.composite
def scored_clips(draw: st.DrawFn) -> Clips:
    """Scores with many ties and truth, in clips of different lengths."""
    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [rng.integers(0, 4, n) / 4 for n in lengths], [rng.random(n) < 0.5 for n in lengths]


def brute_force_auc(scores: np.ndarray, truth: np.ndarray) -> float:
    present, absent = scores[truth], scores[~truth]
    wins = [(p > a) + 0.5 * (p == a) for p in present for a in absent]
    return sum(wins) / len(wins) if wins else math.nan


def test_f1_pools_frames_not_clips() -> None:
    predicted = [np.array([T, T, F, F]), np.array([T])]
    truth = [np.array([T, F, T, F]), np.array([T])]
    counts = frame_counts(predicted, truth)
    assert (counts.hits.tolist(), counts.false_alarms.tolist(), counts.misses.tolist()) == ([1, 1], [1, 0], [1, 0])
    assert frame_f1(predicted, truth) == pytest.approx(4 / 6)
    assert counts.precision == counts.recall == pytest.approx(2 / 3)


def test_a_silent_clip_counts_through_its_false_alarms() -> None:
    assert frame_f1([np.array([T, T]), np.array([T, T])], [np.array([T, T]), np.array([F, F])]) == pytest.approx(2 / 3)


def test_nothing_true_and_nothing_heard_is_undefined() -> None:
    quiet = np.zeros((2, 3), bool)
    counts = frame_counts(quiet, quiet)
    assert math.isnan(counts.f1) and math.isnan(counts.recall) and math.isnan(counts.precision)


def test_nothing_heard_of_something_true_is_zero() -> None:
    assert frame_f1(np.zeros((1, 3), bool), np.ones((1, 3), bool)) == 0.0


def test_resampled_counts_repeat_clips() -> None:
    counts = frame_counts([np.array([T]), np.array([F])], [np.array([T]), np.array([T])])
    assert counts.of(np.array([0, 0, 1])).recall == pytest.approx(2 / 3)


def test_off_screen_recall_counts_only_frames_out_of_the_picture() -> None:
    truth = np.array([[T, T, T, T, F]])
    predicted = np.array([[T, T, T, F, T]])
    off_screen = np.array([[F, F, T, T, T]])
    assert recall_within(predicted, truth, off_screen) == 0.5
    assert math.isnan(recall_within(predicted, truth, np.array([[F, F, F, F, T]])))


def test_mismatched_presence_is_refused() -> None:
    with pytest.raises(ValueError, match="predicted and true presence differ in number of clips"):
        frame_f1(np.ones((2, 3), bool), np.ones((3, 3), bool))
    with pytest.raises(ValueError, match="mask and true presence of clip 0 differ in frames"):
        recall_within(np.ones((1, 3), bool), np.ones((1, 3), bool), np.ones((1, 2), bool))


@given(scored_clips())
def test_auc_is_the_share_of_pairs_in_order(clips: Clips) -> None:
    scores, truth = clips
    expected = brute_force_auc(np.concatenate(scores), np.concatenate(truth))
    assert roc_auc(scores, truth) == pytest.approx(expected, nan_ok=True)


@given(scored_clips())
def test_auc_ignores_the_scale_and_turns_with_the_sign(clips: Clips) -> None:
    scores, truth = clips
    auc = roc_auc(scores, truth)
    assert roc_auc([np.exp(5 * s) for s in scores], truth) == pytest.approx(auc, nan_ok=True)
    assert roc_auc([-s for s in scores], truth) == pytest.approx(1 - auc, nan_ok=True)


@given(scored_clips(), st.randoms())
def test_the_order_of_clips_does_not_matter(clips: Clips, random: Random) -> None:
    scores, truth = clips
    order = random.sample(range(len(truth)), len(truth))
    shuffled_scores, shuffled_truth = [scores[i] for i in order], [truth[i] for i in order]
    heard, shuffled_heard = [s > 0.4 for s in scores], [s > 0.4 for s in shuffled_scores]
    assert roc_auc(shuffled_scores, shuffled_truth) == pytest.approx(roc_auc(scores, truth), nan_ok=True)
    assert frame_f1(shuffled_heard, shuffled_truth) == pytest.approx(frame_f1(heard, truth), nan_ok=True)


def test_a_constant_score_tells_nothing() -> None:
    assert roc_auc(np.full((1, 4), 0.3), np.array([[T, F, F, T]])) == 0.5


def test_toggles_are_counted_inside_clips_only() -> None:
    presence = [np.array([T, T, F, T]), np.array([F, F]), np.array([T])]
    assert toggles_per_clip(presence).tolist() == [2.0, 0.0, 0.0]
