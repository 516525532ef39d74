"""What the process that runs a pass has at hand beside the flow's parameters: someone to tell, a plan made already.

A flow's parameters must be plain data that a server can keep; a progress bar is not. So it lies on the desk, which a
context variable hands through the flow to whoever conducts the pass. A deployed flow finds an empty desk.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from flows.plan import PassPlan
from flows.records import PassReport


@dataclass(frozen=True, slots=True, kw_only=True)
class PassEvent:
    """Something happened: `done` of `total` (shots, cues) in a stage, or words in `text`.

    Stages in order: start (with Prefect), plan, load, listen, make, lay.
    """

    stage: str
    done: int = 0
    total: int = 0
    text: str = ""


Listener = Callable[[PassEvent], None]


def nobody(event: PassEvent) -> None:
    """A listener who does not listen."""


@dataclass(slots=True, kw_only=True)
class Desk:
    """`plan` spares the flow planning again; `report` or `error` lie here when the flow is over."""

    tell: Listener = nobody
    plan: PassPlan | None = None
    report: PassReport | None = None
    error: Exception | None = None


DESK: ContextVar[Desk | None] = ContextVar("foley_desk", default=None)
