"""Who takes part in a pass: a crew that does the work in the background, a watcher who hears how it goes."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol

from flows.orders import Order, Outcome
from flows.planning.plan import PassPlan
from flows.shot_job import ShotJob
from flows.work.ledger import Batch, Ledger
from flows.work.steps import Heard, Take

# A pass of thousands of shots stays readable for people: no more pieces of listening than this.
_MOST_GROUPS = 250


class Pending(Protocol):
    """The part of a future that the loop needs."""

    def result(self) -> Any:
        """What came out; raises what went wrong."""
        ...

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Call `fn` with this future when it is done."""
        ...


class Crew(Protocol):
    """Whoever does the work, in the background."""

    @property
    def listeners(self) -> int:
        """How many shots are listened to at the same time."""
        ...

    @property
    def makers(self) -> int:
        """How many batches are made at the same time."""
        ...

    def plan(self, order: Order) -> Pending:
        """Start reading an edit; gives a PassPlan."""
        ...

    def listen(self, jobs: Sequence[ShotJob], plan: PassPlan) -> Sequence[Pending]:
        """Start listening to some shots of an edit; each gives a Heard."""
        ...

    def make(self, batch: Batch, plan: PassPlan) -> Pending:
        """Start making a batch; gives a tuple of Takes. All edits of a night share the studio of `plan`."""
        ...

    def lay(self, plan: PassPlan, ledger: Ledger, on_stage: Callable[[str], None]) -> Pending:
        """Start writing everything an edit's pass leaves behind; gives a PassReport."""
        ...


@dataclass(slots=True, eq=False)
class Reel:
    """One edit in work: the shots nobody has listened to yet, and what is known of the others."""

    order: Order
    plan: PassPlan
    ledger: Ledger = field(default_factory=Ledger)
    unheard: deque[ShotJob] = field(default_factory=deque)
    laying: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything there is to know is known."""
        return len(self.ledger.heard) == len(self.plan.jobs) and not self.ledger.missing

    @property
    def group_size(self) -> int:
        """How many shots are listened to in one go."""
        return max(1, ceil(len(self.plan.jobs) / _MOST_GROUPS))

    @property
    def shots_left(self) -> int:
        """Shots that still lack something."""
        missing = {key for key in self.ledger.wanted if key not in self.ledger.takes}
        lacking = sum(any(cue.request.key() in missing for cue in heard.cues) for heard in self.ledger.heard.values())
        return len(self.plan.jobs) - len(self.ledger.heard) + lacking


class Watcher(Protocol):
    """Hears what happens, in the thread that conducts."""

    def planned(self, reel: Reel) -> None:
        """An edit was read; the first one is told before any work on it begins."""
        ...

    def heard(self, reel: Reel, heard: Heard) -> None:
        """A shot was listened to."""
        ...

    def made(self, takes: Sequence[Take]) -> None:
        """A batch came out."""
        ...

    def staged(self, reel: Reel, text: str) -> None:
        """The laying of an edit went on to something else."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """An edit is finished, one way or another."""
        ...

    def broken(self, text: str) -> None:
        """Somebody who worked is gone."""
        ...
