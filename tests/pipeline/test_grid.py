"""Seconds, frames, columns and samples agree wherever they meet."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.generators.auffusion.grid import Grid
from pipeline.training.sizes import GRID

PUBLISHED = Grid(
    sample_rate_hz=16_000,
    hop=160,
    columns_per_latent=8,
    columns_per_frame=Fraction(1),
    latents_multiple=8,
    window_latents=128,
)


def test_published_grid_has_exactly_100_columns_per_second() -> None:
    assert PUBLISHED.column_s == Fraction(1, 100)
    assert PUBLISHED.window_s == Fraction(1024, 100)
    assert PUBLISHED.latents_for(Fraction(1024, 100)) == 128


def test_bundled_grid_covers_ten_seconds_with_one_window() -> None:
    assert GRID.window_s == Fraction(1024, 100)
    assert GRID.latents_for(Fraction(10)) == 80
    assert GRID.frames_for(80) == 320
    assert GRID.samples_for(80) == 163_840


@given(st.fractions(min_value=Fraction(1, 1000), max_value=Fraction(700)))
def test_a_canvas_covers_its_duration_and_no_more_than_needed(duration_s: Fraction) -> None:
    latents = GRID.latents_for(duration_s)
    length_s = latents * GRID.columns_per_latent * GRID.column_s
    step_s = GRID.latents_multiple * GRID.columns_per_latent * GRID.column_s
    assert length_s >= duration_s
    assert length_s - duration_s < step_s or latents == GRID.latents_multiple
    assert latents % GRID.latents_multiple == 0
    assert GRID.samples_for(latents) == length_s * GRID.sample_rate_hz


def test_frames_lie_in_the_middle_of_their_columns() -> None:
    columns, frames = GRID.column_times(8), GRID.frame_times(4)
    np.testing.assert_allclose(frames, columns.reshape(4, 2).mean(axis=1))
    assert columns[0] == 0.008
