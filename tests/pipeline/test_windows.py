"""Windows cover a canvas, their weights sum to one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.windows import hann_weights, split


@given(st.integers(1, 600))
def test_windows_cover_every_column_and_weights_sum_to_one(steps: int) -> None:
    columns = 4 * steps
    windows = split(columns, longest=80, multiple=4)
    total = torch.zeros(columns)
    for window, weight in zip(windows, hann_weights(windows, columns), strict=True):
        assert window.first % 4 == 0
        assert window.count <= 80
        total[window.columns] += weight
    torch.testing.assert_close(total, torch.ones(columns))


@pytest.mark.parametrize(("columns", "expected"), [(80, [0]), (84, [0, 4]), (140, [0, 60]), (200, [0, 60, 120])])
def test_where_windows_start(columns: int, expected: list[int]) -> None:
    assert [window.first for window in split(columns, longest=80, multiple=4)] == expected
