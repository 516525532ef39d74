"""How good is a take? Our own measures of a sound, so that of several renditions of a cue the best can be laid.

    what was asked for   condition   ____######____######____      when it sounds, and how loud
    what was made        envelope    ____#####_____#####_#__       RMS per 20 ms above its floor
                                                                   -> presence, level
    what it is           classifier  "train passing": 0.93         -> label; speech and music that nobody asked for
    what went wrong                  silence, full scale, DC

A score depends on the take and its condition alone, so takes rank the same in any batch, order or run. The takes of one
cue have the same measures; those of two cues may not, and their totals should not be compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.finish import PEAK_CEILING, mixed
from pipeline.records import FoleyClip, TakeScore, TemporalCondition

_FRAME_S = 0.02
_BLOCK_FRAMES = 500  # 10 s: memory does not grow with the length of the take
# Both were chosen on true sounds of drawn scenes, where they give a presence of 0.97 against the known truth.
_INAUDIBLE_DB = -55.0
_BELOW_LOUDEST_DB = 30.0
_LEVEL_RANGE_DB = (-58.0, 0.0)
_LEVEL_REACH_DB = 30.0
_LOUD_RANGE_DB = 20.0
_WEIGHTS = (0.5, 0.2, 0.3)  # presence, level, label
_RUN = 3
_FULL_SCALE = 0.999
_CLIPPING_REACH = 0.05
_OFFSET_FRAMES = 25
_LEAST_OFFSET = 0.05  # noise and rumble have a little mean of their own
_DIGITS = 4  # less is rounding of one machine or another, which must not decide


class AudioClassifier(Protocol):
    """Hears a sound, samples (N,), without seeing its picture; each answer is a probability 0..1 or None, unknown."""

    def label_agreement(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> float | None:
        """How likely it is the sound that the label names; None for a label the audio classifier does not know."""
        ...

    def speech(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> float | None:
        """How likely somebody speaks in it; None where the label asks for that."""
        ...

    def music(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> float | None:
        """How likely music plays in it; None where the label asks for that."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Envelope:
    """Per frame of 20 ms the sums of samples and squares and their number, (F,); samples at full scale in all."""

    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    counts: NDArray[np.float64]
    at_full_scale: int

    @property
    def level_db(self) -> NDArray[np.float64]:
        return _decibels(self.squares / self.counts)

    @property
    def sounds(self) -> NDArray[np.bool_]:
        """Whether a frame is heard, beside the loudest one."""
        level_db = self.level_db
        return level_db > max(_INAUDIBLE_DB, float(level_db.max()) - _BELOW_LOUDEST_DB)


def score_clip(clip: FoleyClip, condition: TemporalCondition, label: str, classifier: AudioClassifier) -> TakeScore:
    """The score of a take of `label`, made to sound as `condition` says."""
    samples, rate_hz = mixed(clip.samples), clip.sample_rate_hz
    return score_take(
        samples,
        rate_hz,
        condition,
        label_agreement=classifier.label_agreement(samples, rate_hz, label),
        speech=classifier.speech(samples, rate_hz, label),
        music=classifier.music(samples, rate_hz, label),
    )


def score_take(
    samples: NDArray[np.float32],
    rate_hz: int,
    condition: TemporalCondition,
    *,
    label_agreement: float | None = None,
    speech: float | None = None,
    music: float | None = None,
) -> TakeScore:
    """Sound (N,) of any length and the condition it was made for -> its score. The last three come from a classifier.

    `total` is the weighted mean of what agrees (presence 5, level 2, label 3; what was not measured is left out), times
    what each fault leaves: nothing of a silent take, less the more is clipped (nothing from 5 % on), offset, speech or
    music. Samples that are not finite count as silence or full scale; no measure is ever NaN.
    """
    envelope = _envelope(samples, rate_hz)
    step_of_frame = _steps(len(envelope.sums), condition)
    wanted = condition.active[step_of_frame] if len(condition.active) else np.zeros(len(envelope.sums), dtype=bool)
    agreeing = _presence(envelope.sounds, wanted), _level(envelope, step_of_frame, condition), label_agreement
    silent = float(wanted.any() and not envelope.sounds.any())
    clipping = envelope.at_full_scale / max(1, len(samples))
    offset = _offset(envelope)
    faults = silent, min(1.0, clipping / _CLIPPING_REACH), offset, speech or 0.0, music or 0.0
    presence, level, label = map(_rounded, agreeing)
    return TakeScore(
        total=round(_weighted_mean(agreeing) * math.prod(1 - fault for fault in faults), _DIGITS),
        presence=presence or 0.0,
        level=level,
        label=label,
        silent=silent,
        clipping=round(clipping, _DIGITS),
        offset=round(offset, _DIGITS),
        speech=_rounded(speech),
        music=_rounded(music),
    )


