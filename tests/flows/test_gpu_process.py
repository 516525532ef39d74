"""Engines in processes of their own, which die, hang and fill their memory; processors stand in for GPUs."""

import errno
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from queue import SimpleQueue

import pytest

from flows.desk import PassEvent
from flows.errors import EngineAwayError, EngineLostError, SettingError, TooLateError, WorkshopError
from flows.options import PassOptions, SharedOptions
from flows.records import PassReport
from flows.run import run_pass
from flows.work.engine import use_engine
from flows.work.engine_process import serve
from flows.work.gpu_process import ProcessWorkshop
from flows.work.slots import take_slot
from flows.work.workshop import workshop_for
from pipeline.errors import WeightsError
from tests.support.dangers import DangerousEngine
from tests.support.in_hand import watched_hands
from tests.support.nights import plan_of, studio_at
from tests.support.passes import Cut, FakeEngine
from tests.support.waiting import PATIENCE_S, wait_until

pytestmark = [pytest.mark.steady, pytest.mark.usefixtures("card")]
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]


@pytest.fixture
def dangers(tmp_path: Path) -> Iterator[DangerousEngine]:
    engine = DangerousEngine(diary=tmp_path / "diary")
    with use_engine(engine.build):
        yield engine


def go(edit: Path, options: PassOptions, told: list[PassEvent] | None = None, **changed: object) -> PassReport:
    options = options.model_copy(update={"device": "cpu,cpu", **changed})
    return run_pass(edit, options, tell=(told if told is not None else []).append, with_prefect=False)


def states(report: PassReport) -> list[str]:
    return [str(shot.state) for shot in report.shots]


def trains(movie: Movie, count: int) -> list[Cut]:
    return [Cut(name="train", media=movie("a.mp4"), first=n, count=12) for n in range(count)]


