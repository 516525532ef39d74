"""The loop that keeps everyone busy, with a crew that works at once or in any order."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows.errors import BrokenWorkError, EngineLostError, HungError, OutputFolderError
from flows.options import PassOptions
from flows.orders import Order, Outcome
from flows.planning.plan import PassPlan
from flows.shot_job import CueJob, ShotJob, Spotted
from flows.work.attempts import TRIES
from flows.work.ledger import Batch, Ledger
from flows.work.loop import BATCH_SIZE, Loop
from flows.work.steps import Heard, Take
from pipeline.records import ClipReceipt, FoleyRequest, MediaSpan

SPAN = MediaSpan(path=Path("/m/a.mov"), digest="d" * 64, start_s=Fraction(0), duration_s=Fraction(1))
SPOTTED = Spotted(label="train", category="vehicles", confidence=1.0, source="clip")


class Job:
    """As much of a ShotJob as the loop looks at."""

    def __init__(self, shot_id: str, seeds: tuple[int, ...]) -> None:
        self.shot_id = shot_id
        self.seeds = seeds


def jobs_of(count: int) -> list[Job]:
    return [Job(f"sh{n:04d}", (n,)) for n in range(count)]


def plan_of(name: str, jobs: Sequence[Job]) -> PassPlan:
    """As much of a PassPlan as the loop looks at."""
    edit = SimpleNamespace(path=Path(f"/edits/{name}.otio"))
    return cast(PassPlan, SimpleNamespace(edit=edit, jobs=tuple(jobs), to_do=tuple(jobs), known={}))


class SlowCrew:
    """Finishes one piece of work, chosen at random, whenever the loop waits; counts what is in hand.

    `shot_errors` and `seed_errors` say what befalls a piece of work, one error per try; None is success.
    """

    def __init__(self, random: Random, listeners: int = 2, makers: int = 1) -> None:
        self.random = random
        self.listeners, self.makers = listeners, makers
        self.open: deque[tuple[str, Future[Any], Any]] = deque()
        self.most: Counter[str] = Counter()
        self.batches: list[Batch] = []
        self.company: list[tuple[str, int]] = []
        self.laid: list[tuple[str, Ledger]] = []
        self.shot_errors: dict[str, list[BrokenWorkError | str | None]] = {}
        self.seed_errors: dict[int, list[BrokenWorkError | str | None]] = {}
        self.lay_error: Exception | None = None

    def plan(self, order: Order) -> Future[Any]:
        return self._take_on("plan", order.plan)

    def listen(self, jobs: Sequence[ShotJob], plan: PassPlan) -> Sequence[Future[Any]]:
        return [self._take_on("listen", self._heard(cast(Job, job)), job.shot_id) for job in jobs]

    def make(self, batch: Batch, plan: PassPlan) -> Future[Any]:
        self.batches.append(batch)
        return self._take_on("make", self._takes(batch), batch.title)

    def lay(self, plan: PassPlan, ledger: Ledger, on_stage: Callable[[str], None]) -> Future[Any]:
        self.laid.append((plan.edit.path.stem, ledger))
        on_stage("laying")
        return self._take_on("lay", self.lay_error or SimpleNamespace(edit_name=plan.edit.path.stem))

    def _heard(self, job: Job) -> Heard | BrokenWorkError:
        error = next_of(self.shot_errors.get(job.shot_id))
        if isinstance(error, BrokenWorkError):
            return error
        if error:
            return Heard(shot_id=job.shot_id, failure=error, retryable="again" in error)
        requests = [request_of(seed) for seed in job.seeds]
        cues = [
            CueJob(cue_id=f"{job.shot_id}-{n}", spotted=SPOTTED, request=r, seed=r.seed) for n, r in enumerate(requests)
        ]
        return Heard(shot_id=job.shot_id, cues=tuple(cues))

    def _takes(self, batch: Batch) -> tuple[Take, ...] | BrokenWorkError:
        errors = [next_of(self.seed_errors.get(request.seed)) for request in batch.requests]
        if broken := next((error for error in errors if isinstance(error, BrokenWorkError)), None):
            return broken
        return tuple(
            Take(key=request.key(), failure=str(error or ""), retryable="again" in str(error))
            for request, error in zip(batch.requests, errors, strict=True)
        )

    def _take_on(self, kind: str, result: Any, name: str = "") -> Future[Any]:
        future: Future[Any] = Future()
        self.open.append((kind, future, result))
        in_hand = Counter(of for of, _, _ in self.open)
        self.most |= in_hand
        self.company.append((name, in_hand["listen"] + in_hand["make"]))
        return future

    def finish_one(self) -> None:
        self.open.rotate(self.random.randrange(len(self.open)))
        _, future, result = self.open.popleft()
        future.set_exception(result) if isinstance(result, Exception) else future.set_result(result)


def next_of(errors: list[Any] | None) -> Any:
    return errors.pop(0) if errors else None


def request_of(seed: int) -> FoleyRequest:
    return FoleyRequest(span=SPAN, label="train", seed=seed, settings_digest="s", model_digest="m")


class Diary:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def planned(self, reel: Any) -> None:
        self.lines.append(f"planned {reel.order.edit.stem}")

    def heard(self, reel: Any, heard: Heard) -> None:
        self.lines.append(f"heard {heard.shot_id}")

    def made(self, takes: Sequence[Take]) -> None:
        self.lines.append(f"made {len(takes)}")

    def staged(self, reel: Any, text: str) -> None:
        self.lines.append(text)

    def ended(self, outcome: Outcome) -> None:
        self.lines.append(f"ended {outcome.edit.stem}")

    def broken(self, text: str) -> None:
        self.lines.append(text)


class WaitingQueue:
    """A queue that lets the crew finish something when it is empty."""

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
    """Work off edits, named by their place in the list, with this crew."""

    def go(
        crew: SlowCrew, *edits: Sequence[Job], diary: Diary | None = None, begun: Sequence[int] = (), **more: Any
    ) -> list[Outcome]:
        monkeypatch.setattr("flows.work.loop.SimpleQueue", lambda: WaitingQueue(crew.finish_one))
        orders = [
            Order(
                edit=Path(f"/edits/reel{n}.otio"),
                options=PassOptions(),
                plan=plan_of(f"reel{n}", jobs),
                begun=n in begun,
            )
            for n, jobs in enumerate(edits, start=1)
        ]
        return Loop(orders, crew, diary or Diary(), **more).run()

    return go


Run = Callable[..., list[Outcome]]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("listeners", "makers"), [(2, 1), (4, 2)])
def test_every_shot_is_heard_and_every_take_made_in_any_order(seed: int, listeners: int, makers: int, run: Run) -> None:
    edits = [[Job(f"sh{n:04d}", tuple(range(n + e, n + e + n % 3))) for n in range(0, 200, 10)] for e in (0, 1000)]
    crew = SlowCrew(Random(seed), listeners, makers)
    run(crew, *edits)
    assert sorted(name for name, _ in crew.laid) == ["reel1", "reel2"]
    for _, ledger in crew.laid:
        wanted = {cue.request.key() for heard in ledger.heard.values() for cue in heard.cues}
        assert len(ledger.heard) == 20
        assert ledger.made == wanted == set(ledger.takes)
    assert crew.most == {"plan": 1, "listen": listeners, "make": makers, "lay": 1}


def test_batches_are_full_but_for_the_last(run: Run) -> None:
    crew = SlowCrew(Random(0))
    run(crew, jobs_of(19))
    assert [len(batch.requests) for batch in crew.batches] == [BATCH_SIZE, BATCH_SIZE, 3]


def test_batches_go_across_edits(run: Run) -> None:
    crew = SlowCrew(Random(0))
    run(crew, [Job("sh0010", (1,))], [Job("sh0010", (2,))])
    assert [len(batch.requests) for batch in crew.batches] == [2]
    assert crew.batches[0].title in ("2 cues (reel1 sh0010..reel2 sh0010)", "2 cues (reel2 sh0010..reel1 sh0010)")


def test_towards_the_end_two_devices_get_smaller_batches(run: Run) -> None:
    crew = SlowCrew(Random(0), listeners=40, makers=2)
    run(crew, jobs_of(40))
    assert [len(batch.requests) for batch in crew.batches][-4:] == [1, 1, 1, 1]
    assert sum(len(batch.requests) for batch in crew.batches) == 40


def test_a_request_wanted_twice_is_made_once(run: Run) -> None:
    crew = SlowCrew(Random(0))
    run(crew, [Job("sh0010", (1, 1)), Job("sh0020", (1,))], [Job("sh0030", (1,))])
    assert [len(batch.requests) for batch in crew.batches] == [1]
    assert [set(ledger.takes) for _, ledger in crew.laid] == [{request_of(1).key()}] * 2


def test_a_batch_says_what_is_in_it(run: Run) -> None:
    crew = SlowCrew(Random(0))
    run(crew, [Job("sh0010", (1,)), Job("sh0020", (2,))])
    assert crew.batches[0].title in ("2 cues (sh0010..sh0020)", "2 cues (sh0020..sh0010)")


def test_a_batch_of_a_night_says_of_which_edit_it_is(run: Run) -> None:
    crew = SlowCrew(Random(0), listeners=1)
    run(crew, jobs_of(16), [])
    assert crew.batches[0].title == "8 cues (reel1 sh0000..sh0007)"


def test_an_edit_without_shots_to_do_is_laid_at_once(run: Run) -> None:
    crew, diary = SlowCrew(Random(0)), Diary()
    run(crew, [], diary=diary)
    assert diary.lines == ["planned reel1", "laying", "ended reel1"]


def test_a_large_edit_is_listened_to_in_groups(run: Run) -> None:
    crew = SlowCrew(Random(0))
    groups: list[int] = []
    listen = crew.listen

    def noted(jobs: Sequence[ShotJob], plan: PassPlan) -> Any:
        groups.append(len(jobs))
        return listen(jobs, plan)

    crew.listen = noted  # type: ignore[method-assign]
    run(crew, [Job(f"sh{n:05d}", ()) for n in range(1000)])
    assert groups == [4] * 250


def test_takes_in_the_store_are_not_asked_for_again() -> None:
    heard = SlowCrew(Random(0))._heard(Job("sh0010", (1, 2)))
    assert isinstance(heard, Heard)
    receipt = receipt_of(heard.cues[0].request.key())
    assert [request.seed for request in replace(heard, stored=(receipt,)).missing()] == [2]


def receipt_of(key: str) -> ClipReceipt:
    return ClipReceipt(key=key, wav=Path("/s/a.wav"), sha256="0", samples=1, sample_rate_hz=48_000, peak=0.0)


def test_what_may_work_another_time_is_tried_again_and_then_set_aside(run: Run) -> None:
    crew = SlowCrew(Random(0))
    crew.seed_errors = {1: ["full, again"], 2: ["full, again"] * TRIES, 3: ["bad label"]}
    run(crew, [Job("sh0010", (1,)), Job("sh0020", (2,)), Job("sh0030", (3,))])
    takes = crew.laid[0][1].takes
    assert [takes[request_of(seed).key()].failure for seed in (1, 2, 3)] == [
        "",
        f"set aside after {TRIES} tries: full, again",
        "bad label",
    ]
    tries = Counter(request.seed for batch in crew.batches for request in batch.requests)
    assert tries == {1: 2, 2: TRIES, 3: 1}


def test_a_shot_is_listened_to_again_where_that_may_help(run: Run) -> None:
    crew = SlowCrew(Random(0))
    crew.shot_errors = {"sh0010": ["disk away, again"], "sh0020": ["no such frame"], "sh0030": [HungError("hung")]}
    run(crew, [Job("sh0010", (1,)), Job("sh0020", (2,)), Job("sh0030", (3,))])
    heard = crew.laid[0][1].heard
    assert [heard[f"sh00{n}0"].failure for n in (1, 2, 3)] == ["", "no such frame", "hung"]


def test_when_a_process_dies_each_suspect_is_tried_alone_and_only_the_culprit_is_set_aside(run: Run) -> None:
    crew = SlowCrew(Random(3))
    crew.seed_errors = {5: [EngineLostError("it died")] * 9}
    run(crew, jobs_of(24))
    takes = crew.laid[0][1].takes
    failed = {key: take.failure for key, take in takes.items() if take.failure}
    assert failed == {request_of(5).key(): f"set aside after {TRIES} tries: it died"}
    assert len(takes) == 24
    again = [batch for batch in crew.batches if len(batch.requests) == 1]
    assert len(again) == BATCH_SIZE + TRIES - 2
    alone = {batch.title for batch in again}
    assert all(in_hand == 1 for name, in_hand in crew.company if name in alone)


def test_of_a_batch_that_hangs_only_the_take_that_hangs_alone_is_given_up(run: Run) -> None:
    crew = SlowCrew(Random(0))
    crew.seed_errors = {5: [HungError("it did not come back")] * 9}
    run(crew, jobs_of(8))
    takes = crew.laid[0][1].takes
    assert {key: take.failure for key, take in takes.items() if take.failure} == {
        request_of(5).key(): "it did not come back"
    }
    tries = Counter(request.seed for batch in crew.batches for request in batch.requests)
    assert set(tries.values()) == {2}


def test_an_edit_that_cannot_be_laid_does_not_stop_the_others(run: Run) -> None:
    crew = SlowCrew(Random(0))
    crew.lay_error = OutputFolderError("no room")
    first, second = run(crew, jobs_of(1), jobs_of(2))
    assert str(first.error) == str(second.error) == "no room"
    assert len(crew.laid) == 2


def test_an_unexpected_error_of_one_edit_does_not_stop_the_others(run: Run) -> None:
    crew = SlowCrew(Random(0))
    crew.lay_error = KeyError("what")
    first, second = run(crew, jobs_of(1), jobs_of(2))
    assert first.error is second.error is crew.lay_error
    assert first.how_it_ended == "unexpected KeyError: 'what'"


def test_what_was_begun_is_laid_after_the_deadline_and_nothing_else_is_touched(run: Run) -> None:
    crew, diary = SlowCrew(Random(0)), Diary()
    first, second, third = run(crew, [], jobs_of(3), [], begun=(1, 2), closed=lambda: True, diary=diary)
    assert "planned reel1" in diary.lines and "planned reel2" not in diary.lines
    assert first.report and [name for name, _ in crew.laid] == ["reel1"]
    assert (second.shots_left, third.how_it_ended) == (3, "not begun")


def test_a_finished_edit_is_left_as_it_is(run: Run) -> None:
    crew = SlowCrew(Random(0))
    first, second = run(crew, jobs_of(1), jobs_of(2), is_done=lambda plan: plan.edit.path.stem == "reel1")
    assert (first.unchanged, second.unchanged) == (True, False)
    assert [name for name, _ in crew.laid] == ["reel2"]


def test_at_the_deadline_nothing_new_is_begun_and_what_is_complete_is_laid(run: Run) -> None:
    crew, diary = SlowCrew(Random(1)), Diary()

    def closed() -> bool:
        return diary.lines.count("made 8") >= 1

    outcomes = run(
        crew, jobs_of(4), [Job(f"sh{n:04d}", (n + 100,)) for n in range(60)], jobs_of(3), diary=diary, closed=closed
    )
    assert [outcome.report is not None for outcome in outcomes] == [True, False, False]
    made = sum(len(batch.requests) for batch in crew.batches)
    assert made == BATCH_SIZE
    assert outcomes[1].shots_left == 60 - (made - 4)
    assert outcomes[1].in_words == "reel2: 56 shots left for the next time"
    assert outcomes[2].in_words == "reel3: not begun"
