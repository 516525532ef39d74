"""A pass from plan to report, over one edit or over a night's worth: read this first, it is the whole story.

An Order becomes an Outcome: work/loop.py keeps everyone busy, the crew does the work, the listener hears of it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from flows.desk import Listener, PassEvent
from flows.orders import Order, Outcome
from flows.planning.forecast import forecast
from flows.planning.plan import PassPlan
from flows.store import open_store
from flows.watching.pace_keeper import PaceKeeper
from flows.work.crew import Reel
from flows.work.engine import Studio
from flows.work.house_crew import HouseCrew
from flows.work.loop import Loop
from flows.work.steps import Heard, Take
from flows.work.workshop import Closed, never
from pipeline.clip_store import forget_aside
from pipeline.records import ClipReceipt


def conduct(
    orders: Iterable[Order],
    crew: HouseCrew,
    tell: Listener,
    *,
    closed: Closed = never,
    is_done: Callable[[PassPlan], bool] = lambda plan: False,
) -> list[Outcome]:
    """Listen to the shots of every edit, make the missing takes, lay them, report; an Outcome per order, in order.

    `tell` hears how it goes; once `closed` nothing new is begun; plans that are `is_done` are left as they are.
    Raises WeightsError or WorkshopError when no sound can be made at all. On KeyboardInterrupt the takes in work are
    the last ones, and nothing more is laid.
    """
    orders = list(orders)
    pace = PaceKeeper(listeners=crew.listeners, devices=crew.makers)

    def tell_all(event: PassEvent) -> None:
        pace.tell(event)
        tell(event)

    watch = _Watch(crew, tell_all, len(orders), closed)
    loop = Loop(orders, crew, watch, closed=closed, is_done=is_done)
    watch.on_broken = loop.told
    try:
        return loop.run()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            tell(PassEvent(stage="stop", text="stopping after the takes in work"))
        raise
    finally:
        watch.dismiss()
        pace.keep()


class _Watch:
    """Opens the workshop for the first edit that needs it, counts, and puts what happens into PassEvents."""

    def __init__(self, crew: HouseCrew, tell: Listener, edits: int, closed: Closed = never) -> None:
        self.on_broken: Callable[[str], None] = lambda text: None
        self._crew, self._tell, self._edits, self._closed = crew, tell, edits, closed
        # Only edits in work: a night is long, and a finished one is large.
        self._reels: dict[Path, Reel] = {}
        self._past: Counter[str] = Counter()
        self._opened: Studio | None = None
        self._opening = False
        self._ended = 0
        self._aside: list[ClipReceipt] = []

    def planned(self, reel: Reel) -> None:
        plan = reel.plan
        if self._crew.lays:
            plan.output()
        self._reels[reel.order.edit] = reel
        done, total = self._heard()
        self._tell(PassEvent(stage="plan", done=done, total=total, text=plan.in_words, plan=plan, edit=_name(reel)))
        if plan.to_do:
            open_store(plan.studio.store)
            if forecast(plan).disk.enough is False:
                self._tell(PassEvent(stage="wait", text=f"there may be too little room on the disk for {_name(reel)}"))
            self._open(plan)

    def heard(self, reel: Reel, heard: Heard) -> None:
        done, total = self._heard()
        self._tell(PassEvent(stage="listen", done=done, total=total, heard=heard, edit=_name(reel)))

    def made(self, takes: Sequence[Take]) -> None:
        self._aside += [take.receipt for take in takes if take.receipt and take.receipt.unkept]
        done, total = self._made()
        self._tell(PassEvent(stage="make", done=done, total=total, takes=tuple(takes)))

    def dismiss(self) -> None:
        """What the store could not keep has been laid by now, or is made anew."""
        for receipt in self._aside:
            forget_aside(receipt)

    def staged(self, reel: Reel, text: str) -> None:
        self._tell(PassEvent(stage="lay", done=self._ended, total=self._edits, text=text, edit=_name(reel)))

    def ended(self, outcome: Outcome) -> None:
        self._ended += 1
        if reel := self._reels.pop(outcome.edit, None):
            self._past.update(_counts(reel))
        self._tell(
            PassEvent(
                stage="laid" if outcome.report or outcome.unchanged else "failed",
                done=self._ended,
                total=self._edits,
                text=outcome.how_it_ended if self._edits > 1 else "",
                report=outcome.report,
                edit=outcome.edit.stem,
            )
        )

    def broken(self, text: str) -> None:
        self._tell(PassEvent(stage="lost" if "process" in text else "wait", text=text))

    def _open(self, plan: PassPlan) -> None:
        if self._opened != plan.studio:
            self._tell(PassEvent(stage="load", text=f"loading the model {plan.card.name}"))
            self._opening = True
            try:
                self._crew.open(plan.studio, self._say, self._closed)
            finally:
                self._opening = False
            self._opened = plan.studio

    def _say(self, text: str) -> None:
        """From any thread. While the engine is loaded the conductor waits, and would hear of it only afterwards."""
        (self.broken if self._opening else self.on_broken)(text)

    def _heard(self) -> tuple[int, int]:
        """Shots listened to, of all."""
        counts = self._counts()
        return counts["heard"], counts["shots"]

    def _made(self) -> tuple[int, int]:
        """Takes that are known, of all that are wanted so far."""
        counts = self._counts()
        return counts["takes"], counts["wanted"]

    def _counts(self) -> Counter[str]:
        return sum(map(_counts, self._reels.values()), start=self._past)


def _counts(reel: Reel) -> Counter[str]:
    ledger = reel.ledger
    return Counter(
        heard=len(ledger.heard), shots=len(reel.plan.jobs), takes=len(ledger.takes), wanted=len(ledger.wanted)
    )


def _name(reel: Reel) -> str:
    return reel.order.edit.stem
