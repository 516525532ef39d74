"""Work shared between the workers of a pool, on one machine or many, through the store they all see.

A share is every n-th shot of each edit: its takes are made into the store, and nothing is laid. Who shares out takes
the first share, takes back those that nobody has begun, waits for the others, and then does the pass as if alone: what
is made is found in the store, and what a share left undone is made. So no share has to succeed.

No `from __future__ import annotations` here: Prefect reads the annotations to build a deployment's form.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.desk import DESK, Desk, Listener, PassEvent
from flows.errors import PassError
from flows.fan_out import Tasks, run_edits
from flows.local_runner import THREADS
from flows.night import deadline
from flows.options import PassOptions, store_folder
from flows.orders import Order
from flows.output.assembly import shot_reports
from flows.output.choice import choose_takes
from flows.pass_run import PassRun
from flows.planning.plan import PassPlan, plan_pass, settled_settings
from flows.records import OutputPaths, PassReport
from flows.studio.pools import DEPLOYMENT
from flows.tasks import TASKS
from flows.work.engine import forget_engine
from flows.work.ledger import Ledger
from flows.work.workshop import Workshop, workshop_for
from pipeline.errors import PipelineError, first_line
from timeline_io.errors import TimelineError

log = logging.getLogger(__name__)

SHARE_DEPLOYMENT = f"foley-share/{DEPLOYMENT}"
_ASK_EVERY_S = 2.0
# A worker asks for work every few seconds. To start a process takes longer, and the studio begins again what crashed.
_BEGIN_S, _COME_UP_S = 15.0, 120.0
_SILENCE_S = 120.0


def share_run(workshop: Workshop, part: int, parts: int) -> PassRun:
    """A run that makes one share of every edit and lays nothing."""

    def plan(order: Order) -> PassPlan:
        return share_of(order.plan or plan_pass(order.edit, order.options), part, parts)

    return PassRun(workshop, plan=plan, lay=lambda edit, *_: _unlaid(edit.plan, edit.ledger), lays=False)


def share_of(plan: PassPlan, part: int, parts: int) -> PassPlan:
    """Every `parts`-th shot of the plan, from number `part` on (0 is the first)."""
    jobs = tuple(job for number, job in enumerate(plan.jobs) if number % parts == part)
    ids = {job.shot_id for job in jobs}
    shots = tuple(shot for shot in plan.edit.shots if shot.shot_id in ids)
    known = {shot_id: heard for shot_id, heard in plan.known.items() if shot_id in ids}
    return replace(plan, edit=replace(plan.edit, shots=shots), jobs=jobs, known=known, settled=())


def _unlaid(plan: PassPlan, ledger: Ledger) -> PassReport:
    return PassReport(
        edit=plan.edit.path,
        edit_name=plan.edit.name,
        edit_digest=plan.edit.digest,
        rate=plan.edit.rate,
        model=plan.card.name,
        outputs=OutputPaths(folder=plan.folder),
        shots=shot_reports(plan, ledger, choose_takes(ledger, set())),
    )


def _run_name() -> str:
    return f"share {flow_run.parameters['part'] + 1} of {flow_run.parameters['parts']}"


@flow(
    name="foley-share",
    flow_run_name=_run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=THREADS),  # type: ignore[arg-type]  # it is invariant
    persist_result=False,
)
def foley_share(
    edits: dict[Path, Path | None], options: PassOptions, part: int, parts: int, until: datetime | None = None
) -> State[Any]:
    """Make one share of the takes of some edits, for the pass or the night that shares them out.

    Args:
        edits: the edits, and where the pass of each will write; nothing is written there
        options: the options that all of them share
        part: which share, counted from 0
        parts: how many shares there are
        until: the moment after which nothing is begun
    """
    if _was_taken_back():
        return Cancelled(message="it came too late: whoever gave it away makes it")
    desk = DESK.get() or Desk()
    orders = [Order(edit=edit, options=options.model_copy(update={"out": out})) for edit, out in edits.items()]
    try:
        workshop = desk.workshop or workshop_for(options)
        with closing(share_run(workshop, part, parts)) as run:
            outcomes = run_edits(orders, run, TASKS, desk.tell, closed=deadline(until))
    except (PassError, TimelineError, PipelineError) as error:
        return Failed(message=str(error))
    return Completed(message="; ".join(outcome.in_words for outcome in outcomes))


def _was_taken_back() -> bool:
    """Whether nobody waits for this share any more. Prefect lets a run that was just about to start leave Cancelled."""
    from prefect.client.orchestration import get_client

    if not flow_run.id:
        return False
    try:
        with get_client(sync_client=True) as client:
            return any(state.is_cancelled() for state in client.read_flow_run_states(UUID(str(flow_run.id))))
    except Exception as error:
        log.warning("the server does not say whether this share is still wanted: %s", error)
        return False


def share_out(
    orders: Sequence[Order], workshop: Workshop, tasks: Tasks, tell: Listener, *, end: datetime | None = None
) -> list[Order]:
    """Have the workers of the pool make the takes of these edits until `end`, taking part in it; then what is left to
    order, which is everything where there is one worker.

    The options of all orders are the same, but for where each edit's files go.
    """
    closed = deadline(end)
    workers = orders[0].options.workers if orders else 1
    if workers == 1 or closed():
        return list(orders)
    tell(PassEvent(stage="start", text=f"sharing the work between {workers} workers"))
    shares = _begin_shares(orders, workers, end, tell)
    try:
        outcomes = run_edits(orders, share_run(workshop, 0, workers), tasks, lambda event: None, closed=closed)
        if shares:
            # Workers of this very machine wait for its GPUs: whoever waits for them must not hold those.
            workshop.close()
            forget_engine()
            _wait_for(shares, closed)
    except KeyboardInterrupt:
        _call_off(shares)
        raise
    # What was planned before the others made their shares is no longer true.
    return [
        replace(order, plan=None, begun=outcome.report is not None)
        for order, outcome in zip(orders, outcomes, strict=True)
    ]


def _begin_shares(orders: Sequence[Order], workers: int, end: datetime | None, tell: Listener) -> list[UUID]:
    from prefect.deployments import run_deployment

    begun: list[UUID] = []
    for part in range(1, workers):
        parameters = {
            "edits": {str(order.edit): order.options.out and str(order.options.out) for order in orders},
            "options": options_elsewhere(orders[0].options).model_dump(mode="json"),
            "part": part,
            "parts": workers,
            "until": end and end.isoformat(),
        }
        # A pass that is begun again after a crash finds the shares it gave away.
        key = f"{flow_run.id} share {part} of {workers}" if flow_run.id else None
        try:
            run: Any = run_deployment(
                SHARE_DEPLOYMENT, parameters=parameters, timeout=0, as_subflow=False, idempotency_key=key
            )
        except Exception as error:
            # Whoever shares out can do everything alone.
            why = first_line(error)
            tell(PassEvent(stage="wait", text=f"share {part + 1} could not be given away ({why}): it is made here"))
            break
        begun.append(run.id)
    return begun


def options_elsewhere(options: PassOptions) -> PassOptions:
    """The options as another worker needs them: with the store that is meant here, whatever its environment says, on
    the GPU that is its own, whatever its number is here, and in the number formats that the takes are asked for in."""
    settings = settled_settings(options)
    told = {
        "workers": 1,
        "out": None,
        "store": store_folder(options),
        "device": "cuda" if options.device.startswith("cuda") else options.device,
        "dtype": settings.precision,
        "settings": (*options.settings, ("clip_weights", settings.clip_weights)),
    }
    return options.model_copy(update=told)


def _call_off(shares: Sequence[UUID]) -> None:
    """A person who stops a pass means all of it."""
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelling

    with suppress(Exception), get_client(sync_client=True) as client:
        for share in shares:
            client.set_flow_run_state(share, Cancelling(message="the pass that gave it away was stopped"))


def _wait_for(shares: Sequence[UUID], closed: Callable[[], bool]) -> None:
    """Take back the shares that nobody has begun, and wait for the others; not for a server that is gone."""
    from prefect.client.orchestration import get_client

    silent_since = time.monotonic()
    with get_client(sync_client=True) as client:
        while not closed() and time.monotonic() - silent_since < _SILENCE_S:
            try:
                going_on = [_going_on(client, share) for share in shares]
                if not any(going_on):
                    return
                silent_since = time.monotonic()
            except Exception as error:
                log.warning("the server does not say how the shares go: %s", error)
            time.sleep(_ASK_EVERY_S)


def _going_on(client: Any, share: UUID) -> bool:
    """Whether somebody works on the share, or is about to. One that nobody begins is taken back."""
    run = client.read_flow_run(share)
    state = run.state
    waits = state.is_scheduled() or state.is_pending() or state.is_crashed()
    if not waits:
        return not state.is_final()
    patience_s = _BEGIN_S if state.is_scheduled() and not run.run_count else _COME_UP_S
    if (datetime.now(UTC) - state.timestamp).total_seconds() < patience_s:
        return True
    client.set_flow_run_state(share, Cancelled(message="nobody had begun it"), force=True)
    return False
