"""The Frechet distance against closed forms, and its floor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from pipeline.evaluation.frechet import frechet_distance, gaussian_distance, split_half_floor


def features(seed: int, n: int = 60, d: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.standard_normal(d)


def test_gaussians_in_one_dimension() -> None:
    one, two = np.array([[4.0]]), np.array([[9.0]])
    assert gaussian_distance(np.array([1.0]), one, np.array([3.0]), two) == pytest.approx(2.0**2 + (2 - 3) ** 2)


def test_gaussians_with_diagonal_covariances() -> None:
    first, second = np.array([1.0, 4.0, 0.0]), np.array([9.0, 4.0, 0.25])
    distance = gaussian_distance(np.zeros(3), np.diag(first), np.array([1.0, 0, 0]), np.diag(second))
    assert distance == pytest.approx(1 + np.square(np.sqrt(first) - np.sqrt(second)).sum())


def test_covariances_that_do_not_commute_agree_with_the_matrix_root() -> None:
    first, second = features(1), features(2)
    c1, c2 = np.cov(first.T), np.cov(second.T)
    by_root = np.square(first.mean(0) - second.mean(0)).sum() + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)
    measured = frechet_distance(first, second)
    assert measured.distance == pytest.approx(by_root)
    assert (measured.generated, measured.true, measured.dimensions) == (60, 60, 5)


def test_the_variance_of_a_sample_uses_ddof_one() -> None:
    first, second = np.array([[-1.0], [1.0]]), np.array([[-2.0], [2.0]])
    assert frechet_distance(first, second).distance == pytest.approx((np.sqrt(8) - np.sqrt(2)) ** 2)


@given(st.integers(0, 1000))
@settings(max_examples=25)
def test_a_set_has_no_distance_from_itself_shuffled(seed: int) -> None:
    rows = features(seed)
    shuffled = np.random.default_rng(seed).permutation(rows)
    assert frechet_distance(rows, shuffled).distance == pytest.approx(0.0, abs=1e-6)


@given(st.integers(0, 1000))
@settings(max_examples=25)
def test_distance_is_symmetric_and_a_shift_adds_its_square(seed: int) -> None:
    rows, others = features(seed), features(seed + 1)
    there, back = frechet_distance(rows, others).distance, frechet_distance(others, rows).distance
    assert there == pytest.approx(back, rel=1e-6)
    assert frechet_distance(rows + 3.0, rows).distance == pytest.approx(5 * 9.0)


def test_half_precision_features_are_measured_in_double() -> None:
    rows, others = features(3).astype(np.float16), features(4).astype(np.float16)
    expected = frechet_distance(rows.astype(np.float64), others.astype(np.float64))
    assert frechet_distance(rows, others) == expected


def test_fewer_features_than_dimensions_are_refused_unless_allowed() -> None:
    few, enough = features(0, n=5), features(1)
    with pytest.raises(ValueError, match=r"too few features .* in 5 dimensions: 5 generated and 60 true"):
        frechet_distance(few, enough)
    allowed = frechet_distance(few, enough, allow_rank_deficient=True)
    assert allowed.rank_deficient and allowed.distance > 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((1, 3)), "too few"),
        (np.zeros(3), "too few"),
        (np.full((9, 3), np.nan), "not finite"),
        (np.zeros((9, 4)), "differ in dimensions"),
    ],
)
def test_broken_features_are_refused(rows: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frechet_distance(rows, np.zeros((9, 3)), allow_rank_deficient=True)


def test_the_floor_is_what_two_halves_of_one_set_measure() -> None:
    rows = np.random.default_rng(0).standard_normal((401, 4))
    floor = split_half_floor(rows, np.random.default_rng(1))
    assert (floor.generated, floor.true) == (200, 200)
    assert 0 < floor.distance < 0.2 < frechet_distance(rows, rows + 1).distance
