"""A Foley pass over one edit as a Prefect flow. What it does is told in fan_out.py, by the tasks of tasks.py.

No `from __future__ import annotations` here: Prefect reads the annotations to build a deployment's form.
"""

from contextlib import closing
from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.desk import DESK, Desk
from flows.errors import PassError
from flows.fan_out import run_edits
from flows.local_runner import THREADS
from flows.options import PassOptions
from flows.orders import Order
from flows.pass_run import PassRun
from flows.places import absolute
from flows.records import ExitCode, PassReport
from flows.server.absent_server import wait_for_server
from flows.share import share_out
from flows.tasks import TASKS
from flows.watching.audience import audience
from flows.work.workshop import workshop_for
from pipeline.errors import PipelineError
from timeline_io.errors import TimelineError


def _run_name() -> str:
    parameters = flow_run.parameters
    return f"{Path(parameters['edit']).stem} seed {PassOptions.model_validate(parameters['options']).seed}"


@flow(
    name="foley-pass",
    flow_run_name=_run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=THREADS),  # type: ignore[arg-type]  # it is invariant
    persist_result=False,
)
def foley_pass(edit: Path, options: PassOptions = PassOptions()) -> State[Any]:  # noqa: B008  (frozen)
    """Make Foley for every shot of an edit and lay it back as new audio tracks.

    Args:
        edit: the timeline (.otio .xml .fcpxml .aaf .edl) or movie to make sound for
        options: what to write where, with which model
    """
    desk = DESK.get() or Desk()
    order = Order(edit=absolute(edit), options=options, plan=desk.plan)
    try:
        with (
            closing(PassRun(desk.workshop or workshop_for(options))) as run,
            audience(desk.tell, place=order.edit.parent, devices=run.engine.makers) as tell,
        ):
            desk.outcomes = run_edits(share_out([order], run.engine, TASKS, tell), run, TASKS, tell)
    except (PassError, TimelineError, PipelineError) as error:
        desk.error = error
    wait_for_server(desk.tell)
    if desk.outcomes is None:
        return Failed(message=str(desk.error))
    (outcome,) = desk.outcomes
    return Failed(message=outcome.how_it_ended) if outcome.report is None else final_state(outcome.report)


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
