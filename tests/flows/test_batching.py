"""What is begun when, with an engine that answers at once and threads that come back in any order."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows.batching import Batching
from flows.edit_state import EditState
from flows.errors import BrokenWorkError, EngineAwayError, EngineLostError, HungError, OutputFolderError
from flows.fan_out import fan_out
from flows.local_runner import tasks_of
from flows.options import PassOptions
from flows.orders import Order, Outcome
from flows.pass_run import PassRun
from flows.planning.plan import PassPlan
from flows.shot_job import CueJob, Spotted
from flows.work.attempts import TRIES
from flows.work.boundary import Failure
from flows.work.ledger import Ledger
from flows.work.steps import BATCH_SIZE, Heard, Take
from flows.work.turns import Turns
from flows.work.workshop import Workshop, never
from flows.work_items import Batch, EditToLay, EditToPlan, ShotsToDetect, ShotsToEncode, Work
from pipeline.records import ClipReceipt, FoleyRequest, MediaSpan

SPAN = MediaSpan(path=Path("/m/a.mov"), digest="d" * 64, start_s=Fraction(0), duration_s=Fraction(1))
SPOTTED = Spotted(label="train", category="vehicles", confidence=1.0, source="clip")


class Job:
    """As much of a ShotJob as is looked at."""

    span = SPAN

    def __init__(self, shot_id: str, seeds: tuple[int, ...]) -> None:
        self.shot_id = shot_id
        self.seeds = seeds


def jobs_of(count: int) -> list[Job]:
    return [Job(f"sh{n:04d}", (n,)) for n in range(count)]


def plan_of(name: str, jobs: Sequence[Job]) -> PassPlan:
    """As much of a PassPlan as is looked at."""
    edit = SimpleNamespace(path=Path(f"/edits/{name}.otio"))
    facts = {"edit": edit, "jobs": tuple(jobs), "to_do": tuple(jobs), "known": {}, "options": PassOptions()}
    return cast(PassPlan, SimpleNamespace(**facts, in_words="planned"))


class SlowThreads:
    """As much of a pool of threads as local tasks need: finishes one piece of work, chosen at random, whenever the pass
    waits; counts what is in hand."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.open: deque[tuple[Callable[..., Any], Work, PassRun, Future[Any]]] = deque()
        self.most: Counter[type[Work]] = Counter()
        self.begun: list[Work] = []

    def submit(self, step: Callable[..., Any], work: Work, run: PassRun) -> Future[Any]:
        future: Future[Any] = Future()
        self.begun.append(work)
        self.open.append((step, work, run, future))
        self.most |= Counter(type(one) for _, one, _, _ in self.open)
        return future

    def finish_one(self) -> None:
        self.open.rotate(self.random.randrange(len(self.open)))
        step, work, run, future = self.open.popleft()
        try:
            future.set_result(step(work, run))
        except Exception as error:
            future.set_exception(error)


class Engine:
    """An engine that answers at once. `shot_errors` and `seed_errors` say what befalls a piece of work, one error per
    try; None is success."""

    def __init__(self, seed: int = 0, listeners: int = 2, makers: int = 1) -> None:
        self.threads = SlowThreads(Random(seed))
        self.listeners, self.makers = listeners, makers
        self.asked: list[list[int]] = []
        self.laid: list[tuple[str, Ledger]] = []
        self.shot_errors: dict[str, list[BrokenWorkError | Failure | None]] = {}
        self.seed_errors: dict[int, list[BrokenWorkError | Failure | None]] = {}
        self.lay_error: Exception | None = None

    def submit(self, kind: str, argument: Any, limit_s: float) -> Future[Any]:
        future: Future[Any] = Future()
        works: dict[str, Callable[[Any], Any]] = {
            "encode": self._encoded,
            "detect": self._detected,
            "make": self._made,
        }
        result = works[kind](argument)
        future.set_exception(result) if isinstance(result, Exception) else future.set_result(result)
        return future

    def _encoded(self, job: Job) -> str | BrokenWorkError | Failure:
        return next_of(self.shot_errors.get(job.shot_id)) or job.shot_id

    def _detected(self, job: Job) -> Heard:
        requests = [request_of(seed) for seed in job.seeds]
        cues = [
            CueJob(cue_id=f"{job.shot_id}-{n}", spotted=SPOTTED, request=r, seed=r.seed) for n, r in enumerate(requests)
        ]
        return Heard(shot_id=job.shot_id, cues=tuple(cues))

    def _made(self, requests: Sequence[FoleyRequest]) -> tuple[Take | Failure, ...] | BrokenWorkError:
        self.asked.append([request.seed for request in requests])
        errors = [next_of(self.seed_errors.get(request.seed)) for request in requests]
        if broken := next((error for error in errors if isinstance(error, BrokenWorkError)), None):
            return broken
        return tuple(error or Take(key=request.key()) for request, error in zip(requests, errors, strict=True))

    def lay(self, edit: EditState, on_stage: Callable[[str], None], elapsed_s: Callable[[], float]) -> Any:
        self.laid.append((edit.name, edit.ledger))
        on_stage("laying")
        if self.lay_error:
            raise self.lay_error
        return SimpleNamespace(edit_name=edit.name)

    @property
    def batches(self) -> list[Batch]:
        return [work for work in self.threads.begun if isinstance(work, Batch)]


