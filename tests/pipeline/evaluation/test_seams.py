"""Seams of known size in known noise: what is there is found at its size, what is not there is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.envelope import loudness_envelope_db
from pipeline.evaluation.seams import changes, contrast, loudness_drift, step_energy

RATE_HZ, HOP_S = 16_000, 0.016
COLUMNS = 3750  # a minute
EDGES = tuple(range(480, COLUMNS - 100, 480))


def _noise(seed: int, seconds: float = 60.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))


def _envelope(wave: np.ndarray) -> np.ndarray:
    return loudness_envelope_db(wave, RATE_HZ, step_s=HOP_S)


def _with_steps(wave: np.ndarray, step_db: float) -> np.ndarray:
    """Every other stretch between edges is louder."""
    column = np.arange(len(wave)) / RATE_HZ / HOP_S
    louder = np.searchsorted(EDGES, column, side="right") % 2
    return wave * 10 ** (step_db * louder / 20)


@pytest.mark.parametrize("span", [1, 8])
def test_steady_noise_has_no_seams_wherever_they_are_sought(span: int) -> None:
    found = [step_energy(_envelope(_noise(seed)), EDGES, span=span, reach=2) for seed in range(20)]
    assert np.mean([seams.ratio for seams in found]) == pytest.approx(1.0, abs=0.2)
    assert np.mean([seams.rank for seams in found]) == pytest.approx(0.5, abs=0.2)


def test_three_decibels_at_the_edges_are_found_at_their_size() -> None:
    seams = step_energy(_envelope(_with_steps(_noise(1), 3.0)), EDGES)
    assert seams.at_places == pytest.approx(9.0, rel=0.2)
    assert seams.ratio > 20
    assert seams.rank == 1.0


def test_the_same_steps_are_nothing_where_they_are_not_sought() -> None:
    beside = [edge + 240 for edge in EDGES]
    assert step_energy(_envelope(_with_steps(_noise(1), 3.0)), beside, reach=2).ratio < 1.5


def test_a_step_that_noise_hides_shows_over_wider_spans() -> None:
    envelope = _envelope(_with_steps(_noise(2), 0.5))
    assert step_energy(envelope, EDGES).ratio < 3
    wide = step_energy(envelope, EDGES, span=32)
    assert wide.ratio > 5
    assert wide.rank > 0.99


def test_a_step_in_one_band_alone_is_found_in_a_picture() -> None:
    picture = np.random.default_rng(3).standard_normal((64, COLUMNS))
    picture[10] += 12 * (np.searchsorted(EDGES, np.arange(COLUMNS), side="right") % 2)
    seams = step_energy(picture, EDGES)
    assert seams.at_places - seams.elsewhere == pytest.approx(144 / 64, rel=0.2)
    assert seams.rank > 0.99


def test_the_dip_of_a_linear_crossfade_of_independent_noise_is_found() -> None:
    first, second = _noise(4), _noise(5)
    column = np.arange(len(first)) / RATE_HZ / HOP_S
    fade = np.interp(column % 480, [200, 280], [0.0, 1.0])
    odd = (column // 480).astype(int) % 2
    turn = np.where(odd == 1, 1 - fade, fade)
    power = 10 ** (_envelope((1 - turn) * first + turn * second) / 10)
    middles = range(240, COLUMNS - 100, 480)
    dip = contrast(power, middles, reach=2)
    assert 10 * np.log10(dip.ratio) == pytest.approx(-3.0, abs=0.5)
    assert dip.rank == 0.0
    equal_power = np.sqrt(1 - turn) * first + np.sqrt(turn) * second
    level = contrast(10 ** (_envelope(equal_power) / 10), middles, reach=2)
    assert 10 * np.log10(level.ratio) == pytest.approx(0.0, abs=0.5)


def test_equal_values_everywhere_rank_in_the_middle() -> None:
    flat = contrast(np.ones(100), [50], reach=3)
    assert (flat.ratio, flat.rank) == (1.0, 0.5)
    assert np.isnan(contrast(np.zeros(100), [50]).ratio)


def test_changes_are_squared_steps_and_undefined_where_a_side_is_cut_off() -> None:
    np.testing.assert_array_equal(changes(np.array([0.0, 0.0, 3.0, 3.0])), [np.nan, 0.0, 9.0, 0.0])
    np.testing.assert_array_equal(changes(np.array([0.0, 0.0, 3.0, 3.0]), 2), [np.nan, np.nan, 9.0, np.nan])


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_changes_do_not_depend_on_an_offset_nor_on_the_direction_of_time(span: int, seed: int) -> None:
    rows = np.random.default_rng(seed).standard_normal((3, 40))
    forward, backward = changes(rows, span), changes(rows[:, ::-1] + 5.0, span)
    np.testing.assert_allclose(forward[span : 41 - span], backward[span : 41 - span][::-1], atol=1e-9)


@pytest.mark.parametrize(
    ("values", "places", "reach", "message"),
    [
        (np.ones(10), [], 0, "0 places"),
        (np.ones(10), [9], 1, "outside the 10 columns"),
        (np.array([np.nan, 1.0, 1.0]), [0], 0, "give places inside"),
        (np.ones(9), [4], 4, "smaller reach"),
    ],
)
def test_places_that_cannot_be_compared_are_refused(
    values: np.ndarray, places: list[int], reach: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        contrast(values, places, reach=reach)


def test_a_picture_shorter_than_its_spans_is_refused() -> None:
    with pytest.raises(ValueError, match="need \\(bands, W\\)"):
        changes(np.ones(7), 4)


@pytest.mark.parametrize("slope", [-6.0, -0.5, 0.0, 2.0])
def test_a_linear_fade_has_its_slope_and_ends_that_far_from_the_mean(slope: float) -> None:
    wave = _noise(6, 120.0)
    minutes = np.arange(len(wave)) / RATE_HZ / 60
    drift = loudness_drift(wave * 10 ** (slope * minutes / 20), RATE_HZ)
    assert drift.slope_db_per_min == pytest.approx(slope, abs=0.1)
    assert drift.largest_deviation_db == pytest.approx(abs(slope), abs=0.25 + 0.15 * abs(slope))


def test_silence_between_sounds_is_no_drift() -> None:
    wave = _noise(7, 120.0)
    seconds = np.arange(len(wave)) / RATE_HZ
    wave[(seconds > 30) & (seconds < 83)] = 0.0
    drift = loudness_drift(np.stack([wave, wave]), RATE_HZ)
    assert drift.slope_db_per_min == pytest.approx(0.0, abs=0.1)
    assert drift.largest_deviation_db < 0.3


def test_a_sound_of_one_step_has_no_drift_to_speak_of() -> None:
    drift = loudness_drift(_noise(8, 4.0), RATE_HZ)
    assert np.isnan(drift.slope_db_per_min)
    assert np.isnan(drift.largest_deviation_db)
