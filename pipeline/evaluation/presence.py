"""When something sounds: predicted against true presence per frame, pooled over clips.

Pooled means that frames, not clips, are averaged: a clip weighs as much as it has frames, and a clip in which nothing
sounds takes part through its false alarms instead of dropping out as 0 / 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.clips import NumberClips, PresenceClips, check_paired, number_clips, presence_clips


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameCounts:
    """Frames per clip: hits (present and found), false alarms, misses; each int64 (B,)."""

    hits: NDArray[np.int64]
    false_alarms: NDArray[np.int64]
    misses: NDArray[np.int64]

    def of(self, clips: NDArray[np.intp]) -> FrameCounts:
        """The counts of the clips at these indices (R,), repeats allowed: one bootstrap resample."""
        return FrameCounts(hits=self.hits[clips], false_alarms=self.false_alarms[clips], misses=self.misses[clips])

    @property
    def precision(self) -> float:
        """Share of the predicted frames that are true; NaN when nothing was predicted."""
        return _share(self.hits.sum(), self.hits.sum() + self.false_alarms.sum())

    @property
    def recall(self) -> float:
        """Share of the true frames that were found; NaN when nothing is true."""
        return _share(self.hits.sum(), self.hits.sum() + self.misses.sum())

    @property
    def f1(self) -> float:
        """2 hits / (2 hits + false alarms + misses); NaN when nothing is true and nothing was predicted."""
        return _share(2 * self.hits.sum(), 2 * self.hits.sum() + self.false_alarms.sum() + self.misses.sum())


def frame_counts(predicted: PresenceClips, truth: PresenceClips, within: PresenceClips | None = None) -> FrameCounts:
    """Hits, false alarms and misses of each clip, from bool clips (T_b,); only frames of the mask `within` count.

    Raises ValueError when the clips are not bool or do not pair.
    """
    found, true = presence_clips(predicted, "predicted presence"), presence_clips(truth, "true presence")
    counted = [np.ones(len(row), dtype=np.bool_) for row in true] if within is None else presence_clips(within, "mask")
    check_paired(found, true, "predicted and true presence")
    check_paired(counted, true, "mask and true presence")
    rows = list(zip(found, true, counted, strict=True))
    return FrameCounts(
        hits=np.array([(p & t & m).sum() for p, t, m in rows], dtype=np.int64),
        false_alarms=np.array([(p & ~t & m).sum() for p, t, m in rows], dtype=np.int64),
        misses=np.array([(~p & t & m).sum() for p, t, m in rows], dtype=np.int64),
    )


def frame_f1(predicted: PresenceClips, truth: PresenceClips) -> float:
    """F1 of presence over the frames of all clips, 0..1; NaN when nothing is true and nothing was predicted."""
    return frame_counts(predicted, truth).f1


def recall_within(predicted: PresenceClips, truth: PresenceClips, mask: PresenceClips) -> float:
    """Share of the true frames inside the mask that were found, 0..1; NaN when none is.

    With the mask "the source is out of the picture" this is the off-screen recall.
    """
    return frame_counts(predicted, truth, within=mask).recall


def roc_auc(scores: NumberClips, truth: PresenceClips) -> float:
    """Area under the ROC curve over the frames of all clips: how often a present frame outscores an absent one.

    From scores (T_b,) of any scale and bool truth (T_b,). This is the Mann-Whitney U statistic over its maximum; equal
    scores share their mean rank, so that a tie counts one half. NaN unless there are both present and absent frames.
    """
    score_rows, true_rows = number_clips(scores, "scores"), presence_clips(truth, "true presence")
    check_paired(score_rows, true_rows, "scores and true presence")
    true = np.concatenate(true_rows)
    present, absent = int(true.sum()), int((~true).sum())
    ranks = _mean_ranks(np.concatenate(score_rows))
    above = float(ranks[true].sum()) - present * (present + 1) / 2
    return _share(above, present * absent)


def toggles_per_clip(presence: PresenceClips) -> NDArray[np.float64]:
    """How often presence switches on or off inside each clip, (B,); its mean against the truth's mean tells flicker."""
    rows = presence_clips(presence, "presence")
    return np.array([np.count_nonzero(row[1:] != row[:-1]) for row in rows], dtype=np.float64)


def _mean_ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank (N,) of each score from 1, equal scores sharing the mean of their ranks."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
