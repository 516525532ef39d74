"""What the steps of a pass share: the engine that works, who has failed how often, who is told what is written."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from flows.edit_state import EditState
from flows.errors import BrokenWorkError, EngineAwayError, WorkFailedError
from flows.options import PassOptions
from flows.orders import Order
from flows.output.laying import OnStage, lay_pass
from flows.planning.plan import PassPlan, plan_pass
from flows.records import PassReport
from flows.work.attempts import Attempts, Name
from flows.work.boundary import Failure
from flows.work.turns import Turns
from flows.work.workshop import Workshop

Lay = Callable[[EditState, OnStage, Callable[[], float]], PassReport]


def _plan(order: Order) -> PassPlan:
    return order.plan or plan_pass(order.edit, order.options)


def _lay(edit: EditState, on_stage: OnStage, elapsed_s: Callable[[], float]) -> PassReport:
    return lay_pass(edit.plan, edit.ledger, on_stage, elapsed_s)


class PassRun:
    """One run over one edit or many. `plan` and `lay` are how an edit is read and laid; `lays` is whether anything but
    takes is written."""

    def __init__(
        self, engine: Workshop, *, plan: Callable[[Order], PassPlan] = _plan, lay: Lay = _lay, lays: bool = True
    ) -> None:
        self.engine, self.plan, self.lay, self.lays = engine, plan, lay, lays
        self.on_stage: Callable[[EditState, str], None] = lambda edit, text: None
        self._begun = time.monotonic()
        self._turns = Turns()
        self._attempts = Attempts()
        # A process died over these, or over what it did beside them: they are tried again with nothing else going on.
        self._suspects: set[Name] = set()

    def close(self) -> None:
        """Bring to an end what is in work, and let go of the engine."""
        self.engine.close()

    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._begun

    def each(self, kind: str, arguments: Sequence[Any], names: Sequence[Name], limits_s: Sequence[float]) -> list[Any]:
        """What the engine makes of each; a Failure for what came to nothing.

        Raises WorkFailedError for one that was alone, WeightsError or WorkshopError when nothing can be worked on.
        """
        with self._turns.turn(alone=not self._suspects.isdisjoint(names)):
            # All are asked for before the first is waited for.
            asked = [self.engine.submit(kind, *ask) for ask in zip(arguments, limits_s, strict=True)]
            results = [
                self._answer(future, kind, ask, (name,))
                for future, name, *ask in zip(asked, names, arguments, limits_s, strict=True)
            ]
        return self._settled(results, names)

    def together(self, kind: str, argument: Sequence[Any], names: Sequence[Name], limit_s: float) -> list[Any]:
        """What the engine makes of all at once, one result each. Raises as `each` does."""
        with self._turns.turn(alone=not self._suspects.isdisjoint(names)):
            ask = (argument, limit_s)
            results = self._answer(self.engine.submit(kind, *ask), kind, ask, names)
        return self._settled([results] * len(names) if isinstance(results, Failure) else results, names)

    def _answer(self, future: "Future[Any]", kind: str, ask: Sequence[Any], names: Sequence[Name]) -> Any:
        while True:
            try:
                return future.result()
            except EngineAwayError:
                # Nobody had begun with it; who is left to ask says so when nobody is.
                future = self.engine.submit(kind, *ask)
            except BrokenWorkError as error:
                self._suspects.update(names)
                return Failure(reason=str(error), retryable=error.retryable, blame=error.blame)

    def _settled(self, results: Sequence[Any], names: Sequence[Name]) -> list[Any]:
        for name, result in zip(names, results, strict=True):
            if isinstance(result, Failure):
                again = self._attempts.again(name, result.retryable, result.blame)
                if len(names) == 1:
                    told = Failure(reason=result.reason if again else self._attempts.last_word(name, result.reason))
                    raise WorkFailedError(told, again=again)
        return list(results)


def limit_s(options: PassOptions, sounds_s: Sequence[float]) -> float:
    """When work on sounds of this length counts as hung: each has the patience, and a tenth of it per second."""
    return sum(options.patience_s * (1 + sound_s / 10) for sound_s in sounds_s)
