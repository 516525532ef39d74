"""The order of work: edits are read, shots listened to, takes made and tracks laid, all at the same time.

The loop asks a Crew for work and gets futures, so it runs the same under Prefect and without. No more is asked for than
there are hands, or finished shots would wait behind unfinished ones; memory does not grow with what waits. A future is
dropped as soon as its result is noted; completion comes by callback, never by polling.

    orders -> plan -> shots -> listen -> requests of all edits -> make, in batches -> takes -> lay, edit by edit

What fails in a way another try may mend is tried again (attempts.py), then set aside. When a process dies, nobody knows
which of the works in its hands killed it: each of them is tried again with nothing else going on.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from queue import SimpleQueue

from flows.errors import BrokenWorkError, TooLateError
from flows.orders import Order, Outcome
from flows.planning.plan import PassPlan
from flows.records import PassReport, counted
from flows.shot_job import ShotJob
from flows.work.attempts import Attempts
from flows.work.crew import Crew, Pending, Reel, Watcher
from flows.work.ledger import Batch
from flows.work.steps import Heard, Take
from pipeline.errors import WeightsError
from pipeline.records import FoleyRequest

BATCH_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listening:
    reel: Reel
    job: ShotJob


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A take that is wanted, first for a shot of this reel."""

    reel: Reel
    shot_id: str
    request: FoleyRequest


_Suspect = _Listening | _Wish


