"""What the measures refuse: each wrong input in one sentence, before anything is counted."""

import numpy as np
import pytest

from pipeline.evaluation.clips import check_paired, number_clips, presence_clips
from pipeline.evaluation.waveform import mean_power, power_of, to_db


def test_scores_do_not_pass_as_presence() -> None:
    with pytest.raises(ValueError, match="clip 1 is float64, not bool"):
        presence_clips([np.array([True]), np.array([0.2])], "predicted presence")


def test_a_single_clip_is_not_taken_for_many() -> None:
    with pytest.raises(ValueError, match="not \\(frames,\\)"):
        presence_clips(np.array([True, False]), "truth")


def test_no_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="holds no clips"):
        number_clips([], "scores")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        number_clips([np.array([0.0, bad])], "scores")


@pytest.mark.parametrize(("second", "message"), [([], "number of clips"), ([np.zeros(3)], "in frames: 2 and 3")])
def test_clips_that_do_not_pair_are_refused(second: list[np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_paired([np.zeros(2)], second, "a and b")


def test_power_is_the_mean_over_channels() -> None:
    assert power_of(np.array([[1.0, 0.5], [0.0, 0.5]]), 8).tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(4), 0, "not positive"),
        (np.zeros(0), 8, "neither"),
        (np.zeros((1, 1, 4)), 8, "neither"),
        (np.zeros((9, 2)), 8, "look like \\(N, channels\\)"),
        (np.array([0.0, np.nan]), 8, "not finite"),
    ],
)
def test_broken_waveforms_are_refused(samples: np.ndarray, rate: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        power_of(samples, rate)


def test_power_is_averaged_between_edges() -> None:
    assert mean_power(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 3, 3])).tolist() == [1.0, 2.5, 0.0]


def test_silence_after_a_loud_minute_has_no_power() -> None:
    power = np.concatenate([np.random.default_rng(0).random(1_000_000), np.zeros(100)])
    assert mean_power(power, np.array([1_000_000, 1_000_100])).tolist() == [0.0]


def test_silence_sits_on_the_floor() -> None:
    assert to_db(np.array([0.0, 1.0]), -80.0).tolist() == [-80.0, 0.0]
