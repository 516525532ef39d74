"""A night's work as a Prefect flow: many edits, one engine per device, batches across edits.

No `from __future__ import annotations` here: Prefect reads the annotations to build a deployment's form.
"""

import logging
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import State, flow
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.desk import DESK, Desk
from flows.errors import PassError
from flows.fan_out import run_edits
from flows.local_runner import THREADS
from flows.night import Asked, deadline, ended_by, ends_at, last_asked, left_as_it_is, orders_of, place_of, sum_up
from flows.options import NightOptions
from flows.pass_run import PassRun
from flows.reminder import news_of, told_lately
from flows.server.absent_server import wait_for_server
from flows.share import share_out
from flows.tasks import TASKS
from flows.turn import turn
from flows.watching.audience import audience
from flows.work.workshop import workshop_for
from pipeline.errors import PipelineError
from timeline_io.errors import TimelineError

log = logging.getLogger(__name__)


def _run_name() -> str:
    return f"night of {datetime.now():%Y-%m-%d}"


def _asked() -> Asked:
    """When this night was asked for, and whether it was begun since."""
    try:
        with get_client(sync_client=True) as client:
            return last_asked(client.read_flow_run_states(UUID(str(flow_run.id))))
    except Exception as error:
        log.warning("the server does not say when this night was begun: %s", error)
        return Asked(moment=flow_run.scheduled_start_time)


@flow(
    name="overnight",
    flow_run_name=_run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=THREADS),  # type: ignore[arg-type]  # it is invariant
    persist_result=False,
)
def overnight(night: NightOptions) -> State[Any]:
    """Make Foley for every edit of an inbox or a list, each into a folder of its own.

    Args:
        night: which edits, where to, until when, and the options that all of them share
    """
    desk = DESK.get() or Desk()
    asked = _asked() if night.until else Asked()
    end = ends_at(night.until, asked.local)
    closed = deadline(end)
    try:
        with turn(night.out, desk.tell, wait=night.if_busy == "wait", closed=closed) as is_ours:
            if not is_ours and not closed():
                desk.outcomes = []
                return Completed(name="Skipped", message=f"another night still works into {night.out}")
            # What is complete of a night that goes on is laid, even after the deadline.
            orders = [replace(order, begun=is_ours and asked.begun) for order in orders_of(night)]
            workshop = desk.workshop or workshop_for(night.options, whole_machine=True)
            with (
                closing(PassRun(workshop)) as run,
                audience(desk.tell, place=place_of(night), devices=workshop.makers, night=True) as tell,
            ):
                orders = share_out(orders, workshop, TASKS, tell, end=end)
                desk.outcomes = run_edits(orders, run, TASKS, tell, closed=closed, is_done=left_as_it_is)
    except (PassError, TimelineError, PipelineError) as error:
        desk.error = error
    wait_for_server(desk.tell)
    ending = ended_by(desk.error) if desk.outcomes is None else sum_up(desk.outcomes)
    if night.remind_h and told_lately(night.out, news_of(desk.outcomes or (), desk.error), night.remind_h):
        ending = ending.again
    return (Failed if ending.failed else Completed)(name=ending.name, message=ending.text)