class Loop:
    """Works off orders. `closed` says when nothing new is to be begun any more; `is_done` which plans need nothing."""

    def __init__(
        self,
        orders: Iterable[Order],
        crew: Crew,
        watcher: Watcher,
        *,
        closed: Callable[[], bool] = lambda: False,
        is_done: Callable[[PassPlan], bool] = lambda plan: False,
    ) -> None:
        self._orders = deque(orders)
        self._many_edits = len(self._orders) > 1
        self._crew, self._watcher, self._closed, self._is_done = crew, watcher, closed, is_done
        self._reels: list[Reel] = []
        self._wishes: deque[_Wish] = deque()
        self._askers: dict[str, list[Reel]] = {}
        self._answers: dict[str, Take] = {}
        self._suspects: deque[_Suspect] = deque()
        self._attempts = Attempts()
        self._planning = self._listening = self._making = self._laying = 0
        self._done: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.outcomes: dict[int, Outcome] = {}

    def run(self) -> list[Outcome]:
        """Work everything off; one Outcome per order, in their order. Raises what stops the whole."""
        orders = list(self._orders)
        while self._step():
            pass
        for reel in self._reels:
            self._end(reel.order, Outcome(edit=reel.order.edit, shots_left=reel.shots_left))
        for order in self._orders:
            self._end(order, Outcome(edit=order.edit))
        return [self.outcomes[id(order)] for order in orders]

    def told(self, text: str) -> None:
        """Let the watcher hear, in the conductor's thread, of somebody who is gone; from any thread."""
        self._done.put(lambda: self._watcher.broken(text))

    def _step(self) -> bool:
        """Keep everyone busy, wait for one result, note it; False when nothing is left to wait for."""
        if not self._closed():
            self._begin_work()
        else:
            self._start_planning([order for order in self._orders if order.begun])
        self._start_laying()
        if not (self._planning or self._listening or self._making or self._laying):
            return False
        self._done.get()()
        return True

    def _begin_work(self) -> None:
        if self._suspects:
            self._try_a_suspect()
            return
        self._start_planning(self._orders)
        self._start_listening()
        self._start_making()

    # Planning: an edit ahead, so that its shots are there when they are needed.

    def _start_planning(self, orders: Sequence[Order]) -> None:
        waiting = sum(len(reel.unheard) for reel in self._reels)
        if orders and not self._planning and (waiting <= 4 * self._crew.listeners or self._closed()):
            order = orders[0]
            self._orders.remove(order)
            self._planning += 1
            self._watch(self._crew.plan(order), lambda pending: self._planned(order, pending))

    def _planned(self, order: Order, pending: Pending) -> None:
        self._planning -= 1
        try:
            plan: PassPlan = pending.result()
            if self._is_done(plan):
                return self._end(order, Outcome(edit=order.edit, unchanged=True))
            if plan.to_do and self._closed():
                # No engine is loaded for what is not begun any more.
                return self._end(order, Outcome(edit=order.edit, shots_left=len(plan.to_do)))
            reel = Reel(order, plan, unheard=deque(plan.to_do))
            for heard in plan.known.values():
                reel.ledger.note_heard(heard)
            self._watcher.planned(reel)
        except WeightsError:
            raise
        except TooLateError:
            return self._end(order, Outcome(edit=order.edit, shots_left=len(plan.to_do)))
        except Exception as error:
            # Whatever is wrong with one edit, the others of the night get their sound.
            return self._end(order, Outcome(edit=order.edit, error=error))
        self._reels.append(reel)

    # Listening

    def _start_listening(self) -> None:
        for reel in self._reels:
            while reel.unheard and self._listening < self._crew.listeners:
                group = [reel.unheard.popleft() for _ in range(min(reel.group_size, len(reel.unheard)))]
                self._listen(reel, group)

    def _listen(self, reel: Reel, group: Sequence[ShotJob]) -> None:
        for job, pending in zip(group, self._crew.listen(group, reel.plan), strict=True):
            self._listening += 1
            work = _Listening(reel=reel, job=job)
            self._watch(pending, lambda done, work=work: self._heard(work, done))  # type: ignore[misc]

    def _heard(self, work: _Listening, pending: Pending) -> None:
        self._listening -= 1
        reel, shot_id = work.reel, work.job.shot_id
        name = ("listen", id(reel.order), shot_id)
        try:
            heard: Heard = pending.result()
        except BrokenWorkError as error:
            heard = Heard(shot_id=shot_id, failure=str(error), retryable=error.retryable)
            if self._attempts.again(name, heard.retryable, error.blame):
                return self._suspects.append(work)
        else:
            if heard.failure and self._attempts.again(name, heard.retryable):
                return reel.unheard.append(work.job)
        if heard.failure:
            heard = Heard(shot_id=shot_id, failure=self._attempts.last_word(name, heard.failure))
        self._note_heard(reel, heard)

    def _note_heard(self, reel: Reel, heard: Heard) -> None:
        reel.ledger.note_heard(heard)
        for request in heard.missing():
            key = request.key()
            if key in self._answers:
                reel.ledger.note_takes([self._answers[key]])
            elif key in self._askers:
                self._askers[key].append(reel)
            else:
                self._askers[key] = [reel]
                self._wishes.append(_Wish(reel=reel, shot_id=heard.shot_id, request=request))
        self._watcher.heard(reel, heard)

    # Making

    def _start_making(self) -> None:
        """Start full batches; a smaller one only when no more requests can come."""
        while self._wishes and self._making < self._crew.makers:
            if len(self._wishes) < BATCH_SIZE and self._more_may_come():
                return
            self._make([self._wishes.popleft() for _ in range(self._next_size())])

    def _more_may_come(self) -> bool:
        return bool(self._listening or self._planning or self._orders or any(reel.unheard for reel in self._reels))

    def _next_size(self) -> int:
        """Towards the end the batches get smaller, so that all devices finish at about the same time."""
        if self._crew.makers == 1 or self._more_may_come():
            return min(BATCH_SIZE, len(self._wishes))
        return min(BATCH_SIZE, ceil(len(self._wishes) / (2 * self._crew.makers)))

    def _make(self, wishes: Sequence[_Wish]) -> None:
        self._making += 1
        title = _title(wishes, many_edits=self._many_edits)
        batch = Batch(title=title, requests=tuple(wish.request for wish in wishes))
        self._watch(self._crew.make(batch, wishes[0].reel.plan), lambda pending: self._made(wishes, pending))

    def _made(self, wishes: Sequence[_Wish], pending: Pending) -> None:
        self._making -= 1
        try:
            takes: tuple[Take, ...] = pending.result()
        except BrokenWorkError as error:
            # Which of several it was nobody knows.
            again_alone = error.retryable or len(wishes) > 1
            takes = tuple(Take(key=wish.request.key(), failure=str(error), retryable=again_alone) for wish in wishes)
            again, blame = self._suspects, error.blame
        else:
            again, blame = self._wishes, 1.0  # type: ignore[assignment]
        final = []
        for wish, take in zip(wishes, takes, strict=True):
            name = ("make", 0, take.key)
            if take.failure and self._attempts.again(name, take.retryable, blame):
                again.append(wish)
                continue
            final.append(
                Take(key=take.key, failure=self._attempts.last_word(name, take.failure)) if take.failure else take
            )
        self._note_takes(final)

    def _note_takes(self, takes: Sequence[Take]) -> None:
        for take in takes:
            self._answers[take.key] = take
            for reel in self._askers.pop(take.key):
                reel.ledger.note_takes([take])
        if takes:
            self._watcher.made(takes)

    # Trying again

    def _try_a_suspect(self) -> None:
        if self._listening or self._making:
            return
        suspect = self._suspects.popleft()
        if isinstance(suspect, _Listening):
            self._listen(suspect.reel, [suspect.job])
        else:
            self._make([suspect])

    # Laying: one edit at a time, while the devices work on the next one.

    def _start_laying(self) -> None:
        ready = next((reel for reel in self._reels if reel.complete and not reel.laying), None)
        if ready is None or self._laying:
            return
        ready.laying = True
        self._laying += 1

        def staged(text: str) -> None:
            self._done.put(lambda: self._watcher.staged(ready, text))

        self._watch(self._crew.lay(ready.plan, ready.ledger, staged), lambda pending: self._laid(ready, pending))

    def _laid(self, reel: Reel, pending: Pending) -> None:
        self._laying -= 1
        self._reels.remove(reel)
        edit = reel.order.edit
        try:
            report: PassReport = pending.result()
        except Exception as error:
            return self._end(reel.order, Outcome(edit=edit, error=error))
        self._end(reel.order, Outcome(edit=edit, report=report))

    def _end(self, order: Order, outcome: Outcome) -> None:
        self.outcomes[id(order)] = outcome
        self._watcher.ended(outcome)

    def _watch(self, pending: Pending, note: Callable[[Pending], None]) -> None:
        pending.add_done_callback(lambda done: self._done.put(lambda: note(done)))


def _title(wishes: Sequence[_Wish], *, many_edits: bool) -> str:
    """ "8 cues (sh0040..sh0170)", of a night "8 cues (reel1 sh0040..sh0170)": all edits call their shots the same."""
    first, last = wishes[0], wishes[-1]
    begin = f"{_edit(first)} {first.shot_id}" if many_edits else first.shot_id
    end = f"{_edit(last)} {last.shot_id}" if first.reel is not last.reel else last.shot_id
    where = begin if (first.reel, first.shot_id) == (last.reel, last.shot_id) else f"{begin}..{end}"
    return f"{counted(len(wishes), 'cue')} ({where})"


def _edit(wish: _Wish) -> str:
    return wish.reel.plan.edit.path.stem
