"""What a planned pass, or a night of them, will need: work, time, disk, memory, and whether its model may be used.

Nothing is written and no model is loaded. What nobody can know yet is None, and said so.
"""

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from flows.planning.plan import PassPlan
from flows.records import ShotState
from flows.shot_job import ShotJob, cue_jobs
from flows.watching.pace import Amounts, Estimate, Pace, PaceBook, amounts_of, times
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.weights.catalogue import published_models

_BYTES_PER_SECOND = 3 * SAMPLE_RATE_HZ  # 24 bits, of each channel
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
    number_format: str
    licence: str
    commercial_use: bool


def forecast(*plans: PassPlan, devices: int = 1) -> Forecast:
    """Look ahead, over one plan or a night of them, which share a model and a store. Writes nothing."""
    first = plans[0]
    book, amounts = PaceBook(first.studio), amounts_of(*plans)
    pace = book.pace()
    known = {cue.request.key() for plan in plans for heard in plan.known.values() for cue in heard.cues}
    told = {key for plan in plans for job in plan.to_do for key in _takes_of(job, plan)}
    return Forecast(
        shots=sum(len(plan.edit.shots) for plan in plans),
        missing=tuple(missing for plan in plans for missing in missing_of(plan)),
        made_already=len(known | told) - amounts.takes,
        to_hear=amounts.to_hear,
        to_make=amounts.takes,
        all_told=not amounts.open_s,
        estimate=book.estimate(amounts, devices=devices),
        disk=_disk(plans, amounts, pace),
        memory=_memory(first, pace),
        number_format=first.studio.number_format,
        licence=first.card.licence,
        commercial_use=not first.card.non_commercial,
    )


def missing_of(plan: PassPlan) -> list[Missing]:
    """The shots of a plan that cannot get sound as things are."""
    failed = [report for report in plan.settled if report.state is ShotState.FAILED]
    return [Missing(shot_id=report.shot_id, name=report.name, why=report.reason) for report in failed]


def _takes_of(job: ShotJob, plan: PassPlan) -> list[str]:
    """The keys of the takes a shot wants, as far as they are known."""
    studio = plan.studio
    cues = cue_jobs(job, job.given or (), settings_digest=studio.settings_digest, model_digest=studio.model_digest)
    return [cue.request.key() for cue in cues]


def _disk(plans: Sequence[PassPlan], amounts: Amounts, pace: Pace) -> Disk:
    open_sound_s = times(pace.sound, amounts.open_s)
    store = None if open_sound_s is None else _bytes_of([amounts.sound_s + open_sound_s], amounts.takes, plans[0])
    outs = [_out_bytes(plan, pace) for plan in plans]
    previews = [_preview_bytes(plan, pace) for plan in plans]
    places = [(plan.folder, _sum([out, preview])) for plan, out, preview in zip(plans, outs, previews, strict=True)]
    places.append((plans[0].studio.store, store))
    return Disk(
        store=store,
        out=_sum(outs),
        preview=_sum(previews),
        free=min(shutil.disk_usage(_standing(path)).free for path, _ in places),
        enough=_enough(places),
    )


def _out_bytes(plan: PassPlan, pace: Pace) -> int | None:
    """What a plan's output folder will hold more than it does now, but for the preview."""
    open_s = sum(float(job.span.duration_s) for job in plan.to_do if job.given is None)
    open_sound_s = times(pace.sound, open_s)
    if open_sound_s is None:
        return None
    return max(0, _delivered(plan, open_sound_s) - _lying_in(plan.folder / "takes")) + _stems(plan)


def _preview_bytes(plan: PassPlan, pace: Pace) -> int | None:
    if not plan.options.preview:
        return 0
    size = times(pace.movie, float(plan.edit.frame_count / plan.edit.rate))
    return None if size is None else ceil(size)


def _enough(places: Iterable[tuple[Path, int | None]]) -> bool | None:
    """Whether there is room for so many bytes at each place; several may lie on one disk."""
    wanted: dict[int, int] = {}
    free: dict[int, int] = {}
    for path, size in places:
        if size is None:
            return None
        place = _standing(path)
        wanted[_device(place)] = wanted.get(_device(place), 0) + size
        free[_device(place)] = shutil.disk_usage(place).free
    return all(size <= free[device] for device, size in wanted.items())


def _sum(sizes: Sequence[int | None]) -> int | None:
    """None as soon as one of them is not known."""
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def _delivered(plan: PassPlan, open_sound_s: float) -> int:
    """Bytes of the takes that the output folder will hold: every shot has files of its own."""
    lengths = [float(job.file.duration_s) for job in plan.jobs for _ in range(_files_of(job, plan))]
    return _bytes_of([*lengths, open_sound_s], len(lengths), plan)


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
    return len({cue.category for cue in cues}) * _bytes_of([float(plan.edit.frame_count / plan.edit.rate)], 1, plan)


def _bytes_of(lengths_s: Iterable[float], files: int, plan: PassPlan) -> int:
    return ceil(sum(lengths_s) * _BYTES_PER_SECOND * plan.card.family.channels) + files * _BYTES_BESIDE_A_TAKE


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
