"""How a pass goes, as one stream of PassEvents; opens the engine for the first edit that needs it."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from flows.desk import Listener, PassEvent
from flows.edit_state import EditState
from flows.orders import Outcome
from flows.pass_run import PassRun
from flows.planning.forecast import forecast
from flows.planning.plan import PassPlan
from flows.store import open_store
from flows.work.engine import Studio
from flows.work.steps import Heard, Take
from flows.work.workshop import Closed, never
from pipeline.clip_store import forget_aside
from pipeline.records import ClipReceipt


class PassProgress:
    """Counts what is there, and tells. `say` has something done in the thread that conducts the pass."""

    def __init__(self, run: PassRun, tell: Listener, edits: int, closed: Closed = never) -> None:
        self.say: Callable[[Callable[[], None]], None] = lambda news: news()
        self._run, self._tell, self._count, self._closed = run, tell, edits, closed
        # Only edits in work: a night is long, and a finished one is large.
        self._edits: dict[Path, EditState] = {}
        self._past: Counter[str] = Counter()
        self._opened: Studio | None = None
        self._opening = False
        self._ended = 0
        self._aside: list[ClipReceipt] = []

    def planned(self, edit: EditState) -> None:
        """An edit was read: its folder is checked, and the engine opened if it has work for it."""
        plan = edit.plan
        if self._run.lays:
            plan.output()
        self._edits[edit.order.edit] = edit
        counts = self._counts()
        self._tell(
            PassEvent(
                stage="plan", done=counts["heard"], total=counts["shots"], text=plan.in_words, plan=plan, edit=edit.name
            )
        )
        if plan.to_do:
            open_store(plan.studio.store)
            if forecast(plan).disk.enough is False:
                self._tell(PassEvent(stage="wait", text=f"there may be too little room on the disk for {edit.name}"))
            self._open(plan)

    def heard(self, edit: EditState, heard: Heard) -> None:
        """The cues of a shot are decided."""
        counts = self._counts()
        self._tell(PassEvent(stage="listen", done=counts["heard"], total=counts["shots"], heard=heard, edit=edit.name))

    def made(self, takes: Sequence[Take]) -> None:
        """Some takes are there, or have failed."""
        self._aside += [take.receipt for take in takes if take.receipt and take.receipt.unkept]
        counts = self._counts()
        self._tell(PassEvent(stage="make", done=counts["takes"], total=counts["wanted"], takes=tuple(takes)))

    def staged(self, edit: EditState, text: str) -> None:
        """The laying of an edit went on to something else. From any thread."""
        event = PassEvent(stage="lay", done=self._ended, total=self._count, text=text, edit=edit.name)
        self.say(lambda: self._tell(event))

    def ended(self, outcome: Outcome) -> None:
        """An edit is over, one way or another."""
        self._ended += 1
        if edit := self._edits.pop(outcome.edit, None):
            self._past.update(_counts(edit))
        self._tell(
            PassEvent(
                stage="laid" if outcome.report or outcome.unchanged else "failed",
                done=self._ended,
                total=self._count,
                text=outcome.how_it_ended if self._count > 1 else "",
                report=outcome.report,
                edit=outcome.edit.stem,
            )
        )

    def close(self) -> None:
        """What the store could not keep has been laid by now, or is made anew."""
        for receipt in self._aside:
            forget_aside(receipt)

    def _open(self, plan: PassPlan) -> None:
        if self._opened != plan.studio:
            self._tell(PassEvent(stage="load", text=f"loading the model {plan.card.name}"))
            self._opening = True
            try:
                self._run.engine.open(plan.studio, self._broken, closed=self._closed)
            finally:
                self._opening = False
            self._opened = plan.studio

    def _broken(self, text: str) -> None:
        """Somebody who worked is gone. From any thread; while the engine is loaded nobody would take it in."""
        event = PassEvent(stage="lost" if "process" in text else "wait", text=text)
        if self._opening:
            self._tell(event)
        else:
            self.say(lambda: self._tell(event))

    def _counts(self) -> Counter[str]:
        """Shots that are decided, of all; takes that are known, of all that are wanted so far."""
        return sum(map(_counts, self._edits.values()), start=self._past)


def _counts(edit: EditState) -> Counter[str]:
    ledger = edit.ledger
    return Counter(
        heard=len(ledger.heard), shots=len(edit.plan.jobs), takes=len(ledger.takes), wanted=len(ledger.wanted)
    )
