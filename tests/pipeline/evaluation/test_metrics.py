"""Every metric by name: the best there is for sounds that are the true ones, worse for others."""

import numpy as np
import pytest

from pipeline.evaluation.metrics import METRICS, JudgedClips, intervals_of
from pipeline.evaluation.onset_match import tally_onsets
from pipeline.evaluation.presence import frame_counts

CLIPS = 12
RNG = np.random.default_rng(0)
TRUE = RNG.normal(size=(CLIPS, 4)).astype(np.float32)
PRESENT = [RNG.random(50) < 0.5 for _ in range(CLIPS)]
ONSETS = np.array([0.2, 0.7])


def judged(*, error: float) -> JudgedClips:
    """Half of the clips last, half are impacts; `error` 0 is the truth itself."""
    lasting = np.arange(CLIPS) % 2 == 0
    found = [np.where(np.random.default_rng(1).random(50) < error, ~row, row) for row in PRESENT]
    heard = ONSETS[: 1 if error else 2] + 0.05 * error
    return JudgedClips(
        right_class=np.where(np.arange(CLIPS) < CLIPS * error, 0.0, 1.0),
        envelope=np.where(lasting, 1 - error, np.nan),
        level=np.where(lasting, 1 - error, np.nan),
        lasting=lasting,
        counts=frame_counts(found, PRESENT),
        onsets=tuple(None if lasts else tally_onsets(heard, ONSETS, tolerance_s=0.1) for lasts in lasting),
        features=TRUE + np.float32(error),
        true_features=TRUE,
    )


@pytest.mark.parametrize("name", METRICS)
def test_the_truth_is_best_and_errors_are_worse(name: str) -> None:
    best, worse = (intervals_of(judged(error=error))[name].value for error in (0.0, 0.5))
    assert best == pytest.approx(1.0 if METRICS[name].measure.higher_is_better else 0.0, abs=1e-3)
    assert (worse < best) if METRICS[name].measure.higher_is_better else (worse > best)


def test_names_are_the_keys_of_the_columns() -> None:
    assert list(METRICS) == [metric.measure.key for metric in METRICS.values()] == list(intervals_of(judged(error=0.2)))
