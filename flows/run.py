"""Runs passes from this process, with or without Prefect. Its server is the one that PREFECT_API_URL names, else the
user's running studio, else a private one.

Starting a private Prefect server and loading the model take about ten seconds each, so they happen at the same time.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.desk import DESK, Desk, Listener, PassEvent, nobody
from flows.errors import ConductorError
from flows.fan_out import run_edits
from flows.local_runner import local_tasks
from flows.night import deadline, ends_at, left_as_it_is, orders_of
from flows.options import NightOptions, PassOptions
from flows.orders import Order, Outcome
from flows.pass_run import PassRun
from flows.planning.plan import PassPlan, plan_pass
from flows.records import PassReport
from flows.server.prefect_env import prefect_home, set_defaults
from flows.server.private_server import private_api_url
from flows.studio.reach import join_running_studio
from flows.turn import turn
from flows.work.workshop import workshop_for
from pipeline.errors import first_line

if TYPE_CHECKING:
    from prefect import State


def run_pass(
    edit_path: Path, options: PassOptions, *, tell: Listener = nobody, with_prefect: bool = True
) -> PassReport:
    """Make Foley for an edit. What is wrong with one shot is in the report; what stops the whole pass raises.

    Raises TimelineError (the edit, the cue sheet, the laying), WeightsError (the model), OutputFolderError,
    WorkshopError (no device), ConductorError (no Prefect server). On KeyboardInterrupt the takes in work are the last
    ones, and nothing is laid.
    """
    return perform(plan_pass(edit_path.absolute(), options), tell=tell, with_prefect=with_prefect)


def perform(plan: PassPlan, *, tell: Listener = nobody, with_prefect: bool = True) -> PassReport:
    """Do what is planned. Raises as `run_pass` does."""
    plan.output()
    workshop = workshop_for(plan.options)
    if with_prefect:
        desk = Desk(tell=tell, plan=plan, workshop=workshop)
        (outcome,) = _under_prefect(desk, lambda: _call_pass(plan))
    else:
        order = Order(edit=plan.edit.path, options=plan.options, plan=plan)
        with local_tasks() as tasks, closing(PassRun(workshop)) as run:
            (outcome,) = run_edits([order], run, tasks, tell)
    if outcome.report is None:
        raise outcome.error or ConductorError("the pass ended without a report: run `foley doctor`")
    return outcome.report


def run_night(night: NightOptions, *, tell: Listener = nobody, with_prefect: bool = True) -> list[Outcome]:
    """Make Foley for many edits; what is wrong with one of them is in its outcome. Raises as `run_pass` does."""
    orders_of(night)  # what is wrong with it is said before anything starts
    if with_prefect:
        return _under_prefect(Desk(tell=tell), lambda: _call_night(night))
    closed = deadline(ends_at(night.until, datetime.now()))
    with turn(night.out, tell, wait=night.if_busy == "wait", closed=closed) as is_ours:
        if not is_ours and not closed():
            return []
        run = PassRun(workshop_for(night.options, whole_machine=True))
        with local_tasks() as tasks, closing(run):
            return run_edits(orders_of(night), run, tasks, tell, closed=closed, is_done=left_as_it_is)


def _under_prefect(desk: Desk, call: "Callable[[], State[Any]]") -> list[Outcome]:
    prefect_home()  # what is wrong with it is said before Prefect is imported
    if desk.plan and desk.plan.to_do:
        threading.Thread(target=_warm_up, args=(desk,), name="foley-load", daemon=True).start()
    in_studio = join_running_studio()
    set_defaults()
    desk.tell(PassEvent(stage="start", text=_where(in_studio)))
    token = DESK.set(desk)
    try:
        with _server_settings(in_studio):
            state = _with_a_record(call, desk)
    finally:
        DESK.reset(token)
    if desk.error:
        raise desk.error
    if desk.outcomes is None:
        if state is not None:
            state.result()  # raises what nobody expected
        raise ConductorError("the Prefect flow ended without a report: run `foley doctor`, or add --no-prefect")
    return desk.outcomes


def _where(in_studio: bool) -> str:
    """Who keeps the record, and what it costs."""
    if in_studio:
        return "with the running studio"
    if url := os.environ.get("PREFECT_API_URL"):
        return f"with the Prefect server at {url}"
    return "starting Prefect, some seconds: `foley studio up` keeps it running, --no-prefect does without"


def _warm_up(desk: Desk) -> None:
    # Who shares a pass lets its GPU go while it waits for the others: nobody may be about to take it then.
    if desk.plan and desk.workshop and desk.plan.options.workers == 1:
        # Errors are the pass's own: it opens the workshop again and reports them.
        with suppress(Exception):
            desk.workshop.open(desk.plan.studio, lambda text: desk.tell(PassEvent(stage="wait", text=text)))


@contextmanager
def _server_settings(in_studio: bool) -> Iterator[None]:
    """Prefect's settings for this pass: the user's server, or one of its own where there is none.

    The heartbeat costs a second at the end of every flow, and only a studio has somebody who minds it: elsewhere it is
    off.
    """
    import prefect.main  # noqa: F401  (it sets up the logging; later it would undo what follows)
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    # Failed shots are reported in our words; Prefect's "Finished in state Failed" would only say it twice.
    for name in ("prefect", "EventsWorker", "APILogWorker"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    url = PREFECT_API_URL.value() or private_api_url()
    no_heartbeat = {} if in_studio else {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    with temporary_settings({PREFECT_API_URL: url, **no_heartbeat}):
        yield


def _with_a_record(call: "Callable[[], State[Any]]", desk: Desk) -> "State[Any] | None":
    """Call the flow; None when the pass is finished and only its record could not be kept."""
    from prefect.settings import PREFECT_API_URL

    try:
        return call()
    except Exception as error:
        # What goes wrong inside the flow is in its state; what is raised is that Prefect could not keep its record.
        told = f"the Prefect server at {PREFECT_API_URL.value()} does not answer ({first_line(error)})"
        if desk.outcomes is None:
            raise ConductorError(
                f"{told}: start it, unset PREFECT_API_URL, or do without it with --no-prefect"
            ) from error
        desk.tell(PassEvent(stage="stop", text=f"the work is done, but {told}, so its record is incomplete"))
        return None


def _call_pass(plan: PassPlan) -> "State[Any]":
    from flows.foley_pass import foley_pass

    return foley_pass(plan.edit.path, plan.options, return_state=True)


def _call_night(night: NightOptions) -> "State[Any]":
    from flows.overnight import overnight

    return overnight(night, return_state=True)
