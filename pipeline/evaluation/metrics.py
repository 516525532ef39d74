"""What generated sounds are measured by, by name: a new metric is a function here and a line in METRICS.

A metric sees clips side by side with their truth, and gives a statistic: a function of the clips that are counted, so
that `bootstrap` can resample them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.bootstrap import RESAMPLES, Interval, Statistic, bootstrap_interval, clip_mean
from pipeline.evaluation.frechet import frechet_distance
from pipeline.evaluation.onset_match import OnsetTally, score_onsets
from pipeline.evaluation.presence import FrameCounts
from pipeline.evaluation.table import Measure

_SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedClips:
    """Clips (B,) and what was found of each; NaN where a clip leaves it undefined.

    right_class: 1 where a classifier names the sound, else 0. envelope, level: correlations with the true loudness.
    lasting: which clips hold a sound that lasts. counts: steps in which it is present. onsets: of clips with impacts.
    features, true_features: (B, F), of the classifier.
    """

    right_class: NDArray[np.float64]
    envelope: NDArray[np.float64]
    level: NDArray[np.float64]
    lasting: NDArray[np.bool_]
    counts: FrameCounts
    onsets: tuple[OnsetTally | None, ...]
    features: NDArray[np.float32]
    true_features: NDArray[np.float32]

    def onsets_of(self, clips: NDArray[np.intp]) -> list[OnsetTally]:
        """The onsets of the clips at these indices that have impacts."""
        return [tally for clip in clips if (tally := self.onsets[int(clip)]) is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """How it is shown, and how it is taken. resampled: whether resampling tells how sure it is, or biases it."""

    measure: Measure
    statistic: Callable[[JudgedClips], Statistic]
    resampled: bool = True


def _presence_f1(judged: JudgedClips) -> Statistic:
    return lambda clips: judged.counts.of(clips[judged.lasting[clips]]).f1


def _frechet(judged: JudgedClips) -> Statistic:
    def distance(clips: NDArray[np.intp]) -> float:
        made, true = judged.features[clips], judged.true_features[clips]
        return frechet_distance(made, true, allow_rank_deficient=True).distance

    return distance


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric(
        measure=Measure(key="accuracy", title="class accuracy", higher_is_better=True),
        statistic=lambda judged: clip_mean(judged.right_class),
    ),
    "f1": Metric(
        measure=Measure(key="f1", title="presence F1, continuous", higher_is_better=True), statistic=_presence_f1
    ),
    "envelope": Metric(
        measure=Measure(key="envelope", title="envelope corr., continuous", higher_is_better=True),
        statistic=lambda judged: clip_mean(judged.envelope),
    ),
    "level": Metric(
        measure=Measure(key="level", title="level corr. inside presence", higher_is_better=True),
        statistic=lambda judged: clip_mean(judged.level),
    ),
    "onset_recall": Metric(
        measure=Measure(key="onset_recall", title="onset recall at 100 ms", higher_is_better=True),
        statistic=lambda judged: lambda clips: score_onsets(judged.onsets_of(clips)).recall,
    ),
    "onset_error_ms": Metric(
        measure=Measure(key="onset_error_ms", title="onset error, median", unit="ms", digits=0, higher_is_better=False),
        statistic=lambda judged: lambda clips: 1000 * score_onsets(judged.onsets_of(clips)).median_error_s,
    ),
    "frechet": Metric(
        measure=Measure(key="frechet", title="Frechet distance", digits=2, higher_is_better=False),
        statistic=_frechet,
        resampled=False,
    ),
}


def intervals_of(judged: JudgedClips, resamples: int = RESAMPLES) -> dict[str, Interval]:
    """Every metric over all clips, with its 95 % bootstrap interval where resampling tells it."""
    return {name: _interval(metric, judged, resamples) for name, metric in METRICS.items()}


def _interval(metric: Metric, judged: JudgedClips, resamples: int) -> Interval:
    statistic, count = metric.statistic(judged), len(judged.right_class)
    if not metric.resampled:
        return Interval(value=statistic(np.arange(count)))
    rng = np.random.default_rng(_SEED)
    return bootstrap_interval(statistic, clip_count=count, rng=rng, resamples=resamples)
