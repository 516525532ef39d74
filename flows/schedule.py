"""The order of work: shots are listened to while takes are being made, and memory does not grow with the edit.

The loop asks a Crew for work and gets futures, so it runs the same on Prefect's task runner and on a plain thread pool.
No more is asked for than there are hands, or finished shots would wait behind unfinished ones in the pool's queue.
A future is dropped as soon as its result is noted; completion comes by callback, never by polling.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol

from flows.shot_job import ShotJob
from flows.steps import Heard, Take
from pipeline.records import FoleyRequest

BATCH_SIZE = 8
LISTENERS = 2
MAKERS = 1  # one model on one device: a second batch at once would only take its memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Requests made together; `title` is for people: "8 cues (sh0040..sh0170)"."""

    title: str
    requests: tuple[FoleyRequest, ...]


class Pending(Protocol):
    """The part of a future that the loop needs; Prefect's and the standard library's both have it."""

    def result(self) -> Any:
        """What came out; raises what went wrong."""
        ...

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Call `fn` with this future when it is done."""
        ...


class Crew(Protocol):
    """Whoever does the work, in the background."""

    def listen(self, job: ShotJob) -> Pending:
        """Start listening to a shot; gives a Heard."""
        ...

    def make(self, batch: Batch) -> Pending:
        """Start making a batch; gives a tuple of Takes."""
        ...


class Ledger:
    """What is known so far: one Heard per shot, one Take per key; which keys are wanted, which were made just now."""

    def __init__(self) -> None:
        self.heard: dict[str, Heard] = {}
        self.takes: dict[str, Take] = {}
        self.wanted: set[str] = set()
        self.made: set[str] = set()

    def note_heard(self, heard: Heard) -> None:
        """Note a shot's cues, and the takes the store held for them."""
        self.heard[heard.shot_id] = heard
        self.wanted.update(cue.request.key() for cue in heard.cues)
        for receipt in heard.stored:
            self.takes.setdefault(receipt.key, Take(key=receipt.key, receipt=receipt))

    def note_takes(self, takes: Iterable[Take]) -> None:
        """Note takes made in this pass."""
        for take in takes:
            self.takes[take.key] = take
            self.made.add(take.key)


def work_off(jobs: Iterable[ShotJob], crew: Crew, ledger: Ledger, on_progress: Callable[[Ledger], None]) -> None:
    """Listen to every shot and make every missing take; all results go into `ledger`."""
    loop = _Loop(jobs, crew, ledger)
    while loop.step():
        on_progress(ledger)


class _Loop:
    def __init__(self, jobs: Iterable[ShotJob], crew: Crew, ledger: Ledger) -> None:
        self._jobs = deque(jobs)
        self._crew = crew
        self._ledger = ledger
        self._wanted: deque[tuple[str, FoleyRequest]] = deque()
        self._asked: set[str] = set()
        self._listening = 0
        self._making = 0
        self._done: SimpleQueue[tuple[str, Pending]] = SimpleQueue()

    def step(self) -> bool:
        """Keep everyone busy, wait for one result, note it; False when nothing is left to wait for."""
        self._start_listening()
        self._start_making()
        if not self._listening and not self._making:
            return False
        kind, future = self._done.get()
        if kind == "heard":
            self._listening -= 1
            self._note_heard(future.result())
        else:
            self._making -= 1
            self._ledger.note_takes(future.result())
        return True

    def _start_listening(self) -> None:
        while self._jobs and self._listening < LISTENERS:
            self._listening += 1
            self._watch("heard", self._crew.listen(self._jobs.popleft()))

    def _start_making(self) -> None:
        """Start full batches; a smaller one only when no more requests can come."""
        while self._wanted and self._making < MAKERS:
            more_may_come = bool(self._jobs or self._listening)
            if len(self._wanted) < BATCH_SIZE and more_may_come:
                return
            self._making += 1
            self._watch("made", self._crew.make(self._next_batch()))

    def _next_batch(self) -> Batch:
        taken = [self._wanted.popleft() for _ in range(min(BATCH_SIZE, len(self._wanted)))]
        first, last = taken[0][0], taken[-1][0]
        cues = "1 cue" if len(taken) == 1 else f"{len(taken)} cues"
        where = first if first == last else f"{first}..{last}"
        return Batch(title=f"{cues} ({where})", requests=tuple(request for _, request in taken))

    def _note_heard(self, heard: Heard) -> None:
        self._ledger.note_heard(heard)
        for request in heard.missing():
            if request.key() not in self._asked:
                self._asked.add(request.key())
                self._wanted.append((heard.shot_id, request))

    def _watch(self, kind: str, future: Pending) -> None:
        future.add_done_callback(lambda done: self._done.put((kind, done)))
