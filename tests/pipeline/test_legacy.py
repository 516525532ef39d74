"""Each wrong way is wrong exactly as it says."""

import numpy as np

from pipeline.legacy import legacy_time_row, linspace_frames, wrapping_int16


def test_a_row_of_on_and_off_lies_on_the_slow_grid() -> None:
    row = legacy_time_row(np.array([False, True]), 10)
    assert np.flatnonzero(np.diff(row)).tolist() == [511]
    assert row[511] == -1 and row[512] == 1 and row.dtype == np.float32
    short = legacy_time_row([1.0, 1.0], 2.0)
    assert (short[:204] == 1).all() and (short[204:] == -1).all()


def test_a_shot_longer_than_the_canvas_is_squeezed_into_it() -> None:
    row = legacy_time_row(np.repeat([0.0, 1.0], 10), 20.48)
    # On from column 1049 of 2097, which is column 512.25 of 1024.
    assert row.shape == (1024,) and int(np.argmax(row > 0)) == 513


def test_frames_are_spread_by_number() -> None:
    assert linspace_frames(300, 4).tolist() == [0, 99, 199, 299]
    assert linspace_frames(1, 3).tolist() == [0, 0, 0]
    few = linspace_frames(75)
    assert len(few) == 150 and few[-1] == 74 and set(few) == set(range(75))


def test_what_does_not_fit_wraps() -> None:
    assert wrapping_int16([1.0, -1.0, 1.5, 0.25]).tolist() == [-32768, -32768, -16384, 8192]
