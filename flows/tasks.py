"""The work of a pass as Prefect sees it: every piece is a task run that waits for it and tells how it came out.

The tasks are witnesses. The work itself is done by the crew whether or not a server is there to hear of it, so a server
that dies costs the pass nothing. Tasks are untagged (a tag asks the server for a slot each time) and keep no results
(those would stay in memory until the flow ends); the clip store knows what is done.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from prefect import State, Task, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed
from prefect.utilities.annotations import quote

from flows.orders import Order
from flows.planning.plan import PassPlan
from flows.records import PassReport
from flows.shot_job import ShotJob
from flows.work.house_crew import HouseCrew
from flows.work.ledger import Batch, Ledger
from flows.work.steps import Heard, Take
from flows.work.workshop import Workshop

log = logging.getLogger(__name__)

Waiting = Future[Any]


@task(name="plan", task_run_name="plan {edit}", cache_policy=NO_CACHE, persist_result=False)
def plan_task(edit: str, work: Sequence[Waiting]) -> State[Any]:
    """Reading an edit, probing its media, seeing what is done already."""
    return _witness(work, lambda found: Completed(message=found[0].in_words))


@task(name="listen", task_run_name="listen {shots}", cache_policy=NO_CACHE, persist_result=False)
def listen_task(shots: str, work: Sequence[Waiting]) -> State[Any]:
    """Looking at one shot, or some of a large edit, and deciding their cues."""
    return _witness(work, _of_heard)


@task(name="generate", task_run_name="generate {title}", cache_policy=NO_CACHE, persist_result=False)
def generate_task(title: str, work: Sequence[Waiting]) -> State[Any]:
    """Making one batch of takes."""
    return _witness(work, lambda found: _of_takes(found[0]))


@task(name="lay", task_run_name="lay {edit}", cache_policy=NO_CACHE, persist_result=False)
def lay_task(edit: str, work: Sequence[Waiting]) -> State[Any]:
    """Writing the takes, the new edit and the papers."""
    return _witness(work, lambda found: _of_report(found[0]))


class PrefectCrew(HouseCrew):
    """The house crew, with Prefect as its witness. To be used inside a flow run.

    With `many_edits` the shots are named with their edit: those of all edits have the same names.
    """

    def __init__(self, workshop: Workshop, *, many_edits: bool = False) -> None:
        super().__init__(workshop)
        self._many_edits = many_edits
        self._witnesses: set[PrefectFuture[Any]] = set()

    def plan(self, order: Order) -> Waiting:
        """Also told as "plan reel1"."""
        work = super().plan(order)
        self._tell(plan_task, order.edit.stem, [work])
        return work

    def listen(self, jobs: Sequence[ShotJob], plan: PassPlan) -> Sequence[Waiting]:
        """Also told as "listen sh0140", or "listen 20 shots (sh0010..sh0200)"."""
        work = super().listen(jobs, plan)
        first, last = jobs[0].shot_id, jobs[-1].shot_id
        begin = f"{plan.edit.path.stem} {first}" if self._many_edits else first
        self._tell(listen_task, begin if len(jobs) == 1 else f"{len(jobs)} shots ({begin}..{last})", work)
        return work

    def make(self, batch: Batch, plan: PassPlan) -> Waiting:
        """Also told as "generate 8 cues (sh0040..sh0170)"."""
        work = super().make(batch, plan)
        self._tell(generate_task, batch.title, [work])
        return work

    def lay(self, plan: PassPlan, ledger: Ledger, on_stage: Callable[[str], None]) -> Waiting:
        """Also told as "lay reel1"."""
        work = super().lay(plan, ledger, on_stage)
        self._tell(lay_task, plan.edit.path.stem, [work])
        return work

    def _tell(self, witness: Task[..., Any], title: str, work: Sequence[Waiting]) -> None:
        try:
            # Quoted, so that Prefect does not walk through the arguments.
            told = witness.submit(title, quote(list(work)))
        except Exception as error:
            log.warning("Prefect did not take note of %s: %s", title, error)
            return
        self._witnesses.add(told)
        told.add_done_callback(self._witnesses.discard)


def _witness(work: Sequence[Waiting], in_words: Callable[[list[Any]], State[Any]]) -> State[Any]:
    errors = [error for future in work if (error := future.exception())]
    if errors:
        return Failed(message=str(errors[0]))
    return in_words([future.result() for future in work])


def _of_heard(found: list[Heard]) -> State[Any]:
    failed = [heard for heard in found if heard.failure]
    if failed:
        return Completed(name="ShotFailed", message="; ".join(f"{heard.shot_id} {heard.failure}" for heard in failed))
    labels = dict.fromkeys(cue.spotted.label for heard in found for cue in heard.cues)
    return Completed(message=", ".join(labels) or "silent")


def _of_takes(takes: tuple[Take, ...]) -> State[Any]:
    failed = [take.failure for take in takes if take.failure]
    if failed:
        return Completed(name="SomeFailed", message=f"{len(failed)} of {len(takes)} failed: {failed[0]}")
    seconds = sum(take.receipt.seconds for take in takes if take.receipt)
    return Completed(message=f"{len(takes)} made, {seconds / max(1, len(takes)):.1f} s each")


def _of_report(report: PassReport) -> State[Any]:
    return Completed(message=f"{report.summary}; {report.outputs.edit or report.outputs.report}")
