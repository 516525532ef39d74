"""What the process that runs a pass has at hand beside the flow's parameters: someone to tell, a plan made already.

A flow's parameters must be plain data that a server can keep; a progress bar is not. So it lies on the desk, which a
context variable hands through the flow to whoever conducts the pass. A deployed flow finds an empty desk.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from flows.orders import Outcome
from flows.planning.plan import PassPlan
from flows.records import PassReport
from flows.work.steps import Heard, Take
from flows.work.workshop import Workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class PassEvent:
    """Something happened in a pass, or in a night of many.

    Stages: start (with Prefect), plan, load, listen, make, lay, laid (an edit is finished), failed (an edit), lost (a
    device), wait, stop.
    """

    stage: str  # start | plan | load | listen | make | lay | laid | failed | lost | wait | stop
    done: int = 0  # of `total`, over all edits of the night: shots for listen, takes for make, edits for lay and laid
    total: int = 0
    text: str = ""  # words for a person
    plan: PassPlan | None = None  # stage plan: an edit was read (one event each)
    heard: Heard | None = None  # stage listen: this shot was listened to
    takes: tuple[Take, ...] = ()  # stage make: these came out of one batch
    report: PassReport | None = None  # stage laid: an edit is finished
    edit: str = ""  # the stem of the edit it is about, where it is about one


Listener = Callable[[PassEvent], None]


def nobody(event: PassEvent) -> None:
    """A listener who does not listen."""


@dataclass(slots=True, kw_only=True)
class Desk:
    """`plan` spares the flow planning again, `workshop` opening another; `outcomes` or `error` lie here in the end."""

    tell: Listener = nobody
    plan: PassPlan | None = None
    workshop: Workshop | None = None
    outcomes: list[Outcome] | None = None
    error: Exception | None = None


DESK: ContextVar[Desk | None] = ContextVar("foley_desk", default=None)
