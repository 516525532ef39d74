"""Windows cover a canvas with no more of them than it takes, and their weights are smooth and sum to one."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.generators.auffusion.windows import Window, hann_weights, split

# Canvas, window and multiple in latent columns: any grid a model card may bring.
GRIDS = st.tuples(st.integers(1, 24), st.sampled_from([1, 4, 8]), st.integers(1, 200)).map(
    lambda drawn: (drawn[2] * drawn[1], drawn[0] * drawn[1], drawn[1])
)


@given(GRIDS)
def test_windows_cover_every_column_on_the_grid_and_are_no_wider_than_allowed(grid: tuple[int, int, int]) -> None:
    columns, longest, multiple = grid
    windows = split(columns, longest, multiple)
    covered = torch.zeros(columns)
    for window in windows:
        covered[window.columns] += 1
        assert window.first % multiple == 0
        assert window.count == min(columns, longest)
    assert covered.min() >= 1
    assert windows[0].first == 0
    assert windows[-1].first + windows[-1].count == columns
    assert windows == split(columns, longest, multiple)


@given(GRIDS)
def test_neighbours_overlap_by_a_quarter_and_no_window_is_one_too_many(grid: tuple[int, int, int]) -> None:
    columns, longest, multiple = grid
    windows = split(columns, longest, multiple)
    hops = [b.first - a.first for a, b in pairwise(windows)]
    allowed = max(multiple, (longest - longest // 4) // multiple * multiple)
    assert all(0 < hop <= allowed for hop in hops)
    # One window fewer would have to be further apart somewhere.
    assert len(windows) < 2 or (len(windows) - 2) * allowed < columns - longest


@given(GRIDS)
def test_weights_of_every_column_sum_to_one(grid: tuple[int, int, int]) -> None:
    columns, longest, multiple = grid
    windows = split(columns, longest, multiple)
    total = torch.zeros(columns)
    for window, weight in zip(windows, hann_weights(windows, columns), strict=True):
        assert weight.shape == (window.count,)
        assert (weight >= 0).all()
        total[window.columns] += weight
    torch.testing.assert_close(total, torch.ones(columns))


@given(st.integers(21, 400), st.sampled_from([(80, 4), (128, 8)]))
def test_no_window_comes_or_goes_with_a_step(steps: int, grid: tuple[int, int]) -> None:
    longest, multiple = grid
    columns = max(steps * multiple, longest + multiple)
    windows = split(columns, longest, multiple)
    for window, weight in zip(windows, hann_weights(windows, columns), strict=True):
        # Outside its window a weight is nothing, so inside the canvas it must begin and end near nothing.
        assert window.first == 0 or weight[0] < 0.013
        assert window.first + window.count == columns or weight[-1] < 0.013
        assert torch.diff(weight).abs().max() < 0.2


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (76, [0]),
        (80, [0]),
        (84, [0, 4]),
        (140, [0, 60]),
        (144, [0, 60, 64]),
        (200, [0, 60, 120]),
        (2344, [*range(0, 2264, 60), 2264]),
    ],
)
def test_where_windows_start(columns: int, expected: list[int]) -> None:
    assert [window.first for window in split(columns, longest=80, multiple=4)] == expected


def test_windows_as_wide_as_the_multiple_lie_side_by_side() -> None:
    assert split(12, longest=4, multiple=4) == (Window(0, 4), Window(4, 4), Window(8, 4))
