"""A pass from plan to report, whoever does the work: read this first, it is the whole story on one screen."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from flows.delivery import require_writable
from flows.desk import Listener, PassEvent
from flows.engine import resident
from flows.laying import OnStage, lay_pass
from flows.plan import PassPlan
from flows.records import PassReport
from flows.schedule import LISTENERS, MAKERS, Batch, Crew, Ledger, work_off
from flows.shot_job import ShotJob
from flows.steps import STOP, listen, make_takes


class FullCrew(Crew, Protocol):
    """A crew that can also finish the pass."""

    def lay(self, plan: PassPlan, ledger: Ledger, on_stage: OnStage, elapsed_s: Callable[[], float]) -> PassReport:
        """Write everything the pass leaves behind."""
        ...


def conduct(plan: PassPlan, crew: FullCrew, tell: Listener) -> PassReport:
    """Listen to the shots, make the missing takes, lay them, report. `tell` hears how it goes.

    Raises OutputFolderError, LayingError or WeightsError when the pass as a whole cannot be done.
    """
    begun = time.monotonic()
    plan.output()
    ledger = Ledger()
    for heard in plan.known.values():
        ledger.note_heard(heard)
    tell(PassEvent(stage="plan", done=len(plan.known), total=len(plan.jobs), text=_plan_in_words(plan)))
    if plan.to_do:
        require_writable(plan.studio.store, "--store or FOLEY_STORE")
        tell(PassEvent(stage="load", text=f"loading the model {plan.card.name}"))
        resident(plan.studio)
        _work_until_stopped(plan, crew, ledger, tell)
    return crew.lay(
        plan,
        ledger,
        lambda text: tell(PassEvent(stage="lay", text=text)),
        lambda: time.monotonic() - begun,
    )


def _work_until_stopped(plan: PassPlan, crew: Crew, ledger: Ledger, tell: Listener) -> None:
    STOP.clear()
    try:
        work_off(plan.to_do, crew, ledger, lambda now: _tell_progress(plan, now, tell))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            tell(PassEvent(stage="stop", text="stopping after the take in hand"))
        # Ctrl-C reaches only this thread; the others must be told, or the pool would wait for their whole batch.
        STOP.set()
        raise


class ThreadCrew:
    """Does the work on a plain thread pool, without Prefect."""

    def __init__(self, pool: ThreadPoolExecutor, plan: PassPlan) -> None:
        self._pool = pool
        self._studio = plan.studio

    def listen(self, job: ShotJob) -> Future[Any]:
        """Start listening to a shot."""
        return self._pool.submit(listen, job, self._studio)

    def make(self, batch: Batch) -> Future[Any]:
        """Start making a batch."""
        return self._pool.submit(make_takes, batch.requests, self._studio)

    def lay(self, plan: PassPlan, ledger: Ledger, on_stage: OnStage, elapsed_s: Callable[[], float]) -> PassReport:
        """Write everything the pass leaves behind, in this thread."""
        return lay_pass(plan, ledger, on_stage, elapsed_s)


def conduct_on_threads(plan: PassPlan, tell: Listener) -> PassReport:
    """Conduct the pass in this process without Prefect."""
    pool = ThreadPoolExecutor(max_workers=LISTENERS + MAKERS, thread_name_prefix="foley")
    try:
        return conduct(plan, ThreadCrew(pool, plan), tell)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _plan_in_words(plan: PassPlan) -> str:
    shots = len(plan.edit.shots)
    return f"{shots} shots, {len(plan.known)} finished earlier, {len(plan.to_do)} to do"


def _tell_progress(plan: PassPlan, ledger: Ledger, tell: Listener) -> None:
    """Listening counts shots, making counts cues known so far."""
    tell(PassEvent(stage="listen", done=len(ledger.heard), total=len(plan.jobs)))
    tell(PassEvent(stage="make", done=len(ledger.takes), total=len(ledger.wanted)))
