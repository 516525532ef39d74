"""Ways of the reference pipeline that are wrong or arbitrary, for comparison with it bit for bit.

Each is one small function and replaces one step of ours; none is used unless a setting asks for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_COLUMNS_PER_SECOND = 102.4
_CANVAS_COLUMNS = 1024


def legacy_time_row(probabilities: ArrayLike, duration_s: float) -> NDArray[np.float32]:
    """Probabilities (T,) over a shot -> the row of +1 (from 0.5 on) and -1 that the temporal adapter saw, (1024,).

    Quirks 1 and 2: time runs at 102.4 columns per second though a column of the mel picture is 10 ms, so an event at
    10 s is heard 0.24 s late; and a shot longer than the canvas is squeezed into it.
    """
    row = _row(np.asarray(probabilities, dtype=np.float64), float(duration_s))
    seen = np.arange(_CANVAS_COLUMNS) * len(row) // _CANVAS_COLUMNS
    return row[seen]


def _row(probabilities: NDArray[np.float64], duration_s: float) -> NDArray[np.float32]:
    """The row before it is fitted to the canvas: 1024 columns, or more for a long shot; silent after the shot."""
    spread = duration_s * _COLUMNS_PER_SECOND
    columns = np.arange(int(spread))
    heard = probabilities[(columns / spread * len(probabilities)).astype(int)] >= 0.5
    row = np.full(max(_CANVAS_COLUMNS, len(columns)), -1.0, dtype=np.float32)
    row[: len(columns)][heard] = 1.0
    return row


def linspace_frames(frame_count: int, wanted: int = 150) -> NDArray[np.int64]:
    """Numbers of the frames to look at, (wanted,), spread evenly over a movie of `frame_count` frames.

    Quirk 4: by number and not by time, whatever the duration, so that a short shot is looked at as if it ran slower
    and a variable frame rate bends time.
    """
    return np.linspace(0, frame_count - 1, wanted).astype(np.int64)


def wrapping_int16(wave: ArrayLike) -> NDArray[np.int16]:
    """Samples in -1..1 -> 16-bit integers of the same shape.

    Quirk 8: what does not fit wraps around, so that a full-scale 1.0 becomes -32768, a click.
    """
    scaled = np.trunc(np.asarray(wave, dtype=np.float64) * 32768).astype(np.int64)
    return scaled.astype(np.int16)
