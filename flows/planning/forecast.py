"""What a planned pass will need before it begins: work, time, disk, memory, and whether its model may be used for it.

Nothing is written and no model is loaded. What nobody can know yet is None, and said so.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from flows.planning.plan import PassPlan
from flows.records import ShotState
from flows.shot_job import ShotJob, cue_jobs
from flows.watching.pace import Amounts, Estimate, Pace, PaceBook, amounts_of
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.weights.catalogue import published_models

_BYTES_PER_SECOND = 3 * SAMPLE_RATE_HZ  # 24 bit mono
_BYTES_BESIDE_A_TAKE = 4096  # header, sidecar, what a file takes at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A shot that cannot get sound as things are, and why."""

    shot_id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Bytes that a pass will add; None where nobody knows. `store` holds the takes, `out` what is delivered of them.

    `free` is what the smaller of the two disks has left; `enough` is None as long as something is not known.
    """

    store: int | None
    out: int | None
    preview: int | None
    free: int
    enough: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Megabytes at the highest. `measured`: by a pass here before; otherwise it is what the weights alone take."""

    megabytes: float
    gpu_megabytes: float | None
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What lies ahead. `to_make` counts the takes that are known to be missing; the shots of `to_hear` may ask for
    more, unless `all_told`."""

    shots: int
    missing: tuple[Missing, ...]
    made_already: int
    to_hear: int
    to_make: int
    all_told: bool
    estimate: Estimate
    disk: Disk
    memory: Memory | None
    licence: str
    commercial_use: bool


def forecast(plan: PassPlan, *, devices: int = 1) -> Forecast:
    """Look ahead. Reads the store, writes nothing."""
    book, amounts = PaceBook(plan.studio), amounts_of(plan)
    pace = book.pace()
    known = {cue.request.key() for heard in plan.known.values() for cue in heard.cues}
    told = {key for job in plan.to_do for key in _takes_of(job, plan)}
    return Forecast(
        shots=len(plan.edit.shots),
        missing=tuple(
            Missing(shot_id=report.shot_id, name=report.name, why=report.reason)
            for report in plan.settled
            if report.state is ShotState.FAILED
        ),
        made_already=len(known | told) - amounts.takes,
        to_hear=amounts.to_hear,
        to_make=amounts.takes,
        all_told=not amounts.open_s,
        estimate=book.estimate(amounts, devices=devices),
        disk=_disk(plan, amounts, pace),
        memory=_memory(plan, pace),
        licence=plan.card.licence,
        commercial_use=not plan.card.non_commercial,
    )


def _takes_of(job: ShotJob, plan: PassPlan) -> list[str]:
    """The keys of the takes a shot wants, as far as they are known."""
    studio = plan.studio
    cues = cue_jobs(job, job.given or (), settings_digest=studio.settings_digest, model_digest=studio.model_digest)
    return [cue.request.key() for cue in cues]


def _disk(plan: PassPlan, amounts: Amounts, pace: Pace) -> Disk:
    open_sound_s = 0.0 if not amounts.open_s else None if pace.sound is None else pace.sound * amounts.open_s
    store = out = None
    if open_sound_s is not None:
        store = _bytes_of([amounts.sound_s + open_sound_s], amounts.takes)
        out = max(0, _delivered(plan, open_sound_s) - _lying_in(plan.folder / "takes")) + _stems(plan)
    preview: int | None = 0
    if plan.options.preview:
        seconds = float(plan.edit.frame_count / plan.edit.rate)
        preview = None if pace.movie is None else ceil(pace.movie * seconds)
    free = {_device(path): shutil.disk_usage(path).free for path in map(_standing, (plan.studio.store, plan.folder))}
    return Disk(
        store=store, out=out, preview=preview, free=min(free.values()), enough=_enough(store, out, preview, plan)
    )


def _enough(store: int | None, out: int | None, preview: int | None, plan: PassPlan) -> bool | None:
    """Whether there is room on each disk; they may be one and the same."""
    if store is None or out is None or preview is None:
        return None
    wanted: dict[int, int] = {}
    free: dict[int, int] = {}
    for path, size in ((plan.studio.store, store), (plan.folder, out + preview)):
        place = _standing(path)
        wanted[_device(place)] = wanted.get(_device(place), 0) + size
        free[_device(place)] = shutil.disk_usage(place).free
    return all(size <= free[device] for device, size in wanted.items())


def _delivered(plan: PassPlan, open_sound_s: float) -> int:
    """Bytes of the takes that the output folder will hold: every shot has files of its own."""
    lengths = [float(job.record.duration_s) for job in plan.jobs for _ in range(_files_of(job, plan))]
    return _bytes_of([*lengths, open_sound_s], len(lengths))


def _files_of(job: ShotJob, plan: PassPlan) -> int:
    """How many takes of a shot will be delivered, as far as that is known; one without a sound is not."""
    known = plan.known.get(job.shot_id)
    return sum(not receipt.silent for receipt in known.stored) if known else len(_takes_of(job, plan))


def _stems(plan: PassPlan) -> int:
    """Bytes of the stems of the categories that are known."""
    if not plan.options.stems:
        return 0
    cues = [cue for job in plan.jobs for cue in job.given or ()]
    cues += [cue.spotted for heard in plan.known.values() for cue in heard.cues]
    return len({cue.category for cue in cues}) * _bytes_of([float(plan.edit.frame_count / plan.edit.rate)], 1)


def _bytes_of(lengths_s: Iterable[float], files: int) -> int:
    return ceil(sum(lengths_s) * _BYTES_PER_SECOND) + files * _BYTES_BESIDE_A_TAKE


def _lying_in(folder: Path) -> int:
    """Bytes of the files in a folder; 0 when there is none."""
    try:
        return sum(file.stat().st_size for file in folder.iterdir())
    except OSError:
        return 0


def _standing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(place for place in (path, *path.parents) if os.path.isdir(place))  # noqa: PTH112


def _device(path: Path) -> int:
    return path.stat().st_dev


def _memory(plan: PassPlan, pace: Pace) -> Memory | None:
    """What a pass took here before, else the least it can take: the weights."""
    if pace.memory_mb is not None:
        return Memory(megabytes=pace.memory_mb, gpu_megabytes=pace.gpu_mb, measured=True)
    published = published_models().get(plan.card.name)
    size = plan.card.size_bytes or (published.installed_bytes if published else 0)
    return Memory(megabytes=round(size / 1e6, 1), gpu_megabytes=None, measured=False) if size else None