def longest_gap_s(samples: NDArray[np.float32], rate_hz: int, condition: TemporalCondition) -> float:
    """The longest time for which a take (N,) is silent although it was to be loud, within 20 dB of its loudest.

    0 where no level was asked for: a detector that gives none says when a thing is there, not that it never pauses.
    """
    if condition.level_db is None or not condition.active.any():
        return 0.0
    envelope = _envelope(samples, rate_hz)
    loud = condition.active & (condition.level_db >= condition.level_db[condition.active].max() - _LOUD_RANGE_DB)
    missing = loud[_steps(len(envelope.sums), condition)] & ~envelope.sounds
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    return float((edges[1::2] - edges[::2]).max(initial=0)) * _FRAME_S


def _envelope(samples: NDArray[np.float32], rate_hz: int) -> _Envelope:
    """Samples (N,) in frames whose edges are rounded from absolute times; the last takes what is left over."""
    if not len(samples):
        samples = np.zeros(1, np.float32)
    frame = _FRAME_S * rate_hz
    count = max(1, int(len(samples) / frame + 0.5))
    edges = np.rint(np.arange(count + 1) * frame).astype(np.intp)
    edges[-1] = len(samples)
    sums, squares, at_full_scale = np.zeros(count), np.zeros(count), 0
    for first in range(0, count, _BLOCK_FRAMES):
        inside = edges[first : first + _BLOCK_FRAMES + 1]
        begin, end = int(inside[0]), int(inside[-1])
        block = _finite(samples[begin:end])
        starts, here = inside[:-1] - begin, slice(first, first + len(inside) - 1)
        sums[here], squares[here] = np.add.reduceat(block, starts), np.add.reduceat(block**2, starts)
        at_full_scale += _in_runs(samples, begin, end)
    return _Envelope(sums=sums, squares=squares, counts=np.diff(edges).astype(float), at_full_scale=at_full_scale)


def _finite(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.nan_to_num(samples.astype(np.float64), nan=0.0, posinf=1.0, neginf=-1.0)


def _in_runs(samples: NDArray[np.float32], begin: int, end: int) -> int:
    """How many of samples [begin, end) lie in a run of three or more at full scale.

    A take has been through the limiter of finish.py: what was beyond full scale lies at its ceiling there.
    """
    margin = _RUN - 1
    first = max(0, begin - margin)
    loud = np.abs(_finite(samples[first : end + margin]))
    full = (loud >= _FULL_SCALE) | (np.abs(loud - PEAK_CEILING) <= 1e-4 * PEAK_CEILING)
    padded = np.pad(full, margin)
    whole = padded[:-2] & padded[1:-1] & padded[2:]
    in_run = whole[:-2] | whole[1:-1] | whole[2:]
    return int(in_run[begin - first : end - first].sum())


def _steps(frames: int, condition: TemporalCondition) -> NDArray[np.intp]:
    """The step of the condition that each frame (F,) lies in."""
    times_s = condition.times_s
    return np.searchsorted((times_s[1:] + times_s[:-1]) / 2, (np.arange(frames) + 0.5) * _FRAME_S)


def _presence(sounds: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    """F1 of sounding, both (F,): it needs no silence, so a label that sounds throughout can be judged as well."""
    asked_or_made = int(sounds.sum()) + int(wanted.sum())
    return 2 * int((sounds & wanted).sum()) / asked_or_made if asked_or_made else 1.0


def _level(envelope: _Envelope, step_of_frame: NDArray[np.intp], condition: TemporalCondition) -> float | None:
    """How near the loudness is to the wanted one while the label sounds; None where nothing is wanted."""
    if condition.level_db is None or not len(condition.active):
        return None
    steps = len(condition.active)
    counts = np.bincount(step_of_frame, envelope.counts, steps)
    active = condition.active & (counts > 0)
    if not active.any():
        return None
    squares = np.bincount(step_of_frame, envelope.squares, steps)
    made_db = np.clip(_decibels(squares[active] / counts[active]), *_LEVEL_RANGE_DB)
    asked_db = np.clip(np.nan_to_num(condition.level_db[active].astype(np.float64), nan=-99.0), *_LEVEL_RANGE_DB)
    return max(0.0, 1 - float(np.abs(made_db - asked_db).mean()) / _LEVEL_REACH_DB)


def _offset(envelope: _Envelope) -> float:
    """The share of the RMS level that is DC, which may come and go: means are taken over half a second; 0 below 5 %."""
    groups = np.arange(len(envelope.sums)) // _OFFSET_FRAMES
    sums, counts = np.bincount(groups, envelope.sums), np.bincount(groups, envelope.counts)
    power = float(envelope.squares.sum())
    share = min(1.0, math.sqrt(float((sums**2 / counts).sum()) / power)) if power else 0.0
    return share if share >= _LEAST_OFFSET else 0.0


def _weighted_mean(measures: tuple[float | None, ...]) -> float:
    measured = [(weight, value) for weight, value in zip(_WEIGHTS, measures, strict=True) if value is not None]
    return sum(weight * value for weight, value in measured) / sum(weight for weight, _ in measured)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return 10 * np.log10(np.maximum(power, 1e-12))
