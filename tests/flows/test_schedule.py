"""The loop that keeps everyone busy, with a crew that works at once or in any order."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from flows.schedule import BATCH_SIZE, LISTENERS, MAKERS, Batch, Ledger, work_off
from flows.shot_job import CueJob, ShotJob, Spotted
from flows.steps import Heard, Take
from pipeline.records import FoleyRequest, MediaSpan

SPAN = MediaSpan(path=Path("/m/a.mov"), digest="d" * 64, start_s=Fraction(0), duration_s=Fraction(1))
SPOTTED = Spotted(label="train", category="vehicles", confidence=1.0, source="clip")


class Job:
    """As much of a ShotJob as the loop looks at."""

    def __init__(self, shot_id: str, seeds: tuple[int, ...]) -> None:
        self.shot_id = shot_id
        self.seeds = seeds


class SlowCrew:
    """Finishes one piece of work, chosen at random, whenever the loop waits; counts what is in hand."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.open: deque[tuple[Future[Any], Any]] = deque()
        self.most: dict[str, int] = {"listen": 0, "make": 0}
        self.batches: list[Batch] = []

    def listen(self, job: ShotJob) -> Future[Any]:
        return self._take_on(self._heard(cast(Job, job)), "listen")

    def make(self, batch: Batch) -> Future[Any]:
        self.batches.append(batch)
        return self._take_on(tuple(Take(key=request.key()) for request in batch.requests), "make")

    def _heard(self, job: Job) -> Heard:
        requests = [
            FoleyRequest(span=SPAN, label="train", seed=seed, settings_digest="s", model_digest="m")
            for seed in job.seeds
        ]
        cues = [
            CueJob(cue_id=f"{job.shot_id}-{n}", spotted=SPOTTED, request=r, seed=r.seed) for n, r in enumerate(requests)
        ]
        return Heard(shot_id=job.shot_id, cues=tuple(cues))

    def _take_on(self, result: Any, kind: str) -> Future[Any]:
        future: Future[Any] = Future()
        self.open.append((future, result))
        kinds = [isinstance(work, Heard) for _, work in self.open]
        self.most["listen"] = max(self.most["listen"], sum(kinds))
        self.most["make"] = max(self.most["make"], len(kinds) - sum(kinds))
        return future

    def finish_one(self) -> None:
        self.open.rotate(self.random.randrange(len(self.open)))
        future, result = self.open.popleft()
        future.set_result(result)


def run(jobs: Iterable[Job], monkeypatch: pytest.MonkeyPatch, seed: int = 0) -> tuple[SlowCrew, Ledger, list[int]]:
    crew, ledger, progress = SlowCrew(Random(seed)), Ledger(), []
    monkeypatch.setattr("flows.schedule.SimpleQueue", lambda: WaitingQueue(crew.finish_one))
    work_off(cast(Iterable[ShotJob], jobs), crew, ledger, lambda now: progress.append(len(now.heard)))
    return crew, ledger, progress


class WaitingQueue:
    """A queue that lets the crew finish something when it is empty."""

    def __init__(self, finish: Callable[[], None]) -> None:
        self.items: deque[Any] = deque()
        self.finish = finish

    def put(self, item: Any) -> None:
        self.items.append(item)

    def get(self) -> Any:
        if not self.items:
            self.finish()
        return self.items.popleft()


@pytest.mark.parametrize("seed", range(8))
def test_every_shot_is_heard_and_every_take_made_in_any_order(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [Job(f"sh{n:04d}", tuple(range(n, n + n % 3))) for n in range(0, 400, 10)]
    crew, ledger, _ = run(jobs, monkeypatch, seed)
    wanted = {cue.request.key() for heard in ledger.heard.values() for cue in heard.cues}
    assert len(ledger.heard) == len(jobs)
    assert ledger.made == wanted == set(ledger.takes)
    assert crew.most == {"listen": LISTENERS, "make": MAKERS}


def test_batches_are_full_but_for_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    crew, _, _ = run([Job(f"sh{n:04d}", (n,)) for n in range(19)], monkeypatch)
    assert [len(batch.requests) for batch in crew.batches] == [BATCH_SIZE, BATCH_SIZE, 3]


def test_a_request_wanted_twice_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    crew, _, _ = run([Job("sh0010", (1, 1)), Job("sh0020", (1,))], monkeypatch)
    assert [len(batch.requests) for batch in crew.batches] == [1]
    assert crew.batches[0].title in ("1 cue (sh0010)", "1 cue (sh0020)")


def test_a_batch_says_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    crew, _, _ = run([Job("sh0010", (1,)), Job("sh0020", (2,))], monkeypatch)
    assert crew.batches[0].title in ("2 cues (sh0010..sh0020)", "2 cues (sh0020..sh0010)")


def test_no_jobs_is_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    crew, ledger, progress = run([], monkeypatch)
    assert not crew.batches
    assert not ledger.heard
    assert not progress


def test_progress_is_told_after_every_result(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, progress = run([Job("sh0010", (1,)), Job("sh0020", ())], monkeypatch)
    assert progress == sorted(progress)
    assert progress[-1] == 2


def test_takes_in_the_store_are_not_asked_for_again() -> None:
    heard = SlowCrew(Random(0))._heard(Job("sh0010", (1, 2)))
    receipt = replace_receipt(heard.cues[0].request.key())
    assert [request.seed for request in replace(heard, stored=(receipt,)).missing()] == [2]


def replace_receipt(key: str) -> Any:
    from pipeline.records import ClipReceipt

    return ClipReceipt(key=key, wav=Path("/s/a.wav"), sha256="0", samples=1, sample_rate_hz=48_000, peak=0.0)
