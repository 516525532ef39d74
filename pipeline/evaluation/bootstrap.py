"""How sure a measure is: percentile bootstrap over clips (Efron and Tibshirani 1993, chapter 13).

Clips are resampled, not frames or onsets: those of one clip stand and fall together. A statistic is a function of the
resampled clip indices, so that a pooled measure (frame F1) is pooled anew in every resample:

    counts = frame_counts(predicted, truth)
    bootstrap_interval(lambda clips: counts.of(clips).f1, clip_count=len(truth), rng=np.random.default_rng(7))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
CONFIDENCE = 0.95
_NAN = float("nan")

Statistic: TypeAlias = Callable[[NDArray[np.intp]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A measured value with the bounds of its confidence interval; bounds are NaN where there is no interval."""

    value: float
    low: float = _NAN
    high: float = _NAN

    @property
    def excludes_zero(self) -> bool:
        """Zero lies outside: a difference that is told from none. False without an interval."""
        return self.low > 0.0 or self.high < 0.0


def bootstrap_interval(
    statistic: Statistic,
    *,
    clip_count: int,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The statistic of all clips, with the central percentile interval of its resamples.

    Resamples on which the statistic is NaN (no true onset among the drawn clips) are left out; bounds are NaN when the
    value is. Raises ValueError for fewer than 2 clips, no resamples, or a confidence outside 0..1.
    """
    if clip_count < 2 or resamples < 1 or not 0.0 < confidence < 1.0:
        raise ValueError(
            f"an interval needs 2 clips or more, a resample, and a confidence between 0 and 1; "
            f"not {clip_count} clips, {resamples} resamples, confidence {confidence}"
        )
    value = float(statistic(np.arange(clip_count)))
    drawn = np.array([statistic(rng.integers(clip_count, size=clip_count)) for _ in range(resamples)], dtype=float)
    defined = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(defined):
        return Interval(value=value)
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return Interval(value=value, low=float(low), high=float(high))


def paired_difference(
    first: Statistic,
    second: Statistic,
    *,
    clip_count: int,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """First minus second with its interval, both taken on the same resampled clips.

    Hard clips are hard for both systems; drawing the same ones removes that part of the spread. Raises ValueError as
    `bootstrap_interval` does.
    """
    return bootstrap_interval(
        lambda clips: first(clips) - second(clips),
        clip_count=clip_count,
        rng=rng,
        resamples=resamples,
        confidence=confidence,
    )


def clip_mean(per_clip: ArrayLike) -> Statistic:
    """A statistic: the mean of a per-clip measure (B,) over the clips that define it; NaN when none does.

    Raises ValueError unless the measure has one value per clip.
    """
    values = np.asarray(per_clip, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"a per-clip measure has one value per clip, not shape {values.shape}")

    def mean(clips: NDArray[np.intp]) -> float:
        defined = values[clips][~np.isnan(values[clips])]
        return float(defined.mean()) if len(defined) else _NAN

    return mean
