"""What can be begun next in a pass, over all its edits, and what the results make possible.

    edits -> plan -> shots -> encode -> detect -> takes that are missing -> generate, in batches -> lay, edit by edit

Nothing waits for a stage to be over: a batch forms as soon as the shots of any edit ask for enough takes, an edit is
laid while others are worked on. No more is begun than can be worked on, so memory does not grow with what waits. One
take is made per content key, whoever asks for it. What fails in company is tried again alone (steps.py), and only what
fails alone has failed.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import ceil
from queue import SimpleQueue
from typing import Any, Protocol

from flows.edit_state import EditState
from flows.errors import TooLateError, WorkFailedError, WorkshopError
from flows.orders import Order, Outcome
from flows.planning.plan import PassPlan
from flows.shot_job import ShotJob
from flows.work.boundary import Failure, in_words
from flows.work.steps import BATCH_SIZE, Heard, Take
from flows.work_items import Batch, EditToLay, EditToPlan, Future, ShotsToDetect, ShotsToEncode, Wanted, Work
from pipeline.errors import WeightsError


class Hands(Protocol):
    """How much can be worked on at a time: shots that are looked at, batches that are made."""

    listeners: int
    makers: int


class Observer(Protocol):
    """Hears what happens, in the thread that waits."""

    def planned(self, edit: EditState) -> None:
        """An edit was read; whatever its work needs is loaded here. Raises WeightsError, WorkshopError."""
        ...

    def heard(self, edit: EditState, heard: Heard) -> None:
        """The cues of a shot are decided."""
        ...

    def made(self, takes: Sequence[Take]) -> None:
        """Some takes are there, or have failed."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """An edit is over, one way or another."""
        ...


class Batching:
    """Ask what can be begun, tell what was `begun`, `wait` for a result, ask again; `outcomes` in the end.

    `hands` may change once an engine is open. `closed` says when nothing new is to be begun any more; `is_done` which
    plans need nothing.
    """

    def __init__(
        self,
        orders: Iterable[Order],
        hands: Hands,
        observer: Observer,
        *,
        closed: Callable[[], bool],
        is_done: Callable[[PassPlan], bool],
    ) -> None:
        self._orders = deque(map(EditState, orders))
        self._ended: dict[int, Outcome] = {}
        self._all = [edit.order for edit in self._orders]
        self._many_edits = len(self._all) > 1
        self._hands, self._observer, self._closed, self._is_done = hands, observer, closed, is_done
        self._edits: list[EditState] = []
        self._encode_again: deque[ShotsToEncode] = deque()
        self._to_detect: deque[ShotsToDetect] = deque()
        self._wanted: deque[Wanted] = deque()
        self._make_again: deque[Batch] = deque()
        self._askers: dict[str, list[EditState]] = {}
        self._answers: dict[str, Take] = {}
        self._laying: set[EditState] = set()
        self._open: Counter[type[Work]] = Counter()
        self._news: SimpleQueue[Callable[[], None]] = SimpleQueue()

    # What can be begun

    def edits_to_plan(self) -> Iterator[EditToPlan]:
        """One edit ahead of the work, so that its shots are there when they are needed."""
        waiting = sum(len(edit.unseen) for edit in self._edits)
        closed = self._closed()
        if not self._open[EditToPlan] and (closed or waiting <= 4 * self._hands.listeners):
            # What was begun in an earlier night is still laid when it is found complete.
            edit = next((edit for edit in self._orders if edit.order.begun or not closed), None)
            if edit:
                self._orders.remove(edit)
                yield EditToPlan(edit)

    def shots_to_encode(self) -> Iterator[ShotsToEncode]:
        """As many groups of shots as are looked at at a time."""
        while not self._closed() and self._open[ShotsToEncode] < self._hands.listeners:
            if self._encode_again:
                yield self._encode_again.popleft()
            elif edit := next((edit for edit in self._edits if edit.unseen), None):
                count = min(edit.group_size, len(edit.unseen))
                yield ShotsToEncode(edit, [edit.unseen.popleft() for _ in range(count)], self._many_edits)
            else:
                return

    def shots_to_detect(self) -> Iterator[ShotsToDetect]:
        """Shots that are encoded."""
        while self._to_detect and not self._closed() and self._open[ShotsToDetect] < self._hands.listeners:
            yield self._to_detect.popleft()

    def batches(self) -> Iterator[Batch]:
        """Full batches; smaller ones only when no more takes can be asked for."""
        while not self._closed() and self._open[Batch] < self._hands.makers:
            if self._make_again:
                yield self._make_again.popleft()
            elif self._wanted and (len(self._wanted) >= BATCH_SIZE or not self._more_may_come()):
                yield Batch([self._wanted.popleft() for _ in range(self._next_size())], self._many_edits)
            else:
                return

    def edits_to_lay(self) -> Iterator[EditToLay]:
        """An edit whose takes are all known, one at a time, while the devices work on the next one."""
        ready = next((edit for edit in self._edits if edit.complete and edit not in self._laying), None)
        if ready and not self._open[EditToLay]:
            self._laying.add(ready)
            yield EditToLay(ready)

    def _more_may_come(self) -> bool:
        looking = self._open[EditToPlan] + self._open[ShotsToEncode] + self._open[ShotsToDetect]
        waiting = self._orders or self._encode_again or self._to_detect
        return bool(looking or waiting or any(edit.unseen for edit in self._edits))

    def _next_size(self) -> int:
        """Towards the end the batches get smaller, so that all devices finish at about the same time."""
        if self._hands.makers == 1 or self._more_may_come():
            return min(BATCH_SIZE, len(self._wanted))
        return min(BATCH_SIZE, ceil(len(self._wanted) / (2 * self._hands.makers)))

    # What has come of it

    def begun(self, work: Work, future: Future) -> None:
        """Note that somebody works on it."""
        notes: dict[type[Work], Callable[[Any, Future], None]] = {
            EditToPlan: self._planned,
            ShotsToEncode: self._encoded,
            ShotsToDetect: self._detected,
            Batch: self._made,
            EditToLay: self._laid,
        }
        note = notes[type(work)]
        self._open[type(work)] += 1

        def noted() -> None:
            self._open[type(work)] -= 1
            note(work, future)

        future.add_done_callback(lambda _: self.say(noted))

    def say(self, news: Callable[[], None]) -> None:
        """Have `news` called in the thread that waits; from any thread."""
        self._news.put(news)

    def wait(self) -> bool:
        """Take in one result; False when there is nothing left to wait for. Raises what stops the whole pass."""
        if not sum(self._open.values()):
            return False
        self._news.get()()
        return True

    def outcomes(self) -> list[Outcome]:
        """One per order, in their order; of edits that are not finished, how much is left."""
        for edit in self._edits:
            self._end(edit, Outcome(edit=edit.order.edit, shots_left=edit.shots_left))
        for edit in self._orders:
            self._end(edit, Outcome(edit=edit.order.edit))
        return [self._ended[id(order)] for order in self._all]

    def _planned(self, work: EditToPlan, future: Future) -> None:
        edit, path = work.edit, work.edit.order.edit
        try:
            future.result()
            if self._is_done(edit.plan):
                return self._end(edit, Outcome(edit=path, unchanged=True))
            if edit.plan.to_do and self._closed():
                # No engine is loaded for what is not begun any more.
                return self._end(edit, Outcome(edit=path, shots_left=len(edit.plan.to_do)))
            self._observer.planned(edit)
        except WeightsError:
            raise
        except TooLateError:
            return self._end(edit, Outcome(edit=path, shots_left=len(edit.plan.to_do)))
        except Exception as error:
            # Whatever is wrong with one edit, the others of the night get their sound.
            return self._end(edit, Outcome(edit=path, error=error))
        self._edits.append(edit)

    def _encoded(self, work: ShotsToEncode, future: Future) -> None:
        results = list(zip(work.jobs, _results(future, len(work.jobs)), strict=True))
        if seen := [job for job, result in results if not isinstance(result, Failure)]:
            # Those that fail go on alone; a shot alone keeps the number of its attempt.
            again = {"attempt": work.attempt, "after": [future]}
            self._to_detect.append(ShotsToDetect(work.edit, seen, self._many_edits, **again))
        self._look_again(work, [(job, result) for job, result in results if isinstance(result, Failure)])

    def _detected(self, work: ShotsToDetect, future: Future) -> None:
        failed = []
        for job, result in zip(work.jobs, _results(future, len(work.jobs)), strict=True):
            if isinstance(result, Failure):
                failed.append((job, result))
            else:
                self._note_heard(work.edit, result, future)
        self._look_again(work, failed)

    def _look_again(self, work: ShotsToEncode | ShotsToDetect, failed: Iterable[tuple[ShotJob, Failure]]) -> None:
        for job, failure in failed:
            if work.alone:
                self._note_heard(work.edit, Heard(shot_id=job.shot_id, failure=failure.reason))
            else:
                again = ShotsToEncode(work.edit, [job], self._many_edits, attempt=work.attempt + 1)
                self._encode_again.append(again)

    def _note_heard(self, edit: EditState, heard: Heard, future: Future | None = None) -> None:
        edit.ledger.note_heard(heard)
        for request in heard.missing():
            key = request.key()
            if key in self._answers:
                edit.ledger.note_takes([self._answers[key]])
            elif key in self._askers:
                self._askers[key].append(edit)
            else:
                self._askers[key] = [edit]
                self._wanted.append(Wanted(edit, heard.shot_id, request, future))
        self._observer.heard(edit, heard)

    def _made(self, work: Batch, future: Future) -> None:
        known = []
        for wanted, result in zip(work.wanted, _results(future, len(work.wanted)), strict=True):
            if not isinstance(result, Failure):
                known.append(result)
            elif work.alone:
                known.append(Take(key=wanted.request.key(), failure=result.reason))
            else:
                self._make_again.append(Batch([wanted], self._many_edits, attempt=work.attempt + 1))
        for take in known:
            self._answers[take.key] = take
            for edit in self._askers.pop(take.key):
                edit.ledger.note_takes([take])
        if known:
            self._observer.made(known)

    def _laid(self, work: EditToLay, future: Future) -> None:
        self._laying.discard(work.edit)
        self._edits.remove(work.edit)
        path = work.edit.order.edit
        try:
            self._end(work.edit, Outcome(edit=path, report=future.result()))
        except Exception as error:
            self._end(work.edit, Outcome(edit=path, error=error))

    def _end(self, edit: EditState, outcome: Outcome) -> None:
        self._ended[id(edit.order)] = outcome
        self._observer.ended(outcome)


def _results(future: Future, count: int) -> Sequence[Any]:
    """What came of each; a Failure for what came to nothing. Raises what no other work could do without either."""
    try:
        results: Sequence[Any] = future.result()
        return results
    except WorkFailedError as error:
        return [error.failure] * count
    except (WeightsError, WorkshopError):
        raise
    except Exception as error:
        return [Failure(reason=in_words(error))] * count