def next_of(errors: list[Any] | None) -> Any:
    return errors.pop(0) if errors else None


def request_of(seed: int) -> FoleyRequest:
    return FoleyRequest(span=SPAN, label="train", seed=seed, settings_digest="s", model_digest="m")


class Diary:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def planned(self, edit: EditState) -> None:
        self.lines.append(f"planned {edit.name}")

    def heard(self, edit: EditState, heard: Heard) -> None:
        self.lines.append(f"heard {heard.shot_id}")

    def made(self, takes: Sequence[Take]) -> None:
        self.lines.append(f"made {len(takes)}")

    def ended(self, outcome: Outcome) -> None:
        self.lines.append(f"ended {outcome.edit.stem}")


class WaitingQueue:
    """A queue that lets the engine finish something when it is empty."""

    def __init__(self, finish: Callable[[], None]) -> None:
        self.items: deque[Any] = deque()
        self.finish = finish

    def put(self, item: Any) -> None:
        self.items.append(item)

    def get(self) -> Any:
        while not self.items:
            self.finish()
        return self.items.popleft()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Outcome]]:
    """Work off edits, named by their place in the list, with this engine."""

    def go(
        engine: Engine,
        *edits: Sequence[Job],
        diary: Diary | None = None,
        begun: Sequence[int] = (),
        closed: Callable[[], bool] = never,
        is_done: Callable[[PassPlan], bool] = lambda plan: False,
    ) -> list[Outcome]:
        monkeypatch.setattr("flows.batching.SimpleQueue", lambda: WaitingQueue(engine.threads.finish_one))
        orders = [
            Order(
                edit=Path(f"/edits/reel{n}.otio"),
                options=PassOptions(),
                plan=plan_of(f"reel{n}", jobs),
                begun=n in begun,
            )
            for n, jobs in enumerate(edits, start=1)
        ]
        told = diary or Diary()
        work = Batching(orders, engine, told, closed=closed, is_done=is_done)
        doing = PassRun(cast(Workshop, engine), lay=engine.lay)
        doing.on_stage = lambda edit, text: told.lines.append(text)
        return fan_out(work, tasks_of(cast(ThreadPoolExecutor, engine.threads)), doing)

    return go


Run = Callable[..., list[Outcome]]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("listeners", "makers"), [(2, 1), (4, 2)])
def test_every_shot_is_heard_and_every_take_made_in_any_order(seed: int, listeners: int, makers: int, run: Run) -> None:
    edits = [[Job(f"sh{n:04d}", tuple(range(n + e, n + e + n % 3))) for n in range(0, 200, 10)] for e in (0, 1000)]
    engine = Engine(seed, listeners, makers)
    run(engine, *edits)
    assert sorted(name for name, _ in engine.laid) == ["reel1", "reel2"]
    for _, ledger in engine.laid:
        wanted = {cue.request.key() for heard in ledger.heard.values() for cue in heard.cues}
        assert len(ledger.heard) == 20
        assert ledger.made == wanted == set(ledger.takes)
    most = engine.threads.most
    assert most == {
        EditToPlan: 1,
        ShotsToEncode: listeners,
        ShotsToDetect: most[ShotsToDetect],
        Batch: makers,
        EditToLay: 1,
    }
    assert most[ShotsToDetect] <= listeners


def test_batches_are_full_but_for_the_last(run: Run) -> None:
    engine = Engine()
    run(engine, jobs_of(19))
    assert [len(batch.requests) for batch in engine.batches] == [BATCH_SIZE, BATCH_SIZE, 3]


def test_batches_go_across_edits(run: Run) -> None:
    engine = Engine()
    run(engine, [Job("sh0010", (1,))], [Job("sh0010", (2,))])
    assert [len(batch.requests) for batch in engine.batches] == [2]
    assert engine.batches[0].title in ("2 cues (reel1 sh0010..reel2 sh0010)", "2 cues (reel2 sh0010..reel1 sh0010)")


def test_towards_the_end_two_devices_get_smaller_batches(run: Run) -> None:
    engine = Engine(0, listeners=40, makers=2)
    run(engine, jobs_of(40))
    assert [len(batch.requests) for batch in engine.batches][-4:] == [1, 1, 1, 1]
    assert sum(len(batch.requests) for batch in engine.batches) == 40


