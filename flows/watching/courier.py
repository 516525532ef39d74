"""Carries messages to a slow or absent server on a thread of its own, so that whoever sends them never waits.

Two kinds: what must be heard once waits in a queue with an end, and is tried a few times; what only tells how things
stand is asked for now and then, and the newest is enough. When the server does not answer, it is asked less and less
often. Nothing here raises.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context

_TRIES = 3
_LONGEST_PAUSE_S = 60.0

Job = Callable[[], None]


class Courier:
    """`regularly` is called between jobs, and once more with True when all is over; then `hang_up`.

    `dropped` counts the messages that were given up: the queue was full, or the server did not take them.
    """

    def __init__(self, regularly: Callable[[bool], None], hang_up: Job, *, every_s: float, most_waiting: int) -> None:
        self._regularly, self._hang_up, self._every_s = regularly, hang_up, every_s
        self._jobs: queue.Queue[Job] = queue.Queue(most_waiting)
        self._in_hand: list[Job] = []
        self._closing = threading.Event()
        self._failures = 0
        self.dropped = 0
        # The thread sees the context of the flow, in which the server's address is set.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._work,), name="foley-publish", daemon=True
        )
        self._thread.start()

    def put(self, job: Job) -> None:
        """Let this be done once, some time soon."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self.dropped += 1

    def tried(self, job: Job) -> bool:
        """Whether it could be done. For the courier's own thread."""
        try:
            job()
        except Exception:
            # A server has a thousand ways to fail, and none of them is the pass's business.
            self._failures = min(self._failures + 1, 10)
            return False
        self._failures = 0
        return True

    @property
    def pause_s(self) -> float:
        """How long to leave the server in peace between two news of a kind."""
        return min(max(self._every_s, _LONGEST_PAUSE_S), self._every_s * 2**self._failures)

    def close(self, timeout_s: float) -> bool:
        """Do what is still to be done, for at most so long; whether nothing was dropped, ever."""
        self._closing.set()
        self.put(_nothing)  # wakes the thread
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and not self.dropped

    def _work(self) -> None:
        while not self._closing.is_set():
            self._wait_for_a_job()
            if not self._closing.is_set():
                self._tell_news(False)
        if self._emptied():
            self._tell_news(True)
        self.tried(self._hang_up)

    def _tell_news(self, at_last: bool) -> None:
        """What it sends it tries by itself, one by one; what it raises is a fault of its own."""
        try:
            self._regularly(at_last)
        except Exception:
            self.dropped += 1

    def _wait_for_a_job(self) -> None:
        try:
            job = self._jobs.get(timeout=self._every_s / 4)
        except queue.Empty:
            return
        for _ in range(_TRIES):
            if self.tried(job):
                return
            if self._closing.wait(self.pause_s):
                self._in_hand.append(job)
                return
        self.dropped += 1

    def _emptied(self) -> bool:
        """Whether the rest could be done. From the first failure on it is not tried further, and not at all where a
        server has been gone for long: the pass wants to end."""
        rest = [*self._in_hand, *_all_of(self._jobs)]
        for done, job in enumerate(rest):
            if self._failures >= _TRIES or not self.tried(job):
                self.dropped += len(rest) - done
                return False
        return True


def _all_of(jobs: "queue.Queue[Job]") -> Iterator[Job]:
    while not jobs.empty():
        yield jobs.get_nowait()


def _nothing() -> None:
    """Does nothing."""
