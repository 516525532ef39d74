"""The records of sound making. Those that cross a process or a task boundary are plain and hashable;
those that hold arrays compare by identity and never leave the process."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 48_000
_KEY_SCHEMA = 2  # another number when the same request gives other samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How the pictures of an image sequence count time: number `first + i` is shown from `i / rate` seconds on.

    Only every `step`-th number is a picture. `first` None stands for the lowest number in the folder.
    """

    rate: Fraction
    first: int | None = None
    step: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSpan:
    """What the audience sees during a shot: media time `start_s + speed * t` for t in [0, duration_s).

    Where the speed changes, `ramp` says it instead: knots (t, media time) with straight lines between them, which go
    on beyond the first and the last; `speed` is then the mean. With `numbering` the media is an image sequence, and
    `path` names all its pictures: `sea.%04d.exr`.
    """

    path: Path
    digest: str
    start_s: Fraction
    duration_s: Fraction
    speed: Fraction = Fraction(1)
    ramp: tuple[tuple[Fraction, Fraction], ...] = ()
    numbering: Numbering | None = None

    def media_time(self, time_s: Fraction) -> Fraction:
        """Media seconds seen `time_s` seconds from the shot's first edge; exact."""
        if not self.ramp:
            return self.start_s + self.speed * time_s
        index = bisect_right(self.ramp, time_s, lo=1, hi=len(self.ramp) - 1, key=itemgetter(0))
        (t0, media0), (t1, media1) = self.ramp[index - 1], self.ramp[index]
        return media0 + (media1 - media0) * (time_s - t0) / (t1 - t0)

    def facts(self) -> list[str]:
        """What decides which pictures are seen, as text: the media by its content, and the times."""
        ramp = [f"{t} {media_s}" for t, media_s in self.ramp]
        return [self.digest, str(self.start_s), str(self.duration_s), str(self.speed), *ramp]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoleyRequest:
    """One take of one cue: everything that decides how it sounds, and nothing else.

    `spans_s` are the stretches in which a person wants it to sound, in seconds from the span's first edge; None leaves
    that to the detector, and where it finds none, an `ordered` sound is made over the whole span.
    """

    span: MediaSpan
    label: str
    seed: int
    settings_digest: str
    model_digest: str
    spans_s: tuple[tuple[Fraction, Fraction], ...] | None = None
    ordered: bool = False

    def key(self) -> str:
        """Content key, 64 hex digits: equal requests have equal keys on every machine.

        The media counts by its content, not its path; the place in the edit does not count.
        """
        canonical = json.dumps(
            {
                "schema": _KEY_SCHEMA,
                "span": self.span.facts(),
                "label": self.label,
                "spans_s": self.spans_s and [f"{start_s} {end_s}" for start_s, end_s in self.spans_s],
                "ordered": self.ordered,
                "seed": self.seed,
                "settings": self.settings_digest,
                "model": self.model_digest,
            },
            sort_keys=True,
        )
        return hashlib.sha256(canonical.encode()).hexdigest()


def feature_key(span: MediaSpan, model_digest: str, encode_digest: str = "") -> str:
    """Content key of what is seen in a stretch, 64 hex digits. encode_digest: of the settings that decide it."""
    return hashlib.sha256(json.dumps([_KEY_SCHEMA, *span.facts(), model_digest, encode_digest]).encode()).hexdigest()


def _step_s(times_s: NDArray[np.float64]) -> Fraction:
    """Times lie in the middle of equal steps, the first of which begins at 0."""
    return Fraction(2 * float(times_s[0])).limit_denominator(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShotFrames:
    """Decoded picture in timeline time: pixels uint8 (T, H, W, 3); times_s (T,) at the middle of each step."""

    pixels: NDArray[np.uint8]
    times_s: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stream:
    """What one way of looking saw of a shot, at its own even steps: values (T, ...) at times_s (T,), the middle of each
    in seconds from the shot's first edge."""

    values: NDArray[np.float32]
    times_s: NDArray[np.float64]

    @property
    def step_s(self) -> Fraction:
        """Seconds from one step to the next."""
        return _step_s(self.times_s)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShotFeatures:
    """What was seen in a shot: streams by name, each with a rate of its own.

    "clip" is always there: embeddings float32 (T, D) as the model's adapter wants them, (T, 0) where nobody needs them.
    "onset", where it was asked for: the probability 0..1 (T,) that something hits.
    """

    streams: Mapping[str, Stream]

    @property
    def clip(self) -> Stream:
        """The embeddings of CLIP."""
        return self.streams["clip"]


def clip_features(values: NDArray[np.float32], times_s: NDArray[np.float64]) -> ShotFeatures:
    """What CLIP alone saw: embeddings (T, D) at times_s (T,)."""
    return ShotFeatures(streams={"clip": Stream(values=values, times_s=times_s)})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TemporalCondition:
    """When a label sounds: similarity in -1..1 (T,), active bool (T,), level in dBFS (T,) or None; times_s (T,).

    `spans_s` are the stretches that a person named, to which `active` was switched. `unseen` tells that the detector
    found none, and that the label was ordered all the same.
    """

    similarity: NDArray[np.float32]
    active: NDArray[np.bool_]
    times_s: NDArray[np.float64]
    level_db: NDArray[np.float32] | None = None
    spans_s: tuple[tuple[Fraction, Fraction], ...] | None = None
    unseen: bool = False

    @property
    def step_s(self) -> Fraction:
        """Seconds from one value to the next."""
        return _step_s(self.times_s)

    @property
    def duration_s(self) -> float:
        """Seconds that the values cover."""
        return float(len(self.times_s) * self.step_s)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoleyClip:
    """Sound in memory: samples float32 (C, N) in -1..1."""

    samples: NDArray[np.float32]
    sample_rate_hz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """When a label sounds in a stretch, in seconds from its first edge, and how sure that is, 0..1; `unseen` as in
    TemporalCondition."""

    active_spans_s: tuple[tuple[float, float], ...]
    confidence: float
    unseen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeScore:
    """How good a take is by our own measures, each 0..1; None where nothing could be measured.

    total: what takes of one cue are ranked by, 1 is best. presence: F1 of sounding when it should, per 20 ms.
    level: 1 is the wanted loudness, 0 is 30 dB away from it in the mean. label: probability that a listener names it
    as it was asked for. The others are faults, 0 is best. silent: 1 when nothing sounds although something should.
    clipping: share of samples in runs at full scale. offset: share of the RMS level that is DC. speech, music:
    probability that a listener hears some where none was asked for.
    """

    total: float
    presence: float
    level: float | None = None
    label: float | None = None
    silent: float = 0.0
    clipping: float = 0.0
    offset: float = 0.0
    speech: float | None = None
    music: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipReceipt:
    """A finished take in the clip store: the only thing that crosses a task boundary.

    `score` is None for a take that was kept before takes were scored. `unseen` tells that the picture does not say when
    it sounds. `unkept` says why the store could not keep it; its file then lies elsewhere while the pass lasts.
    """

    key: str
    wav: Path
    sha256: str
    samples: int
    sample_rate_hz: int
    peak: float
    active_spans_s: tuple[tuple[float, float], ...] = ()
    confidence: float = 0.0
    seconds: float = 0.0
    score: TakeScore | None = None
    unseen: bool = False
    unkept: str = ""

    @property
    def silent(self) -> bool:
        """Nothing was found that should sound: such a take is not laid."""
        return not self.active_spans_s
