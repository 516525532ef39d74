"""One edit while a pass works on it: what is left to look at, and what is known of its shots and takes."""

from collections import deque
from math import ceil

from flows.orders import Order
from flows.planning.plan import PassPlan
from flows.shot_job import ShotJob
from flows.work.ledger import Ledger

# A pass of thousands of shots stays readable for people: no more tasks than this look at them.
_MOST_GROUPS = 125


class EditState:
    """`plan` is there once the edit was read; `unseen` are the shots that no task has been given yet."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.plan: PassPlan
        self.ledger = Ledger()
        self.unseen: deque[ShotJob] = deque()

    @property
    def name(self) -> str:
        """What people call it."""
        return self.order.edit.stem

    def planned(self, plan: PassPlan) -> None:
        """Take the plan: shots whose takes are all there need no task."""
        self.plan, self.unseen = plan, deque(plan.to_do)
        for heard in plan.known.values():
            self.ledger.note_heard(heard)

    @property
    def complete(self) -> bool:
        """Whether everything there is to know is known."""
        return len(self.ledger.heard) == len(self.plan.jobs) and not self.ledger.missing

    @property
    def group_size(self) -> int:
        """How many shots a task looks at."""
        return max(1, ceil(len(self.plan.jobs) / _MOST_GROUPS))

    @property
    def shots_left(self) -> int:
        """Shots that still lack something."""
        ledger = self.ledger
        missing = {key for key in ledger.wanted if key not in ledger.takes}
        lacking = sum(any(cue.request.key() in missing for cue in heard.cues) for heard in ledger.heard.values())
        return len(self.plan.jobs) - len(ledger.heard) + lacking