def test_a_request_wanted_twice_is_made_once(run: Run) -> None:
    engine = Engine()
    run(engine, [Job("sh0010", (1, 1)), Job("sh0020", (1,))], [Job("sh0030", (1,))])
    assert [len(batch.requests) for batch in engine.batches] == [1]
    assert [set(ledger.takes) for _, ledger in engine.laid] == [{request_of(1).key()}] * 2


def test_a_batch_says_what_is_in_it(run: Run) -> None:
    engine = Engine()
    run(engine, [Job("sh0010", (1,)), Job("sh0020", (2,))])
    assert engine.batches[0].title in ("2 cues (sh0010..sh0020)", "2 cues (sh0020..sh0010)")


def test_a_batch_of_a_night_says_of_which_edit_it_is(run: Run) -> None:
    engine = Engine(0, listeners=1)
    run(engine, jobs_of(16), [])
    assert engine.batches[0].title == "8 cues (reel1 sh0000..sh0007)"


def test_an_edit_without_shots_to_do_is_laid_at_once(run: Run) -> None:
    engine, diary = Engine(), Diary()
    run(engine, [], diary=diary)
    assert diary.lines == ["planned reel1", "laying", "ended reel1"]


def test_a_large_edit_is_looked_at_in_groups(run: Run) -> None:
    engine = Engine()
    run(engine, [Job(f"sh{n:05d}", ()) for n in range(1000)])
    for kind in (ShotsToEncode, ShotsToDetect):
        assert [len(work.jobs) for work in engine.threads.begun if isinstance(work, kind)] == [8] * 125
    assert engine.threads.begun[1].title == "8 shots (sh00000..sh00007)"


def test_what_a_task_comes_after_is_told(run: Run) -> None:
    """Prefect's page draws its arrows from it."""
    engine = Engine()
    run(engine, jobs_of(3))
    begun = engine.threads.begun
    assert [len(work.after) for work in begun if isinstance(work, ShotsToDetect | Batch)] == [1, 1, 1, 3]
    assert not any(work.after for work in begun if isinstance(work, ShotsToEncode | EditToPlan))


def test_takes_in_the_store_are_not_asked_for_again() -> None:
    heard = Engine()._detected(Job("sh0010", (1, 2)))
    receipt = receipt_of(heard.cues[0].request.key())
    assert [request.seed for request in replace(heard, stored=(receipt,)).missing()] == [2]


def receipt_of(key: str) -> ClipReceipt:
    return ClipReceipt(key=key, wav=Path("/s/a.wav"), sha256="0", samples=1, sample_rate_hz=48_000, peak=0.0)


def test_what_may_work_another_time_is_tried_again_and_then_set_aside(run: Run) -> None:
    engine = Engine()
    full, bad = Failure(reason="full", retryable=True), Failure(reason="bad label")
    engine.seed_errors = {1: [full], 2: [full] * TRIES, 3: [bad] * 2}
    run(engine, [Job("sh0010", (1,)), Job("sh0020", (2,)), Job("sh0030", (3,))])
    takes = engine.laid[0][1].takes
    assert [takes[request_of(seed).key()].failure for seed in (1, 2, 3)] == [
        "",
        f"set aside after {TRIES} tries: full",
        "bad label",
    ]
    assert Counter(seed for batch in engine.asked for seed in batch) == {1: 2, 2: TRIES, 3: 2}
    assert [batch.title for batch in engine.batches[1:]] == [f"1 cue (sh00{n}0), attempt 2" for n in (1, 2, 3)]


def test_a_shot_is_looked_at_again_where_that_may_help(run: Run) -> None:
    engine = Engine()
    engine.shot_errors = {
        "sh0010": [Failure(reason="disk away", retryable=True)],
        "sh0020": [Failure(reason="no such frame")],
        "sh0030": [HungError("hung")],
    }
    run(engine, [Job("sh0010", (1,)), Job("sh0020", (2,)), Job("sh0030", (3,))])
    heard = engine.laid[0][1].heard
    assert [heard[f"sh00{n}0"].failure for n in (1, 2, 3)] == ["", "no such frame", "hung"]


def test_of_a_group_only_the_shot_that_fails_is_looked_at_again(run: Run) -> None:
    engine = Engine()
    engine.shot_errors = {"sh00003": [Failure(reason="no such frame")] * 2, "sh00005": [Failure(reason="busy")]}
    run(engine, [Job(f"sh{n:05d}", ()) for n in range(500)])
    heard = engine.laid[0][1].heard
    assert {shot_id: one.failure for shot_id, one in heard.items() if one.failure} == {"sh00003": "no such frame"}
    again = [work.title for work in engine.threads.begun if work.attempt > 1]
    assert again.count("sh00003, attempt 2") == 1 and again.count("sh00005, attempt 2") == 2