def test_two_devices_make_what_one_thread_makes_each_with_one_load(
    dangers: DangerousEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    edit = edit_of(*trains(movie, 20))
    two = go(edit, options)
    assert [line for line in dangers.lines() if line.startswith("load")] == ["load cpu", "load cpu"]
    assert len(dangers.takes) == 20 and set(dangers.takes.values()) == {1}
    one = go(edit, options, device="cpu", store=tmp_path / "other", out=tmp_path / "other_out")
    assert [shot.cues[0].sha256 for shot in two.shots] == [shot.cues[0].sha256 for shot in one.shots]


@pytest.mark.slow
def test_two_devices_have_work_in_their_hands_over_nine_tenths_of_the_pass(
    dangers: DangerousEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    dangers.seconds_per_take = 0.1
    with watched_hands() as hands:
        report = go(
            edit_of(*trains(movie, 36), *(Cut(name="train", media=movie("b.mp4"), first=n) for n in range(9))), options
        )
    assert states(report) == ["made"] * 45
    assert sum(line.startswith("load") for line in dangers.lines()) == 2
    assert len(hands.spans) == 2 and min(hands.shares("encode", "detect", "make")) > 0.9, hands.shares(
        "encode", "detect", "make"
    )


def test_a_deadly_shot_is_set_aside_and_the_others_are_made_once(
    dangers: DangerousEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    dangers.deadly_labels = {"bouncing ball"}
    told: list[PassEvent] = []
    report = go(
        edit_of(*trains(movie, 5), Cut(name="ball", media=movie("b.mp4")), *trains(movie, 9)[5:]), options, told
    )
    assert states(report) == ["made"] * 5 + ["failed"] + ["made"] * 4
    assert report.shots[5].reason == (
        "'bouncing ball': set aside after 3 tries: the process on cpu that worked on it was killed by SIGSEGV"
    )
    assert report.exit_code == 3
    assert set(dangers.takes.values()) == {1}
    lost = [event.text for event in told if event.stage == "lost"]
    assert lost == ["the process on cpu was killed by SIGSEGV and is started again"] * 3


def test_a_death_that_does_not_come_back_costs_nothing(
    dangers: DangerousEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    dangers.deadly_once = {"bouncing ball"}
    report = go(edit_of(*trains(movie, 3), Cut(name="ball", media=movie("b.mp4"))), options, device="cpu", isolate=True)
    assert states(report) == ["made"] * 4
    assert set(dangers.takes.values()) == {1}


def test_a_gpu_that_fails_gets_a_new_process_and_costs_no_shot(
    dangers: DangerousEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    dangers.faulty_once = {"bouncing ball"}
    cuts = [*trains(movie, 3), Cut(name="ball", media=movie("b.mp4")), *trains(movie, 9)[3:]]
    report = go(edit_of(*cuts), options, device="cpu", isolate=True)
    assert states(report) == ["made"] * 10
    assert [line for line in dangers.lines() if not line.startswith("made")].count("load cpu") == 2
    assert set(dangers.takes.values()) == {1}


def test_a_gpu_that_fails_for_good_costs_no_shot_where_another_works(
    dangers: DangerousEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    dangers.faulty_once, dangers.stays_broken = {"bouncing ball"}, True
    report = go(edit_of(Cut(name="ball", media=movie("b.mp4"))), options)
    assert states(report) == ["made"], report.first_failure


def test_a_device_that_does_not_come_back_is_told_of_and_what_waited_for_it_is_not_to_blame(
    dangers: DangerousEngine, tmp_path: Path
) -> None:
    dangers.stays_broken = True
    told = SimpleQueue[str]()
    workshop = ProcessWorkshop(["cpu"], dangers.build)
    workshop.open(studio_at(tmp_path), told.put)
    told.get(timeout=PATIENCE_S)
    dangers._note("break")
    os.kill(workshop.pids()[0], signal.SIGKILL)
    assert told.get(timeout=PATIENCE_S) == "the process on cpu was killed by SIGKILL and is started again"
    (job,) = plan_of([1.0]).jobs
    assert isinstance(workshop.submit("encode", job, 300).exception(timeout=PATIENCE_S), EngineAwayError)
    assert told.get(timeout=PATIENCE_S) == (
        "the process on cpu is given up: cpu cannot be worked with: unexpected RuntimeError: "
        "CUDA driver initialization failed"
    )
    workshop.close()


@pytest.mark.slow
def test_a_hanging_decoder_is_given_up(
    dangers: DangerousEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    dangers.hanging_media = {"b.mp4"}
    report = go(edit_of(*trains(movie, 3), Cut(name="train", media=movie("b.mp4"))), options, patience_s=20)
    assert states(report) == ["made"] * 3 + ["failed"]
    assert "did not come back within 24 s" in report.shots[3].reason  # 20, and a tenth of it per second of sound


def test_a_full_memory_halves_the_batch(
    dangers: DangerousEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    dangers.room = 2
    report = go(edit_of(*trains(movie, 8)), options, device="cpu", isolate=True)
    assert states(report) == ["made"] * 8
    assert [line for line in dangers.lines() if line.startswith("full")] == ["full 8", "full 4", "full 4"]


def test_weights_that_cannot_be_loaded_stop_the_pass_with_their_sentence(
    dangers: DangerousEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    dangers.unfit = True
    with pytest.raises(WeightsError, match="fetch them again"):
        go(edit_of(*trains(movie, 1)), options)


@pytest.mark.slow
def test_processes_killed_at_random_change_nothing(
    dangers: DangerousEngine, movie: Movie, edit_of: EditOf, options: PassOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    dangers.seconds_per_take = 0.2
    workshop = ProcessWorkshop(["cpu", "cpu"], dangers.build)
    monkeypatch.setattr("flows.run.workshop_for", lambda options: workshop)
    over = threading.Event()
    killed: list[int] = []

    def kill_now_and_then() -> None:
        # Only while takes come out: however slow the machine, a process that comes up gets something done.
        made = 0
        while not over.wait(0.1):
            if (now := sum(dangers.takes.values())) < made + 8:
                continue
            made = now
            for pid in random.sample(workshop.pids(), 1):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    try:
        report = go(edit_of(*trains(movie, 36)), options)
    finally:
        over.set()
        killer.join()
    assert len(killed) >= 2
    assert states(report) == ["made"] * 36
    assert sum(dangers.takes.values()) <= 36 + 2 * len(killed)


class StrangeError(Exception):
    """Of a library that did not think of its errors leaving the process: it cannot be built from its words alone."""

    def __init__(self, message: str, *, answer: object) -> None:
        super().__init__(message)


def test_an_error_that_cannot_leave_its_process_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.work.engine_process.signal.signal", lambda *how: None)

    def build(studio: object) -> FakeEngine:
        raise StrangeError("no kernel image\nfor this device", answer=None)

    ours, theirs = Pipe()
    with use_engine(build):
        serve(theirs, "cpu", studio_at(tmp_path), build)
    kind, error = ours.recv()
    assert kind == "unfit" and isinstance(error, WorkshopError)
    assert str(error) == "cpu cannot be worked with: unexpected StrangeError: no kernel image"


def test_where_no_process_can_be_started_again_the_device_is_given_up(
    dangers: DangerousEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dangers.hanging_media = {"a.mov"}
    told: list[str] = []
    workshop = ProcessWorkshop(["cpu"], dangers.build)
    workshop.open(studio_at(tmp_path), told.append)

    def full(self: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr("flows.work.gpu_process._EngineProcess._start", full)
    (job,) = plan_of([1.0]).jobs
    hanging = workshop.submit("encode", job, 300)
    os.kill(workshop.pids()[0], signal.SIGKILL)
    assert isinstance(hanging.exception(timeout=PATIENCE_S), EngineLostError)
    with pytest.raises(WorkshopError, match="no device is left"):
        workshop.submit("encode", job, 300)
    assert told[-1] == "the process on cpu is given up: no process can be started on cpu (Cannot allocate memory)"
    workshop.close()


def test_where_one_process_cannot_be_started_the_others_do_not_keep_their_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    class Process:
        def __init__(self, device: str, *how: object) -> None:
            if device == "cuda:1":
                raise OSError(errno.ENOMEM, "Cannot allocate memory")
            self.device = device

        def end(self) -> None:
            ended.append(self.device)

    monkeypatch.setattr("flows.work.gpu_process._EngineProcess", Process)
    workshop = ProcessWorkshop(["cuda:0", "cuda:1"], FakeEngine().build)
    with pytest.raises(OSError, match="Cannot allocate memory"):
        workshop.open(studio_at(tmp_path), pytest.fail)
    workshop.close()
    assert ended == ["cuda:0"]


def test_losses_are_told_to_the_pass_and_not_to_who_warmed_it_up(dangers: DangerousEngine, tmp_path: Path) -> None:
    first: list[str] = []
    again = SimpleQueue[str]()
    workshop = ProcessWorkshop(["cpu"], dangers.build)
    workshop.open(studio_at(tmp_path), first.append)
    workshop.open(studio_at(tmp_path), again.put)
    os.kill(workshop.pids()[0], signal.SIGKILL)
    assert again.get(timeout=PATIENCE_S) == "the process on cpu was killed by SIGKILL and is started again"
    assert len(first) == 1
    workshop.close()


def test_a_device_that_another_pass_uses_joins_when_it_is_free_and_the_others_begin(
    dangers: DangerousEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLEY_SLOTS", str(tmp_path / "slots"))
    slot = take_slot("mps", pytest.fail)
    assert slot
    told = SimpleQueue[str]()
    workshop = ProcessWorkshop(["cpu", "mps"], dangers.build)
    workshop.open(studio_at(tmp_path), told.put)
    first = {told.get(timeout=PATIENCE_S) for _ in range(2)}
    assert {line.rstrip("0123456789 s") for line in first} == {
        "model loaded on cpu in",
        "waiting for mps, which another pass use",
    }
    (job,) = plan_of([1.0], label="train passing").jobs
    seen = [workshop.submit("encode", job, 300) for _ in range(3)]
    assert all(isinstance(future.result(timeout=PATIENCE_S), str) for future in seen)
    slot.release()
    assert told.get(timeout=PATIENCE_S).startswith("model loaded on mps in ")
    workshop.close()


def test_a_gpu_that_is_not_free_in_time_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLEY_SLOTS", str(tmp_path / "slots"))
    slot = take_slot("mps", pytest.fail)
    told: list[str] = []
    workshop = ProcessWorkshop(["mps"], FakeEngine().build)
    with pytest.raises(TooLateError, match="before mps was free"):
        workshop.open(studio_at(tmp_path), told.append, closed=lambda: bool(told))
    assert slot and told == ["waiting for mps, which another pass uses"] and workshop.pids() == []
    slot.release()


WAITER = """
import threading, time
from pathlib import Path
from flows.work.gpu_process import ProcessWorkshop
from tests.support.nights import studio_at
from tests.support.passes import FakeEngine
workshop = ProcessWorkshop(["mps"], FakeEngine().build)
told = threading.Event()
open = threading.Thread(target=workshop.open, args=(studio_at(Path("store")), lambda text: told.set()), daemon=True)
open.start()
told.wait()
print(*workshop.pids(), flush=True)
time.sleep(3600)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no list of processes to look into")
def test_a_process_that_waits_for_its_gpu_goes_when_its_pass_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLEY_SLOTS", str(tmp_path))
    slot = take_slot("mps", pytest.fail)
    with subprocess.Popen([sys.executable, "-c", WAITER], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as waiter:
        assert waiter.stdout and slot
        process = Path(f"/proc/{int(waiter.stdout.readline())}")
        assert process.exists()
        waiter.kill()
        wait_until(lambda: not process.exists(), "the end of the process")
    slot.release()


@pytest.mark.parametrize(
    ("device", "why"),
    [
        ("cuda:0,cuda:0", "names a GPU twice"),
        ("cuda,cpu,cuda:0", "names a GPU twice"),
        ("cuda:1,cuda:all", "nothing can be beside it"),
        ("", "is not known"),
        (",", "is not known"),
    ],
)
def test_devices_that_cannot_be_are_refused(device: str, why: str) -> None:
    with pytest.raises(SettingError, match=why):
        workshop_for(SharedOptions(device=device))


@pytest.mark.parametrize(
    ("device", "isolate", "gpus", "processes"),
    [
        ("cpu", None, "0", 0),
        ("cpu", True, "", 1),
        ("cuda", None, "0", 1),
        ("cuda:1", None, "0,1", 1),
        ("cuda", False, "0", 0),
        ("auto", None, "0", 1),
        ("auto", None, "", 0),
        ("cpu,cpu", False, "", 2),
    ],
)
def test_a_gpu_gets_a_process_that_can_be_ended_when_it_fails(
    device: str, isolate: bool | None, gpus: str, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    workshop = workshop_for(SharedOptions(device=device, isolate=isolate))
    assert isinstance(workshop, ProcessWorkshop) is bool(processes)
    assert workshop.makers == max(1, processes)
