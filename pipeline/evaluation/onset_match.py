"""Detected onsets against true ones: recall, error, and a matching that gives each detection to one true onset.

Recall asks "is there a hit near this one?", which a machine gun answers with yes; the one-to-one matching and the ratio
of detected to true onsets say what that yes is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOLERANCE_S = 0.1
ERROR_CAP_S = 0.5
_ROUNDING_S = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class OnsetTally:
    """One clip: true and detected onsets, true ones near a detection, one-to-one matches; an error per true onset."""

    true: int
    detected: int
    near: int
    matched: int
    errors_s: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnsetScore:
    """Onsets pooled over clips; a share is 0..1 and NaN where it is 0 / 0.

    recall: share of true onsets with any detection within the tolerance. median_error_s: over true onsets, distance to
    the nearest detection, at most 0.5 s (also when there is none). precision, matched_recall, f1: of the one-to-one
    matching. detected_ratio: detected per true onset, 1 when as many are heard as there are.
    """

    recall: float
    median_error_s: float
    precision: float
    matched_recall: float
    f1: float
    detected_ratio: float


def tally_onsets(
    detected_s: NDArray[np.floating], true_s: NDArray[np.floating], *, tolerance_s: float = TOLERANCE_S
) -> OnsetTally:
    """One clip's tally from detected (D,) and true (K,) onsets in s, in any order; exactly the tolerance still hits.

    Raises ValueError for a tolerance that is not positive, for times that are not finite or not (K,).
    """
    if not tolerance_s > 0:
        raise ValueError(f"an onset tolerance of {tolerance_s} s is not positive")
    detected, true = _sorted_times(detected_s, "detected"), _sorted_times(true_s, "true")
    errors = _distance_to_nearest(true, detected)
    reach = tolerance_s + _ROUNDING_S
    return OnsetTally(
        true=len(true),
        detected=len(detected),
        near=int((errors <= reach).sum()),
        matched=_count_matches(detected, true, reach),
        errors_s=tuple(np.minimum(errors, ERROR_CAP_S).tolist()),
    )


def score_onsets(tallies: Sequence[OnsetTally]) -> OnsetScore:
    """The score pooled over the onsets of all clips; all NaN when no clip has or hears an onset."""
    true, detected = sum(t.true for t in tallies), sum(t.detected for t in tallies)
    matched = sum(t.matched for t in tallies)
    errors_s = [error for tally in tallies for error in tally.errors_s]
    return OnsetScore(
        recall=_share(sum(t.near for t in tallies), true),
        median_error_s=float(np.median(errors_s)) if errors_s else float("nan"),
        precision=_share(matched, detected),
        matched_recall=_share(matched, true),
        f1=_share(2 * matched, detected + true),
        detected_ratio=_share(detected, true),
    )


def _sorted_times(times_s: NDArray[np.floating], name: str) -> NDArray[np.float64]:
    times = np.asarray(times_s, dtype=np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError(f"{name} onsets must be one row (K,) of finite seconds; their shape is {times.shape}")
    return np.sort(times)


def _distance_to_nearest(true: NDArray[np.float64], detected: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(detected):
        return np.full(len(true), np.inf)
    nearest: NDArray[np.float64] = np.abs(true[:, None] - detected[None, :]).min(axis=1)
    return nearest


def _count_matches(detected: NDArray[np.float64], true: NDArray[np.float64], reach_s: float) -> int:
    """Most pairs that can be made one to one: on a line with one reach, taking the earliest fit is optimal."""
    matched = d = t = 0
    while d < len(detected) and t < len(true):
        fits = bool(abs(detected[d] - true[t]) <= reach_s)
        early = bool(detected[d] < true[t])
        matched += fits
        d, t = d + (fits or early), t + (fits or not early)
    return matched


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
