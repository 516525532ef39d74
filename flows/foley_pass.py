"""The Foley pass as a Prefect flow. What it does is in conduct.py; here is how it looks on the server.

No `from __future__ import annotations` here: Prefect reads the annotations to build a deployment's form.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote

from flows.conduct import conduct
from flows.desk import DESK, Desk
from flows.errors import PassError
from flows.laying import OnStage
from flows.options import PassOptions
from flows.plan import PassPlan
from flows.records import ExitCode, PassReport
from flows.schedule import LISTENERS, MAKERS, Batch, Ledger, Pending
from flows.shot_job import ShotJob
from flows.tasks import generate_task, lay_task, listen_task, plan_task
from pipeline.errors import PipelineError
from timeline_io.errors import TimelineError

T = TypeVar("T")


class PrefectCrew:
    """Does the work as Prefect tasks of the flow run that is going on."""

    def __init__(self, plan: PassPlan) -> None:
        self._studio = plan.studio

    def listen(self, job: ShotJob) -> Pending:
        """Submit "listen sh0140"."""
        return listen_task.submit(job.shot_id, _as_is(job), _as_is(self._studio))

    def make(self, batch: Batch) -> Pending:
        """Submit "generate 8 cues (sh0040..sh0170)"."""
        return generate_task.submit(batch.title, _as_is(batch), _as_is(self._studio))

    def lay(self, plan: PassPlan, ledger: Ledger, on_stage: OnStage, elapsed_s: Callable[[], float]) -> PassReport:
        """Run "lay reel1" here."""
        return lay_task(plan.edit.path.stem, _as_is(plan), _as_is(ledger), _as_is(on_stage), _as_is(elapsed_s))


def _as_is(value: T) -> T:
    """The value, not walked through by Prefect on its way to the task."""
    return cast(T, quote(value))


def _run_name() -> str:
    parameters = flow_run.parameters
    return f"{Path(parameters['edit']).stem} seed {PassOptions.model_validate(parameters['options']).seed}"


@flow(
    name="foley-pass",
    flow_run_name=_run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=LISTENERS + MAKERS),  # type: ignore[arg-type]  # it is invariant
    persist_result=False,
)
def foley_pass(edit: Path, options: PassOptions = PassOptions()) -> State[Any]:  # noqa: B008  (frozen)
    """Make Foley for every shot of an edit and lay it back as new audio tracks.

    Args:
        edit: the timeline (.otio .xml .fcpxml .aaf .edl) or movie to make sound for
        options: what to write where, with which model
    """
    desk = DESK.get() or Desk()
    try:
        plan = desk.plan or plan_task(edit.stem, edit, _as_is(options))
        desk.report = conduct(plan, PrefectCrew(plan), desk.tell)
    except (PassError, TimelineError, PipelineError) as error:
        desk.error = error
        return Failed(message=str(error))
    return final_state(desk.report)


def final_state(report: PassReport) -> State[Any]:
    """How the pass ended, in a word and a sentence that a person can act on."""
    summary = f"{report.edit_name}: {report.summary}"
    if report.exit_code == ExitCode.ALL_MADE:
        return Completed(message=summary)
    if report.exit_code == ExitCode.SOME_FAILED:
        return Completed(name="CompletedWithFailures", message=f"{summary}; see {report.outputs.report}")
    if not report.counts["failed"]:
        return Completed(name="NothingToLay", message=f"{summary}; no shot calls for a sound")
    return Failed(message=f"{summary}: {report.first_failure}; see {report.outputs.report}")
