"""A pass from plan to report, over one edit or over a night's worth: read this first, it is the whole story.

An Order becomes an Outcome: schedule.py keeps everyone busy, the crew does the work, the listener hears of it.
"""

from collections.abc import Callable, Iterable, Sequence

from flows.crew import Reel
from flows.delivery import require_writable
from flows.desk import Listener, PassEvent
from flows.engine import Studio
from flows.house_crew import HouseCrew
from flows.orders import Order, Outcome
from flows.pace_keeper import PaceKeeper
from flows.plan import PassPlan
from flows.schedule import Loop
from flows.steps import Heard, Take


def conduct(
    orders: Iterable[Order],
    crew: HouseCrew,
    tell: Listener,
    *,
    closed: Callable[[], bool] = lambda: False,
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

    watch = _Watch(crew, tell_all, len(orders))
    loop = Loop(orders, crew, watch, closed=closed, is_done=is_done)
    watch.on_broken = loop.told
    try:
        return loop.run()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            tell(PassEvent(stage="stop", text="stopping after the takes in work"))
        raise
    finally:
        pace.keep()


class _Watch:
    """Opens the workshop for the first edit that needs it, counts, and puts what happens into PassEvents."""

    def __init__(self, crew: HouseCrew, tell: Listener, edits: int) -> None:
        self.on_broken: Callable[[str], None] = lambda text: None
        self._crew, self._tell, self._edits = crew, tell, edits
        self._opened: Studio | None = None
        self._shots = self._heard = self._wanted = self._made = self._ended = 0

    def planned(self, reel: Reel) -> None:
        plan, name = reel.plan, reel.order.edit.stem
        if self._crew.lays:
            plan.output()
        self._shots += len(plan.jobs)
        self._heard += len(plan.known)
        self._wanted += len(reel.ledger.wanted)
        self._made += len(reel.ledger.takes)
        told = _plan_in_words(plan) if self._edits == 1 else f"{name}: {_plan_in_words(plan)}"
        self._tell(PassEvent(stage="plan", done=self._heard, total=self._shots, text=told, plan=plan, edit=name))
        if plan.to_do:
            require_writable(plan.studio.store, "--store or FOLEY_STORE")
            self._open(plan)

    def _open(self, plan: PassPlan) -> None:
        if self._opened != plan.studio:
            self._tell(PassEvent(stage="load", text=f"loading the model {plan.card.name}"))
            self._crew.open(plan.studio, self.on_broken)
            self._opened = plan.studio

    def heard(self, reel: Reel, heard: Heard) -> None:
        self._heard += 1
        self._wanted += len(heard.cues)
        self._made += len(heard.cues) - len(heard.missing())
        name = reel.order.edit.stem
        self._tell(PassEvent(stage="listen", done=self._heard, total=self._shots, heard=heard, edit=name))

    def made(self, takes: Sequence[Take]) -> None:
        self._made += len(takes)
        self._tell(PassEvent(stage="make", done=self._made, total=self._wanted, takes=tuple(takes)))

    def staged(self, reel: Reel, text: str) -> None:
        name = reel.order.edit.stem
        words = text if self._edits == 1 else f"{name}: {text}"
        self._tell(PassEvent(stage="lay", done=self._ended, total=self._edits, text=words, edit=name))

    def ended(self, outcome: Outcome) -> None:
        self._ended += 1
        stage = "laid" if outcome.report or outcome.unchanged else "failed"
        self._tell(
            PassEvent(
                stage=stage,
                done=self._ended,
                total=self._edits,
                text=outcome.in_words if self._edits > 1 else "",
                report=outcome.report,
                edit=outcome.edit.stem,
            )
        )

    def broken(self, text: str) -> None:
        self._tell(PassEvent(stage="lost" if "process" in text else "wait", text=text))


def _plan_in_words(plan: PassPlan) -> str:
    shots = len(plan.edit.shots)
    return f"{shots} shots, {len(plan.known)} finished earlier, {len(plan.to_do)} to do"
