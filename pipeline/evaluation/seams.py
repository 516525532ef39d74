"""Whether a long sound betrays where its pieces meet: steps and dips at given columns, and loudness that drifts.

A sound is never smooth, so a place says nothing alone: what happens at the edges is held against what happens in as
many stretches placed at random elsewhere. `ratio` says how large the seams are, `rank` how sure it is that they are
no accident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.waveform import mean_power, power_of, to_db

DRAWS = 2000
DRIFT_STEP_S = 5.0
SOUNDING_DB = -50.0
_FRAME_S = 0.05
_LEAST_SOUNDING_S = 1.0
_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A measure at chosen places against the same measure elsewhere.

    at_places, elsewhere: means over columns. rank: the share 0..1 of draws of as many stretches as wide, placed at
    random, that have a smaller mean; where nothing happens any rank is as likely, .99 and more is a finding.
    """

    at_places: float
    elsewhere: float
    rank: float

    @property
    def ratio(self) -> float:
        """At the places over elsewhere; 1 means that nothing happens there. NaN when nothing happens anywhere."""
        return self.at_places / self.elsewhere if self.elsewhere > 0 else _NAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How the level of a sound moves over minutes; both NaN when fewer than two steps of it sound."""

    slope_db_per_min: float
    largest_deviation_db: float


def step_energy(
    rows: NDArray[np.floating],
    edges: Sequence[int],
    *,
    span: int = 1,
    reach: int = 0,
    draws: int = DRAWS,
    seed: int = 7,
) -> Contrast:
    """Steps at window edges against steps elsewhere, in a picture (bands, W) or an envelope (W,), best in dB.

    Edge e lies between columns e - 1 and e. span: columns on either side whose means are compared, 1 for neighbours
    (the spectral flux), more for a step that a decoder has smeared or that noise hides. reach: columns on either side
    of an edge that count as the edge. Raises ValueError as `contrast` and `changes` do.
    """
    return contrast(changes(rows, span), edges, reach=reach, draws=draws, seed=seed)


def changes(rows: NDArray[np.floating], span: int = 1) -> NDArray[np.float64]:
    """The step into each column of (bands, W) or (W,): (W,), NaN where either side is cut off.

    A step is the squared difference of the means of `span` columns from it on and of `span` before it, averaged over
    bands. Raises ValueError when there are fewer columns than two spans.
    """
    picture = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    columns = picture.shape[-1]
    if picture.ndim != 2 or span < 1 or columns < 2 * span:
        raise ValueError(f"steps over {span} columns need (bands, W) with W of {2 * span} or more, not {rows.shape}")
    means = np.lib.stride_tricks.sliding_window_view(picture, span, axis=-1).mean(axis=-1)
    steps = np.full(columns, _NAN)
    steps[span : columns - span + 1] = np.square(means[:, span:] - means[:, :-span]).mean(axis=0)
    return steps


def contrast(
    values: NDArray[np.floating], places: Sequence[int], *, reach: int = 0, draws: int = DRAWS, seed: int = 7
) -> Contrast:
    """A measure per column (W,) at `places` (columns, each with `reach` neighbours either side) against elsewhere.

    NaN columns are not defined and count nowhere. With power as the measure and the middles of overlaps as places this
    finds the dip of a crossfade: ratio .5 is -3 dB, rank near 0. Raises ValueError when there are no places, when one
    lies where the measure is not defined, or when they leave nothing else.
    """
    values = np.asarray(values, dtype=np.float64)
    near = _stretches(np.asarray(places, dtype=np.intp), reach, len(values))
    outside = ~np.isnan(values)
    outside[near] = False
    inside = _free_starts(outside, 2 * reach + 1)
    if not near.size or np.isnan(values[near]).any() or not inside.size:
        raise ValueError(
            f"{len(places)} places of {2 * reach + 1} columns cannot be compared with the rest of {len(values)} "
            "columns: give places inside, fewer of them or a smaller reach"
        )
    at_places = float(values[near].mean())
    window_means = np.convolve(np.nan_to_num(values), np.ones(2 * reach + 1), "valid")[inside] / (2 * reach + 1)
    drawn = np.random.default_rng(seed).choice(window_means, (draws, len(places))).mean(axis=1)
    rank = float((drawn < at_places).mean() + (drawn == at_places).mean() / 2)
    return Contrast(at_places=at_places, elsewhere=float(values[outside].mean()), rank=rank)


def loudness_drift(samples: NDArray[np.floating], sample_rate_hz: int, *, step_s: float = DRIFT_STEP_S) -> Drift:
    """How the level of what sounds in a wave (N,) or (C, N) moves, from means over `step_s` seconds.

    Sounding is what lies above -50 dB re full scale; steps that sound for less than a second are left out, the others
    weigh alike. Raises ValueError as `waveform.power_of` does.
    """
    power = power_of(samples, sample_rate_hz)
    edges = np.arange(0, len(power) + 1, round(_FRAME_S * sample_rate_hz), dtype=np.intp)
    frames = mean_power(power, edges)
    sounding = to_db(frames, floor_db=SOUNDING_DB - 10) > SOUNDING_DB
    step = ((np.arange(len(frames)) + 0.5) * _FRAME_S // step_s).astype(np.intp)
    counts = np.bincount(step, weights=sounding)
    kept = np.flatnonzero(counts * _FRAME_S >= _LEAST_SOUNDING_S)
    if len(kept) < 2:
        return Drift(slope_db_per_min=_NAN, largest_deviation_db=_NAN)
    means = np.bincount(step, weights=frames * sounding)[kept] / counts[kept]
    level_db = to_db(means)
    slope = float(np.polyfit(kept * step_s / 60, level_db, 1)[0])
    deviation = float(np.abs(level_db - to_db(means.mean(keepdims=True))).max())
    return Drift(slope_db_per_min=slope, largest_deviation_db=deviation)


def _stretches(places: NDArray[np.intp], reach: int, columns: int) -> NDArray[np.intp]:
    """The columns (P, 2 * reach + 1) around each place; ValueError when one lies outside."""
    near = places[:, None] + np.arange(-reach, reach + 1)
    if near.size and (near.min() < 0 or near.max() >= columns):
        raise ValueError(f"a place with {reach} columns on either side lies outside the {columns} columns there are")
    return near


def _free_starts(free: NDArray[np.bool_], width: int) -> NDArray[np.intp]:
    """Where a stretch of `width` columns can begin that is free throughout."""
    if len(free) < width:
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(np.lib.stride_tricks.sliding_window_view(free, width).all(axis=-1))
