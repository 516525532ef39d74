"""The crew of a pass: reads edits and lays tracks in threads of this process, has the rest done by a workshop."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from flows.options import PassOptions
from flows.orders import Order
from flows.output.laying import lay_pass
from flows.planning.plan import PassPlan, plan_pass
from flows.records import PassReport
from flows.shot_job import ShotJob
from flows.work.engine import Studio
from flows.work.hands import Hands
from flows.work.ledger import Batch, Ledger
from flows.work.workshop import Closed, Tell, Workshop, never


class HouseCrew:
    """Works without Prefect. `lays` is whether it writes anything but takes into the store."""

    lays = True

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self._readers = Hands(1, "foley-plan")
        self._layers = Hands(1, "foley-lay")
        self._begun = time.monotonic()

    @property
    def listeners(self) -> int:
        """How many shots are listened to at the same time."""
        return self.workshop.listeners

    @property
    def makers(self) -> int:
        """How many batches are made at the same time."""
        return self.workshop.makers

    def open(self, studio: Studio, tell: Tell, closed: Closed = never) -> None:
        """Have the engine loaded; raises WeightsError or WorkshopError, TooLateError when it is `closed` before."""
        self.workshop.open(studio, tell, closed=closed)

    def plan(self, order: Order) -> Future[Any]:
        """Read an edit, or take the plan that was made of it."""
        return self._readers.submit(self._plan, order)

    def listen(self, jobs: Sequence[ShotJob], plan: PassPlan) -> Sequence[Future[Any]]:
        """Listen to some shots."""
        return [self.workshop.listen(job, limit_s(plan.options, [float(job.span.duration_s)])) for job in jobs]

    def make(self, batch: Batch, plan: PassPlan) -> Future[Any]:
        """Make a batch."""
        seconds = [float(request.span.duration_s) for request in batch.requests]
        return self.workshop.make(batch.requests, limit_s(plan.options, seconds))

    def lay(self, plan: PassPlan, ledger: Ledger, on_stage: Callable[[str], None]) -> Future[Any]:
        """Write everything the pass leaves behind."""

        def laid() -> PassReport:
            return lay_pass(plan, ledger, on_stage, lambda: time.monotonic() - self._begun)

        return self._layers.submit(laid)

    def dismiss(self) -> None:
        """Let everybody here go home; the workshop stays open for another crew."""
        self._readers.close()
        self._layers.close()

    def close(self) -> None:
        """Bring to an end what is in work and let go of everything."""
        self.workshop.close()
        self.dismiss()

    def _plan(self, order: Order) -> PassPlan:
        return order.plan or plan_pass(order.edit, order.options)


def limit_s(options: PassOptions, sounds_s: Sequence[float]) -> float:
    """When work on sounds of this length counts as hung: each has the patience, and a tenth of it per second."""
    return sum(options.patience_s * (1 + sound_s / 10) for sound_s in sounds_s)
