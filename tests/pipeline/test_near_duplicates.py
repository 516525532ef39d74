"""Which frames are looked at, and that leaving out equal ones changes nothing."""

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.near_duplicates import kept_frames, unique_runs

NOISE = np.random.default_rng(0).integers(40, 200, (64, 64, 3), dtype=np.uint8)


def _brighter(levels: list[int]) -> NDArray[np.uint8]:
    return np.stack([NOISE + np.uint8(level) for level in levels])


def test_at_zero_only_equal_frames_are_left_out() -> None:
    frames = _brighter([0, 0, 0, 1, 1, 0])
    frames[2, 10, 10, 0] += 1
    kept, stands_for = kept_frames(frames, 0)
    assert kept.tolist() == [0, 2, 3, 5]
    assert stands_for.tolist() == [0, 0, 1, 2, 2, 3]


def test_a_frame_is_left_out_while_it_is_near_the_last_one_kept() -> None:
    kept, stands_for = kept_frames(_brighter([0, 1, 2, 3, 4, 5, 0]), 2.5)
    assert kept.tolist() == [0, 3, 6]
    assert stands_for.tolist() == [0, 0, 0, 1, 1, 1, 2]


def test_a_difference_of_the_threshold_is_a_difference() -> None:
    assert kept_frames(_brighter([0, 2]), 2)[0].tolist() == [0, 1]
    assert kept_frames(_brighter([0, 2]), 2.5)[0].tolist() == [0]


def test_every_frame_is_near_the_one_that_stands_for_it() -> None:
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.integers(-2, 3, 60)).clip(-40, 50)
    frames = np.stack([(NOISE.astype(int) + step).astype(np.uint8) for step in walk])
    kept, stands_for = kept_frames(frames, 4)
    assert 1 < len(kept) < 60 and (kept[stands_for] <= np.arange(60)).all()
    assert np.abs(walk - walk[kept[stands_for]]).max() <= 4


def test_no_frames_and_one_frame() -> None:
    assert [row.tolist() for row in kept_frames(NOISE[None][:0], 1)] == [[], []]
    assert [row.tolist() for row in kept_frames(NOISE[None], 1)] == [[0], [0]]


def test_runs_of_equal_rows_become_one_row_and_a_count() -> None:
    rows = np.array([[1, 2], [1, 2], [3, 4], [1, 2], [1, 2], [1, 2]], np.float32)
    unique, counts = unique_runs(rows)
    assert unique.tolist() == [[1, 2], [3, 4], [1, 2]] and counts.tolist() == [2, 1, 3]
    assert unique_runs(rows[:0])[1].tolist() == [] and unique_runs(rows[:1])[1].tolist() == [1]


def test_attention_over_unique_rows_with_the_log_of_their_counts_is_attention_over_all() -> None:
    rng = np.random.default_rng(2)
    rows = np.repeat(rng.standard_normal((5, 16), dtype=np.float32), [1, 7, 2, 30, 4], axis=0)
    unique, counts = unique_runs(rows)
    query, to_key, to_value = (torch.from_numpy(rng.standard_normal((n, 16))) for n in (9, 16, 16))

    def attend(keys: NDArray[np.float32], bias: torch.Tensor | None = None) -> torch.Tensor:
        rows = torch.from_numpy(keys).double()
        attention = torch.nn.functional.scaled_dot_product_attention
        return attention(query, rows @ to_key / 4, rows @ to_value, attn_mask=bias)

    logs = torch.from_numpy(counts).log().double().expand(9, -1)
    torch.testing.assert_close(attend(unique, logs), attend(rows), atol=1e-6, rtol=0)
    assert (attend(unique) - attend(rows)).abs().max() > 0.01
