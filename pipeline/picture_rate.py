"""How many pictures a second a movie has, where its own word for it may be an average, a field rate or a tick."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

# What cameras and editing programs count in.
STANDARD_RATES = tuple(
    sorted(
        [Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 100, 120)]
        + [Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)]
    )
)
_USUAL = Fraction(25)
# Raw DV and streams without dates report their clock.
_FASTEST = 1000
# Averages are off by a picture in the whole file; 24 and 23.976 lie five times as far apart.
_SAME_RATE = Fraction(1, 5000)
# Of a frame: half a millisecond at 120 pictures a second, and what exporters round.
_ON_THE_GRID = 0.12
_ENOUGH_ON_THE_GRID = 0.99
_SLOWER_AT_MOST = 4
_MOST_LEFT_OUT = 5
_ENOUGH_FOR_A_LINE = 12


def frame_rate(stream: VideoStream) -> Fraction | None:
    """Pictures per second, exact; None when the file does not tell.

    The average where it is a usual rate; else, for pictures at varying distances, the rate of the grid they lie on.
    """
    average, base = _possible(stream.average_rate), _possible(stream.guessed_rate)
    for rate in (average, base):
        if rate is not None and (standard := _standard(rate)) is not None:
            return standard
    varies = average is not None and base is not None and average < base <= STANDARD_RATES[-1]
    return base if varies else average or base


def edit_rate(rate: Fraction | None, times_s: Sequence[Fraction]) -> Fraction:
    """The usual rate for an edit of a movie with pictures at `times_s`, seconds from its first.

    That of the movie if its pictures lie on its grid, else the slowest on whose grid they lie, else the nearest.
    """
    times = np.asarray([float(time_s) for time_s in times_s] or [0.0])
    said = [] if rate is None or rate not in STANDARD_RATES else [rate]
    for standard in (*said, *STANDARD_RATES):
        if _lie_on_grid(times, standard):
            return standard
    return _nearest(_mean_rate(times) or float(rate or _USUAL))


def _mean_rate(times_s: NDArray[np.float64]) -> float | None:
    """Pictures a second where no more than a few are left out; None where one picture is all there is.

    Telephones date pictures when they are taken: no single distance tells 29.97 from 30, all of them together do.
    """
    gaps = np.diff(times_s)
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    if usual <= 0:
        return None
    steps = np.round(gaps / usual)
    holes = np.flatnonzero((steps < 1) | (steps > _MOST_LEFT_OUT))
    first, end = max(pairwise([-1, *holes, len(gaps)]), key=lambda run: run[1] - run[0])
    if end - first < _ENOUGH_FOR_A_LINE:
        return 1 / usual
    slope, _ = np.polyfit(np.cumsum(steps[first + 1 : end]), times_s[first + 2 : end + 1], 1)
    return 1 / float(slope)


def _possible(rate: Fraction | None) -> Fraction | None:
    return rate if rate is not None and 0 < rate <= _FASTEST else None


def _standard(rate: Fraction) -> Fraction | None:
    return next((known for known in STANDARD_RATES if abs(rate - known) < known * _SAME_RATE), None)


def _lie_on_grid(times_s: NDArray[np.float64], rate: Fraction) -> bool:
    positions = times_s * float(rate)
    off = np.abs(positions - np.round(positions))
    # Two pictures in one frame would lose one of them.
    one_each = len(np.unique(np.round(positions))) >= _ENOUGH_ON_THE_GRID * len(positions)
    return one_each and float(np.mean(off <= _ON_THE_GRID)) >= _ENOUGH_ON_THE_GRID


def _nearest(rate: float) -> Fraction:
    """The usual rate that is nearest to `rate` or to a few times of it."""
    times = range(1, _SLOWER_AT_MOST + 1)
    return min(STANDARD_RATES, key=lambda known: min(abs(float(known) / (rate * count) - 1) for count in times))
