"""The story of a pass: an edit is planned, its shots fan out to be encoded and detected, takes are generated in
batches, tracks are laid. With Prefect's tasks (tasks.py) or those of local_runner.py, over one edit or a night's worth.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from flows.batching import Batching
from flows.desk import Listener, PassEvent
from flows.orders import Order, Outcome
from flows.pass_progress import PassProgress
from flows.pass_run import PassRun
from flows.planning.plan import PassPlan
from flows.watching.pace_keeper import PaceKeeper
from flows.work.workshop import Closed, never
from flows.work_items import Future


class Task(Protocol):
    """Something that can be begun in the background."""

    def submit(self, work: Any, run: PassRun, *, wait_for: Any = ...) -> Future:
        """Begin it; Prefect's page shows what it comes after."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """The five steps of a pass."""

    plan_edit: Task
    encode_frames: Task
    detect_cues: Task
    generate_takes: Task
    lay_tracks: Task


def fan_out(work: Batching, tasks: Tasks, run: PassRun) -> list[Outcome]:
    """Begin whatever is possible, take in one result, and again; an Outcome per edit in the end."""
    while True:
        for edit in work.edits_to_plan():
            work.begun(edit, tasks.plan_edit.submit(edit, run))
        for shots in work.shots_to_encode():
            work.begun(shots, tasks.encode_frames.submit(shots, run))
        for seen in work.shots_to_detect():
            work.begun(seen, tasks.detect_cues.submit(seen, run, wait_for=seen.after))
        for batch in work.batches():
            work.begun(batch, tasks.generate_takes.submit(batch, run, wait_for=batch.after))
        for edit in work.edits_to_lay():
            work.begun(edit, tasks.lay_tracks.submit(edit, run))
        if not work.wait():
            return work.outcomes()


def run_edits(
    orders: Iterable[Order],
    run: PassRun,
    tasks: Tasks,
    tell: Listener,
    *,
    closed: Closed = never,
    is_done: Callable[[PassPlan], bool] = lambda plan: False,
) -> list[Outcome]:
    """Make Foley for every edit and lay it; an Outcome per order, in order.

    `tell` hears how it goes; once `closed` nothing new is begun; plans that are `is_done` are left as they are.
    Raises WeightsError or WorkshopError when no sound can be made at all. On KeyboardInterrupt the takes in work are
    the last ones, and nothing more is laid.
    """
    orders = list(orders)
    pace = PaceKeeper(listeners=run.engine.listeners, devices=run.engine.makers)

    def tell_all(event: PassEvent) -> None:
        pace.tell(event)
        tell(event)

    progress = PassProgress(run, tell_all, len(orders), closed)
    work = Batching(orders, run.engine, progress, closed=closed, is_done=is_done)
    progress.say = work.say
    run.on_stage = progress.staged
    try:
        return fan_out(work, tasks, run)
    except KeyboardInterrupt:
        tell(PassEvent(stage="stop", text="stopping after the takes in work"))
        raise
    finally:
        progress.close()
        pace.keep()
