"""What the process that runs a pass has at hand beside the flow's parameters: someone to tell, a plan made already.

A flow's parameters must be plain data that a server can keep; a progress bar is not. So it lies on the desk, which a
context variable hands through the flow to whoever conducts the pass. A deployed flow finds an empty desk.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from flows.orders import Outcome
from flows.plan import PassPlan
from flows.records import PassReport
from flows.steps import Heard, Take
from flows.workshop import Workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class PassEvent:
    """Something happened: `done` of `total` in a stage, summed over all edits, or words in `text`.

    Stages: start (with Prefect), plan, load, listen (counts shots), make (counts takes), lay, laid and failed (count
    edits), lost (a device), wait (for one), stop. Most carry what they are about: the plan that was made, what was
    heard in a shot, the takes of a batch, the report of a finished edit; `edit` is its stem.
    """

    stage: str
    done: int = 0
    total: int = 0
    text: str = ""
    plan: PassPlan | None = None
    heard: Heard | None = None
    takes: tuple[Take, ...] = ()
    report: PassReport | None = None
    edit: str = ""


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
