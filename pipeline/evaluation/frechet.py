"""How far two sets of features lie apart: the Frechet distance of the Gaussians fitted to them.

    d = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))        (Dowson and Landau 1982; FID, Heusel et al. 2017)

Covariances use ddof 1 in float64. The trace of the root needs only symmetric matrices: (C1 C2)^(1/2) has the trace of
(S C2 S)^(1/2) with S = C1^(1/2), so that two symmetric eigenproblems replace a complex matrix root.

The estimate is biased upwards by roughly the number of free parameters over n: two draws of 100 from the same 128-d
Gaussian lie 50 apart. Compare distances only at equal n, and read them against `split_half_floor`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class FrechetDistance:
    """A distance (>= 0, in squared feature units) and what it rests on: features per set, dimensions."""

    distance: float
    generated: int
    true: int
    dimensions: int

    @property
    def rank_deficient(self) -> bool:
        """At least one covariance has too few features for full rank (n <= d)."""
        return min(self.generated, self.true) <= self.dimensions


def frechet_distance(
    generated: NDArray[np.floating], true: NDArray[np.floating], *, allow_rank_deficient: bool = False
) -> FrechetDistance:
    """The Frechet distance of generated (n, d) and true (m, d) features, one row per clip or window.

    Raises ValueError for fewer than 2 rows, for other shapes, for values that are not finite, and for n <= d, where
    the covariance is singular: a caller who compares at equal n anyway may allow that.
    """
    first, second = _checked(generated, "generated"), _checked(true, "true")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"generated and true features differ in dimensions: {first.shape[1]} and {second.shape[1]}")
    measured = FrechetDistance(
        distance=gaussian_distance(first.mean(0), _covariance(first), second.mean(0), _covariance(second)),
        generated=len(first),
        true=len(second),
        dimensions=first.shape[1],
    )
    if measured.rank_deficient and not allow_rank_deficient:
        raise ValueError(
            f"too few features for a Frechet distance in {measured.dimensions} dimensions: {measured.generated} "
            f"generated and {measured.true} true; more than {measured.dimensions} of each are needed"
        )
    return measured


def gaussian_distance(
    mean1: NDArray[np.float64], cov1: NDArray[np.float64], mean2: NDArray[np.float64], cov2: NDArray[np.float64]
) -> float:
    """The Frechet distance of two Gaussians from means (d,) and symmetric covariances (d, d); never below 0."""
    values, vectors = np.linalg.eigh(cov1)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    shared = np.linalg.eigvalsh(root @ cov2 @ root)
    trace = np.trace(cov1) + np.trace(cov2) - 2.0 * np.sqrt(np.maximum(shared, 0.0)).sum()
    return max(0.0, float(np.square(mean1 - mean2).sum() + trace))


def split_half_floor(
    features: NDArray[np.floating], rng: np.random.Generator, *, allow_rank_deficient: bool = False
) -> FrechetDistance:
    """The distance between two random halves of one set (n, d): what no difference at all measures at n / 2.

    Raises ValueError as `frechet_distance` does, for the halves.
    """
    order = rng.permutation(len(features))
    half = len(features) // 2
    first, second = features[order[:half]], features[order[half : 2 * half]]
    return frechet_distance(first, second, allow_rank_deficient=allow_rank_deficient)


def _checked(features: NDArray[np.floating], name: str) -> NDArray[np.float64]:
    if features.ndim != 2 or features.shape[0] < 2 or features.shape[1] < 1:
        raise ValueError(f"{name} features of shape {features.shape} are too few: (n, d) with n >= 2 is needed")
    rows = features.astype(np.float64)
    if not np.isfinite(rows).all():
        raise ValueError(f"{name} features hold a value that is not finite")
    return rows


def _covariance(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.atleast_2d(np.cov(rows, rowvar=False, ddof=1)).astype(np.float64)
