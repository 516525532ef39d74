"""Spotting without making: look at every shot, decide its cues, say when each sounds. What comes out is a cue sheet."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from flows.desk import Listener, PassEvent, nobody
from flows.errors import OutputFolderError
from flows.planning.plan import PassPlan
from flows.shot_job import HEARD, CueJob, ShotJob, record_spans
from flows.work.boundary import Failure, attempt
from flows.work.engine import Studio, resident
from flows.work.steps import STOP, Heard, detect, encode
from flows.work.workshop import LISTENERS
from timeline_io.cue_sheet import Cue, silent_cue, write_cues


@dataclass(frozen=True, slots=True, kw_only=True)
class SpottedShot:
    """The cues of one shot, or why there are none."""

    shot_id: str
    cues: tuple[Cue, ...] = ()
    failure: str = ""


def spot_pass(plan: PassPlan, tell: Listener = nobody) -> tuple[SpottedShot, ...]:
    """Listen to every shot of the plan; one SpottedShot each, in record order, failed ones among them.

    Raises WeightsError when the model cannot be loaded.
    """
    tell(PassEvent(stage="load", text=f"loading the model {plan.card.name}"))
    resident(plan.studio)
    STOP.clear()
    heard = {shot.shot_id: shot for shot in _failed(plan)}
    with ThreadPoolExecutor(LISTENERS, thread_name_prefix="spot") as pool:
        for done, shot in enumerate(pool.map(lambda job: _spot(job, plan.studio), plan.jobs), start=1):
            heard[shot.shot_id] = shot
            tell(PassEvent(stage="listen", done=done, total=len(plan.jobs)))
    return tuple(heard[shot.shot_id] for shot in plan.edit.shots if shot.shot_id in heard)


def require_free(sheet: Path) -> None:
    """Raise OutputFolderError when there is such a file: it may hold somebody's work."""
    if os.path.lexists(sheet):
        raise OutputFolderError(f"{sheet} exists, and a cue sheet may hold somebody's work: name another with --out")


def write_sheet(path: Path, plan: PassPlan, shots: Iterable[SpottedShot]) -> Path:
    """The cue sheet of what was spotted. Raises OutputFolderError rather than replace a file that is there."""
    require_free(path)
    return write_cues(path, plan.edit, [cue for shot in shots for cue in shot.cues])


def _failed(plan: PassPlan) -> Iterable[SpottedShot]:
    return (SpottedShot(shot_id=r.shot_id, failure=r.reason) for r in plan.settled if r.shot_id and r.state == "failed")


def _spot(job: ShotJob, studio: Studio) -> SpottedShot:
    heard = _heard(job, studio)
    if isinstance(heard, Failure):
        return SpottedShot(shot_id=job.shot_id, failure=heard.reason)
    cues = attempt(_timed, job, {cue.cue_id: cue for cue in heard.cues}.values(), studio)
    if isinstance(cues, Failure):
        return SpottedShot(shot_id=job.shot_id, failure=cues.reason)
    return SpottedShot(shot_id=job.shot_id, cues=cues or (silent_cue(job.shot_id, HEARD),))


def _heard(job: ShotJob, studio: Studio) -> Heard | Failure:
    seen = encode(job, studio)
    return seen if isinstance(seen, Failure) else detect(job, studio)


def _timed(job: ShotJob, cues: Iterable[CueJob], studio: Studio) -> tuple[Cue, ...]:
    return tuple(_cue(job, cue, studio) for cue in cues)


def _cue(job: ShotJob, cue: CueJob, studio: Studio) -> Cue:
    found = resident(studio).detect(job.span, cue.spotted.label)
    return Cue(
        cue_id=cue.cue_id,
        shot_id=job.shot_id,
        label=cue.spotted.label,
        category=cue.spotted.category,
        seed=cue.seed,
        source=cue.spotted.source,
        confidence=found.confidence,
        heard=record_spans(found.active_spans_s, job),
        spans=cue.spotted.spans,
        take=cue.spotted.take,
        best=cue.spotted.best,
        tail_frames=cue.spotted.tail_frames,
        locked=cue.spotted.locked,
    )
