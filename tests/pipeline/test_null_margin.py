"""The null margin: its arithmetic, its hysteresis in seconds, and a simulation of clips it has to tell apart."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.detectors.null_margin import NullMargin, hysteresis, presence
from pipeline.evaluation.presence import frame_f1

RATE = 15.0
RAW = NullMargin(smooth_s=0.0)


def _phrases(kinds: int) -> NDArray[np.float32]:
    """Phrases (kinds, 64): much in common, as all phrases have, and each a direction of its own."""
    rows = np.zeros((kinds, 64), np.float32)
    rows[:, 0] = 0.8
    rows[np.arange(kinds), 1 + np.arange(kinds)] = 0.6
    return rows


LABEL, NULLS = _phrases(9)[0], _phrases(9)[1:]


def _frames(margins: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    """Unit embeddings (T, 64), 0.2 from every null phrase and `margins` (T,) more from the label."""
    rows = np.zeros((len(margins), 64))
    rows[:, 0] = 0.2 / 0.8
    rows[:, 1] = margins / 0.6
    rest = rng.standard_normal((len(margins), 54))
    missing = np.sqrt(1 - (rows**2).sum(1, keepdims=True))
    rows[:, 10:] = rest / np.linalg.norm(rest, axis=1, keepdims=True) * missing
    return rows.astype(np.float32)


def test_a_margin_of_the_offset_is_even_odds_and_length_does_not_matter() -> None:
    frames = _frames(np.array([0.02, 0.05, -0.01]), np.random.default_rng(0))
    expected = [0.5, 1 / (1 + np.exp(-3)), 1 / (1 + np.exp(3))]
    np.testing.assert_allclose(presence(frames, LABEL, NULLS, RATE, RAW), expected, atol=1e-4)
    scaled = presence(frames * 7, LABEL * 3, NULLS * np.arange(1, 9)[:, None], RATE, RAW)
    np.testing.assert_allclose(scaled, expected, atol=1e-4)


@pytest.mark.parametrize(("rate", "width"), [(15.0, 5), (8.0, 3), (25.0, 9), (2.0, 1)])
def test_smoothing_is_a_third_of_a_second_at_any_rate(rate: float, width: int) -> None:
    margins = np.full(41, -1.0)
    margins[20] = 0.4
    likely = presence(_frames(margins * 0.5, np.random.default_rng(0)), LABEL, NULLS, rate)
    np.testing.assert_allclose(likely[likely > 1e-3], 1 / width, atol=1e-4)
    assert (likely > 1e-3).sum() == width and likely.dtype == np.float32


def _row(text: str) -> NDArray[np.float32]:
    """A row of probabilities: # is sure, + is between the two thresholds, . is off."""
    return np.array([{"#": 0.9, "+": 0.5, ".": 0.1}[sign] for sign in text], np.float32)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("......++#####++......", "......#########......"),  # on spreads both ways while above `off`
        ("......++++++++.......", "....................."),  # never sure: never on
        ("..####....####.......", "..############......."),  # a gap of four frames is closed
        ("..####.....####......", "..####.....####......"),  # one of five is not
        ("....##..........####.", "................####."),  # a run of two is dropped
        ("....###.........####.", "....###.........####."),  # one of three is not
        ("..##..##..##.........", "..##########........."),  # gaps are closed before runs are dropped
        ("...######............", "...######............"),  # silence at either end is no gap
        ("##", "##"),
        ("#.", ".."),
        ("", ""),
    ],
)
def test_hysteresis(seen: str, expected: str) -> None:
    active = hysteresis(_row(seen), RATE)
    assert "".join("#" if on else "." for on in active) == expected


def test_lengths_are_seconds() -> None:
    slow, fast = _row("##...###" + "." * 8), np.repeat(_row("##...###" + "." * 8), 4)
    at_eight = hysteresis(slow, 8.0)
    np.testing.assert_array_equal(hysteresis(fast, 32.0), np.repeat(at_eight, 4))
    assert at_eight.sum() == 5 and hysteresis(slow, 15.0).sum() == 8


def test_off_above_on_is_refused() -> None:
    with pytest.raises(ValueError, match=r"off is 0\.7 and on is 0\.55"):
        NullMargin(off=0.7)


def _clip(kind: str, delta: float, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Ten seconds: embeddings and the truth. Margins wander from clip to clip and flicker from frame to frame."""
    truth = np.full(150, kind == "always")
    if kind == "intermittent":
        for start in rng.integers(0, 120, 2):
            truth[start : start + rng.integers(12, 40)] = True
    margins = truth * delta - 0.015 + rng.normal(0, 0.008) + rng.normal(0, 0.02, 150)
    return _frames(margins, rng), truth


def _stretched(frames: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What a threshold halfway between a clip's lowest and highest cosine says."""
    cosine = frames @ LABEL
    return np.asarray((cosine - cosine.min()) / np.ptp(cosine) > 0.5)


def test_always_intermittent_and_never_are_told_apart_where_stretching_each_clip_fails() -> None:
    rng = np.random.default_rng(3)
    kinds = ["always"] * 35 + ["intermittent"] * 40 + ["never"] * 25
    clips = [_clip(kind, 0.07, rng) for kind in kinds]
    truths = [truth for _, truth in clips]
    found = [hysteresis(presence(frames, LABEL, NULLS, RATE), RATE) for frames, _ in clips]
    stretched = [_stretched(frames) for frames, _ in clips]
    assert frame_f1(found, truths) >= 0.95
    assert np.mean(found[:35]) >= 0.95
    assert np.mean(found[-25:]) <= 0.02
    assert np.mean(stretched[:35]) < 0.7
    assert frame_f1(stretched, truths) < 0.8
    toggles = np.mean([np.abs(np.diff(row.astype(int))).sum() for row in found])
    assert toggles < 2.5
