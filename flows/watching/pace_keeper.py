"""Learns from a pass while it goes on, and writes down at its end what this machine was found to do."""

import time
from collections.abc import Callable

from flows.desk import PassEvent
from flows.watching.pace import PaceBook
from flows.watching.stopwatch import Stopwatch
from flows.work.engine import Studio
from flows.work.workshop import LISTENERS


class PaceKeeper:
    """`tell` is a listener of the pass; call `keep` when it is over, however it ended. Neither ever raises."""

    def __init__(
        self, *, listeners: int = LISTENERS, devices: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._watch = Stopwatch(listeners=listeners, devices=devices)
        self._clock = clock
        self._studio: Studio | None = None
        self._broken = False

    def tell(self, event: PassEvent) -> None:
        """Note an event."""
        try:
            self._studio = event.plan.studio if event.plan else self._studio
            self._watch.note(event, self._clock())
        except Exception:
            # Figures with a hole in them are worse than none: this pass teaches nothing.
            self._broken = True

    def keep(self) -> None:
        """Write down what was learnt; a pass that made and heard nothing teaches nothing."""
        if self._studio is not None and not self._broken:
            PaceBook(self._studio).learn(self._watch.seen())