def test_when_a_process_dies_each_suspect_is_tried_alone_and_only_the_culprit_is_set_aside(run: Run) -> None:
    engine = Engine(3)
    engine.seed_errors = {5: [EngineLostError("it died")] * 9}
    run(engine, jobs_of(24))
    takes = engine.laid[0][1].takes
    failed = {key: take.failure for key, take in takes.items() if take.failure}
    assert failed == {request_of(5).key(): f"set aside after {TRIES} tries: it died"}
    assert len(takes) == 24
    assert sum(len(asked) == 1 for asked in engine.asked) == BATCH_SIZE + TRIES - 2


def test_of_a_batch_that_hangs_only_the_take_that_hangs_alone_is_given_up(run: Run) -> None:
    engine = Engine()
    engine.seed_errors = {5: [HungError("it did not come back")] * 9}
    run(engine, jobs_of(8))
    takes = engine.laid[0][1].takes
    assert {key: take.failure for key, take in takes.items() if take.failure} == {
        request_of(5).key(): "it did not come back"
    }
    assert set(Counter(seed for batch in engine.asked for seed in batch).values()) == {2}


def test_what_a_process_that_is_away_never_began_is_asked_for_again(run: Run) -> None:
    engine = Engine()
    engine.seed_errors = {0: [EngineAwayError("it was gone")] * 9}
    run(engine, jobs_of(1))
    assert [take.failure for take in engine.laid[0][1].takes.values()] == [""]
    assert len(engine.asked) == 10 and len(engine.batches) == 1


def test_a_suspect_works_alone() -> None:
    turns, order = Turns(), []
    inside, leave = threading.Event(), threading.Event()

    def beside(name: str) -> None:
        with turns.turn(alone=False):
            inside.set()
            leave.wait()
            order.append(name)

    def alone() -> None:
        with turns.turn(alone=True):
            order.append("alone")

    first = threading.Thread(target=beside, args=("first",))
    first.start()
    inside.wait()
    suspect = threading.Thread(target=alone)
    suspect.start()
    while not turns._alone:  # it waits for the first
        pass
    second = threading.Thread(target=beside, args=("second",))
    second.start()
    leave.set()
    for thread in (first, suspect, second):
        thread.join()
    assert order == ["first", "alone", "second"]


def test_an_edit_that_cannot_be_laid_does_not_stop_the_others(run: Run) -> None:
    engine = Engine()
    engine.lay_error = OutputFolderError("no room")
    first, second = run(engine, jobs_of(1), jobs_of(2))
    assert str(first.error) == str(second.error) == "no room"
    assert len(engine.laid) == 2


def test_an_unexpected_error_of_one_edit_does_not_stop_the_others(run: Run) -> None:
    engine = Engine()
    engine.lay_error = KeyError("what")
    first, second = run(engine, jobs_of(1), jobs_of(2))
    assert first.error is second.error is engine.lay_error
    assert first.how_it_ended == "unexpected KeyError: 'what'"


def test_what_was_begun_is_laid_after_the_deadline_and_nothing_else_is_touched(run: Run) -> None:
    engine, diary = Engine(), Diary()
    first, second, third = run(engine, [], jobs_of(3), [], begun=(1, 2), closed=lambda: True, diary=diary)
    assert "planned reel1" in diary.lines and "planned reel2" not in diary.lines
    assert first.report and [name for name, _ in engine.laid] == ["reel1"]
    assert (second.shots_left, third.how_it_ended) == (3, "not begun")


def test_a_finished_edit_is_left_as_it_is(run: Run) -> None:
    engine = Engine()
    first, second = run(engine, jobs_of(1), jobs_of(2), is_done=lambda plan: plan.edit.path.stem == "reel1")
    assert (first.unchanged, second.unchanged) == (True, False)
    assert [name for name, _ in engine.laid] == ["reel2"]


def test_at_the_deadline_nothing_new_is_begun_and_what_is_complete_is_laid(run: Run) -> None:
    engine, diary = Engine(1), Diary()

    def closed() -> bool:
        return diary.lines.count("made 8") >= 1

    outcomes = run(
        engine, jobs_of(4), [Job(f"sh{n:04d}", (n + 100,)) for n in range(60)], jobs_of(3), diary=diary, closed=closed
    )
    assert [outcome.report is not None for outcome in outcomes] == [True, False, False]
    made = sum(len(batch.requests) for batch in engine.batches)
    assert made == BATCH_SIZE
    assert outcomes[1].shots_left == 60 - (made - 4)
    assert outcomes[1].in_words == "reel2: 56 shots left for the next time"
    assert outcomes[2].in_words == "reel3: not begun"
