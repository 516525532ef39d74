"""Runs a pass from this process, with or without Prefect. Its server is the one that PREFECT_API_URL names, else the
user's running studio, else a private one.

Starting a private Prefect server and loading the model take about ten seconds each, so they happen at the same time.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.boundary import attempt
from flows.conduct import conduct_on_threads
from flows.desk import DESK, Desk, Listener, PassEvent, nobody
from flows.engine import resident
from flows.errors import ConductorError
from flows.options import PassOptions
from flows.plan import PassPlan, plan_pass
from flows.prefect_env import set_defaults
from flows.private_server import private_api_url
from flows.records import PassReport
from flows.studio.reach import join_running_studio

if TYPE_CHECKING:
    from prefect import State


def run_pass(
    edit_path: Path, options: PassOptions, *, tell: Listener = nobody, with_prefect: bool = True
) -> PassReport:
    """Make Foley for an edit. What is wrong with one shot is in the report; what stops the whole pass raises.

    Raises TimelineError (the edit, the cue sheet, the laying), WeightsError (the model), OutputFolderError,
    ConductorError (no Prefect server). On KeyboardInterrupt the take in hand is the last one, and nothing is laid.
    """
    return perform(plan_pass(edit_path.absolute(), options), tell=tell, with_prefect=with_prefect)


def perform(plan: PassPlan, *, tell: Listener = nobody, with_prefect: bool = True) -> PassReport:
    """Do what is planned. Raises as `run_pass` does."""
    plan.output()
    return _under_prefect(plan, tell) if with_prefect else conduct_on_threads(plan, tell)


def _under_prefect(plan: PassPlan, tell: Listener) -> PassReport:
    if plan.to_do:
        # Errors are kept for the pass itself, which asks for the engine again and reports them.
        threading.Thread(target=attempt, args=(resident, plan.studio), name="foley-load", daemon=True).start()
    in_studio = join_running_studio()
    set_defaults()
    where = "with the running studio" if in_studio else "starting Prefect, which takes a moment"
    tell(PassEvent(stage="start", text=where))
    desk = Desk(tell=tell, plan=plan)
    token = DESK.set(desk)
    try:
        with _server_settings(in_studio):
            state = _call_flow(plan)
    finally:
        DESK.reset(token)
    if desk.error:
        raise desk.error
    if desk.report is None:
        state.result()  # raises what nobody expected
        raise ConductorError("the Prefect flow ended without a report: run `foley doctor`, or add --no-prefect")
    return desk.report


@contextmanager
def _server_settings(in_studio: bool) -> Iterator[None]:
    """Prefect's settings for this pass: the user's server, or one of its own where there is none.

    The heartbeat costs a second at the end of every flow, and only a studio has somebody who minds it: elsewhere it is
    off.
    """
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    # Failed shots are reported in our words; Prefect's "Finished in state Failed" would only say it twice.
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    url = PREFECT_API_URL.value() or private_api_url()
    no_heartbeat = {} if in_studio else {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    with temporary_settings({PREFECT_API_URL: url, **no_heartbeat}):
        yield


def _call_flow(plan: PassPlan) -> "State[Any]":
    from prefect.settings import PREFECT_API_URL

    from flows.foley_pass import foley_pass

    try:
        return foley_pass(plan.edit.path, plan.options, return_state=True)
    except Exception as error:
        # What goes wrong inside the flow is in its state; what is raised is that Prefect could not keep its record.
        first_line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConductorError(
            f"the Prefect server at {PREFECT_API_URL.value()} does not answer ({first_line}): start it, "
            "unset PREFECT_API_URL, or do without it with --no-prefect"
        ) from error
