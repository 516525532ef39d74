"""The five steps of a pass, as plain functions of what is to be done and of the run it is done in.

tasks.py makes Prefect's tasks of them, local_runner.py runs them without Prefect. What a step gives back is small:
arrays go through the store.
"""

from typing import Any

from flows.pass_run import PassRun, limit_s
from flows.records import PassReport
from flows.work.boundary import Failure
from flows.work.steps import Heard, Take
from flows.work_items import Batch, EditToLay, EditToPlan, ShotsToDetect, ShotsToEncode


def plan_edit(work: EditToPlan, run: PassRun) -> str:
    """Read an edit, find and probe its media, see what is done already; how much there is to do, in words."""
    work.edit.planned(run.plan(work.edit.order))
    return work.edit.plan.in_words


def encode_frames(work: ShotsToEncode, run: PassRun) -> list[str | Failure]:
    """CLIP embeddings of what is seen of some shots, frame by frame: their keys in the store."""
    return _of_shots("encode", work, run)


def detect_cues(work: ShotsToDetect, run: PassRun) -> list[Heard | Failure]:
    """What should sound in some shots, and when: label-guided detection over the frames."""
    return _of_shots("detect", work, run)


def generate_takes(work: Batch, run: PassRun) -> list[Take | Failure]:
    """A batch of takes, in the store."""
    names = [("make", 0, request.key()) for request in work.requests]
    seconds = [float(request.span.duration_s) for request in work.requests]
    return run.together("make", work.requests, names, limit_s(work.plan.options, seconds))


def lay_tracks(work: EditToLay, run: PassRun) -> PassReport:
    """The takes on new audio tracks of an edit, and the papers that explain them. Shots that failed are reported."""
    return run.lay(work.edit, lambda text: run.on_stage(work.edit, text), run.elapsed_s)


def _of_shots(kind: str, work: ShotsToEncode | ShotsToDetect, run: PassRun) -> list[Any]:
    names = [(kind, id(work.edit), job.shot_id) for job in work.jobs]
    limits_s = [limit_s(work.edit.plan.options, [float(job.span.duration_s)]) for job in work.jobs]
    return run.each(kind, work.jobs, names, limits_s)
