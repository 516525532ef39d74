"""One system against another on the same clips: the size of the effect, how sure it is, and a sentence for a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from pipeline.evaluation.bootstrap import CONFIDENCE, RESAMPLES, Interval, Statistic, paired_difference
from pipeline.evaluation.table import Measure, format_interval

Verdict: TypeAlias = Literal["better", "worse", "different", "not told apart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a system changes in a measure against a baseline: their paired difference, in the measure's own unit."""

    system: str
    baseline: str
    measure: Measure
    difference: Interval
    clips: int

    @property
    def verdict(self) -> Verdict:
        """Better or worse when the interval excludes zero; "different" for a measure without a better end."""
        if not self.difference.excludes_zero:
            return "not told apart"
        if self.measure.higher_is_better is None:
            return "different"
        return "better" if (self.difference.value > 0) == self.measure.higher_is_better else "worse"

    def sentence(self) -> str:
        """`envelope correlation, ours against clip-wise: +0.500 [+0.410, +0.580] over 36 clips: better`."""
        unit = f" {self.measure.unit}" if self.measure.unit else ""
        size = format_interval(self.difference, self.measure.digits, signed=True)
        return (
            f"{self.measure.title}, {self.system} against {self.baseline}: "
            f"{size}{unit} over {self.clips} clips: {self.verdict}"
        )


def compare_systems(
    system: tuple[str, Statistic],
    baseline: tuple[str, Statistic],
    measure: Measure,
    *,
    clip_count: int,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Effect:
    """The effect of a system over a baseline, each a name with its statistic over the same clips.

    Raises ValueError as `bootstrap.paired_difference` does.
    """
    difference = paired_difference(
        system[1], baseline[1], clip_count=clip_count, rng=rng, resamples=resamples, confidence=confidence
    )
    return Effect(system=system[0], baseline=baseline[0], measure=measure, difference=difference, clips=clip_count)
