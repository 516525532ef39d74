"""Threads that do what they are asked, in order; one that does not come back in time is given up and replaced.

A decoder that hangs in a system call cannot be interrupted from Python. So whoever waits for it gets a HungError after
a limit, another thread takes the place of the lost one, and the lost one ends by itself should it ever come back.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from flows.errors import HungError

_LOOK_EVERY_S = 0.2


@dataclass(slots=True, kw_only=True)
class _Errand:
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    limit_s: float | None
    future: Future[Any] = field(default_factory=Future)

    def answer(self, settle: Callable[[], None]) -> bool:
        """Give the future its result; False when it has one already, because this errand was given up."""
        try:
            settle()
        except InvalidStateError:
            return False
        return True

    def run(self) -> bool:
        """Do it; False when somebody else took this thread's place meanwhile."""
        if not self.future.set_running_or_notify_cancel():
            return True
        try:
            result = self.work(*self.arguments)
        except BaseException as error:
            problem = error
            return self.answer(lambda: self.future.set_exception(problem))
        return self.answer(lambda: self.future.set_result(result))


class Hands:
    """`count` threads. They are daemons: one that hangs does not keep the process from ending."""

    def __init__(self, count: int, name: str) -> None:
        self._name = name
        self._errands: SimpleQueue[_Errand | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        for _ in range(count):
            self._hire()

    def submit(self, work: Callable[..., Any], *arguments: Any, limit_s: float | None = None) -> Future[Any]:
        """Have `work` done; after `limit_s` seconds of work the future raises HungError instead."""
        errand = _Errand(work=work, arguments=arguments, limit_s=limit_s)
        self._errands.put(errand)
        return errand.future

    def close(self) -> None:
        """Let what was asked be finished or given up, then send everybody home and wait for them."""
        for _ in self._threads:
            self._errands.put(None)
        # One that hangs is given up meanwhile, and another takes its place.
        while at_work := [thread for thread in self._threads if thread.is_alive()]:
            at_work[0].join(_LOOK_EVERY_S)

    def _hire(self) -> None:
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (errand := self._errands.get()) is not None:
            watch = self._watch(errand, threading.current_thread())
            stayed = errand.run()
            watch.cancel()
            if not stayed:
                return

    def _watch(self, errand: _Errand, thread: threading.Thread) -> threading.Timer:
        watch = threading.Timer(errand.limit_s or 0, self._give_up, (errand, thread))
        watch.daemon = True
        if errand.limit_s is not None:
            watch.start()
        return watch

    def _give_up(self, errand: _Errand, thread: threading.Thread) -> None:
        error = HungError(f"did not come back within {errand.limit_s:.0f} s and was given up")
        with suppress(InvalidStateError):
            errand.future.set_exception(error)
            self._threads.remove(thread)
            self._hire()
