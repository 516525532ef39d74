"""What this machine knows of its own speed: figures of the passes it did with a model and its settings.

They lie in the store (`pace/<key>.json`), so a dry run can say how long a pass will take and a pass how long it will
still take. What was never measured here is None: nobody is told an invented figure.
"""

import hashlib
import json
import math
import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from flows.planning.plan import PassPlan
from flows.shot_job import ShotJob, cue_jobs
from flows.work.engine import Studio
from flows.work.steps import BATCH_SIZE
from flows.work.workshop import LISTENERS
from pipeline.errors import OutputError
from pipeline.files import replacing
from pipeline.records import feature_key

_MARK, _SCHEMA = "smooth-foley pace", 1
_PASSES_KEPT = 8
_NEWER_COUNTS_MORE = 0.75  # each pass weighs this much of the one after it
# From how much on a pass is a full witness: seconds of shot or of sound, number of shots.
_ENOUGH = 20.0
_PEAKS = ("memory_mb", "gpu_mb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What passes took on this machine; None where it was never measured.

    listen: seconds of one hand's work per second of shot. make: seconds of work per second of sound. make_wall: seconds
    of one device per second of sound, waiting included; less than `make` where a device makes several takes at once.
    sound: seconds of sound made per second of shot. lay, plan: seconds per shot of the edit. load_s: until the model is
    there. movie: bytes of preview per second of edit. memory_mb, gpu_mb: the highest so far.
    """

    listen: float | None = None
    make: float | None = None
    make_wall: float | None = None
    sound: float | None = None
    lay: float | None = None
    plan: float | None = None
    load_s: float | None = None
    movie: float | None = None
    memory_mb: float | None = None
    gpu_mb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One figure of one pass, in the unit of its field in `Pace`, and how much work it was measured over."""

    value: float
    amount: float = _ENOUGH


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """The work of a pass. `shot_s`: seconds of the shots whose picture nobody has looked at yet; `job_s`: of all shots
    with work; `sound_s`: of the takes known to be missing; `open_s`: of the shots whose sounds nobody knows before they
    were listened to."""

    edit_shots: int
    to_hear: int
    shot_s: float
    job_s: float
    takes: int
    sound_s: float
    open_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How long a pass will take, in seconds: of work for `listen_s` and `make_s`, on the clock for `lay_s` and
    `wall_s`. None: never measured here."""

    listen_s: float | None
    make_s: float | None
    lay_s: float | None
    wall_s: float | None
    memory_mb: float | None
    gpu_mb: float | None


class PaceBook:
    """The figures of one machine, device, model and set of settings."""

    def __init__(self, studio: Studio) -> None:
        self._title = {
            "machine": platform.node(),
            "device": studio.device,
            "model": studio.model_digest,
            "settings": studio.settings_digest,
        }
        key = hashlib.sha256(json.dumps(self._title, sort_keys=True).encode()).hexdigest()[:32]
        self.path: Path = studio.store / "pace" / f"{key}.json"

    def pace(self) -> Pace:
        """What is known; nothing when the file is absent or damaged. Writes nothing."""
        passes = self._passes()
        names = [field.name for field in fields(Pace)]
        return Pace(**{name: _settled(name, [past.get(name) for past in reversed(passes)]) for name in names})

    def learn(self, seen: Mapping[str, Measured]) -> None:
        """Add a pass. Never raises: a figure that cannot be kept is only forgotten."""
        if not seen:
            return
        newest = {name: asdict(measured) for name, measured in seen.items() if _sane(measured)}
        document = {"what": _MARK, "schema": _SCHEMA, **self._title}
        document["passes"] = [*self._written(), newest][-_PASSES_KEPT:]
        with suppress(OutputError), replacing(self.path) as draft:
            draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    def estimate(self, amounts: Amounts, *, listeners: int = LISTENERS, devices: int = 1) -> Estimate:
        """How long this much will take here, with so many hands that listen and so many devices that make."""
        return estimate(self.pace(), amounts, listeners=listeners, devices=devices)

    def _passes(self) -> list[dict[str, Measured]]:
        return [_read(past) for past in self._written()]

    def _written(self) -> list[dict[str, Any]]:
        """The passes as they lie in the file; what is no pass is passed over."""
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
            passes = document["passes"] if document["what"] == _MARK else []
            return [past for past in passes if isinstance(past, dict)]
        except (OSError, ValueError, KeyError, TypeError):
            return []


def amounts_of(*plans: PassPlan) -> Amounts:
    """The work that planned passes of one studio have left. Looks into the store for takes that are there already."""
    to_do = [(job, plan.studio) for plan in plans for job in plan.to_do]
    # By key: the same picture twice is made once.
    missing = {key: seconds for job, studio in to_do for key, seconds in _missing(job, studio)}
    return Amounts(
        edit_shots=sum(len(plan.edit.shots) for plan in plans),
        to_hear=len(to_do),
        shot_s=sum(look_s(job, studio) for job, studio in to_do),
        job_s=sum(float(job.span.duration_s) for job, _ in to_do),
        takes=len(missing),
        sound_s=sum(missing.values()),
        open_s=sum(float(job.span.duration_s) for job, _ in to_do if job.given is None),
    )


def look_s(job: ShotJob, studio: Studio) -> float:
    """Seconds of a shot that have to be looked at: none when an earlier pass did, which makes listening almost free."""
    seen = studio.features.holds(feature_key(job.span, studio.model_digest, studio.settings.encode_digest()))
    return 0.0 if seen else float(job.span.duration_s)


def estimate(pace: Pace, amounts: Amounts, *, listeners: int, devices: int) -> Estimate:
    """`PaceBook.estimate` with the figures at hand."""
    sound_s = _sum(amounts.sound_s, times(pace.sound, amounts.open_s))
    listen_s, lay_s = times(pace.listen, amounts.shot_s), times(pace.lay, amounts.edit_shots)
    make_wall_s = times(pace.make_wall, sound_s)
    wall_s = None
    if listen_s is not None and make_wall_s is not None and lay_s is not None:
        load_s = pace.load_s or 0.0 if amounts.to_hear else 0.0
        wall_s = load_s + side_by_side(listen_s / listeners, make_wall_s / devices, _batches(amounts, sound_s)) + lay_s
    return Estimate(
        listen_s=listen_s,
        make_s=times(pace.make, sound_s),
        lay_s=lay_s,
        wall_s=wall_s,
        memory_mb=pace.memory_mb,
        gpu_mb=pace.gpu_mb,
    )


def side_by_side(listen_s: float, make_s: float, batches: float) -> float:
    """The clock time of listening and making, which overlap but for one batch: nothing can be made before the first
    is heard, and the last is made when all is heard."""
    return max(listen_s, make_s) + min(listen_s, make_s) / max(1.0, batches)


def _batches(amounts: Amounts, sound_s: float | None) -> float:
    """How many batches that much sound comes in, when a take is as long as the shots are in the mean."""
    if not sound_s or not amounts.job_s:
        return 1.0
    return sound_s / (amounts.job_s / amounts.to_hear) / BATCH_SIZE


def _missing(job: ShotJob, studio: Studio) -> Iterable[tuple[str, float]]:
    """The key and the length of each take that a shot with known cues lacks; nothing for one nobody listened to."""
    digests = {"settings_digest": studio.settings_digest, "model_digest": studio.model_digest}
    keys = [cue.request.key() for cue in cue_jobs(job, job.given or (), **digests)]
    return [(key, float(job.span.duration_s)) for key in keys if studio.clips.find(key) is None]


def _settled(name: str, newest_first: list[Measured | None]) -> float | None:
    """One figure from several passes: the highest for a peak, else the weighted median, which no odd night can move."""
    known = [(_NEWER_COUNTS_MORE**age, found) for age, found in enumerate(newest_first) if found]
    if not known:
        return None
    if name in _PEAKS:
        return max(found.value for _, found in known)
    weighed = sorted((found.value, weight * min(1.0, found.amount / _ENOUGH)) for weight, found in known)
    half, passed = sum(weight for _, weight in weighed) / 2, 0.0
    for value, weight in weighed:
        passed += weight
        if passed >= half:
            return value
    return weighed[-1][0]


def _read(past: Mapping[str, Any]) -> dict[str, Measured]:
    """The figures of one pass; what is damaged is left out."""
    found = {}
    for name, told in past.items():
        with suppress(TypeError, ValueError, KeyError):
            measured = Measured(value=float(told["value"]), amount=float(told["amount"]))
            if _sane(measured):
                found[name] = measured
    return found


def _sane(measured: Measured) -> bool:
    return (
        math.isfinite(measured.value) and measured.value >= 0 and math.isfinite(measured.amount) and measured.amount > 0
    )


def times(rate: float | None, amount: float | None) -> float | None:
    """`rate` for `amount`; no work takes no time, whatever the rate."""
    if amount == 0:
        return 0.0
    return None if rate is None or amount is None else rate * amount


def _sum(one: float, other: float | None) -> float | None:
    return None if other is None else one + other
