"""A Dask cluster of two workers: the same sound as threads make, a load per worker, and what happens when one dies."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.errors import EngineLostError, WorkshopError
from flows.options import PassOptions
from flows.records import PassReport
from flows.run import run_pass
from flows.work.dask_workshop import DaskWorkshop, _hand_over
from flows.work.engine import Studio, use_engine
from tests.support.dangers import DangerousEngine
from tests.support.foley_process import foley
from tests.support.passes import Cut
from tests.support.waiting import PATIENCE_S, wait_until

pytest.importorskip("distributed")

Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Build:
    """Builds the same engine in every worker; equal to its own copies, as a function of a module is."""

    diary: Path
    seconds_per_take: float = 0.0
    faulty_once: frozenset[str] = frozenset()

    def __call__(self, studio: Studio) -> DangerousEngine:
        return self.engine.build(studio)

    @property
    def engine(self) -> DangerousEngine:
        return DangerousEngine(
            diary=self.diary, seconds_per_take=self.seconds_per_take, faulty_once=set(self.faulty_once)
        )


def test_a_result_that_is_lost_on_its_way_is_a_lost_engine_and_not_waited_for_for_ever() -> None:
    def gone() -> object:
        raise OSError("the worker left with it")

    near: Future[Any] = Future()
    _hand_over(SimpleNamespace(status="finished", result=gone), near)
    assert isinstance(near.exception(timeout=0), EngineLostError)


class LoadingWorkers:
    """A client of three workers: the first has loaded, the second is dead, the third loads until it is asked again."""

    def __init__(self) -> None:
        self.asked, self.gone = 0, False
        self.cancelled: list[str] = []

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        self.asked += 1
        return {"workers": {"first": {"resources": {}}, "third": {"resources": {}}}}

    def loading(self, *addresses: str) -> dict[str, Any]:
        done = {"first": lambda: True, "second": lambda: False, "third": lambda: self.asked > 1}
        return {
            address: SimpleNamespace(
                done=done[address],
                result=lambda: 2.0,
                cancelled=lambda: self.gone,
                cancel=lambda: self.cancelled.append("second"),
            )
            for address in addresses
        }


def test_a_worker_that_dies_while_it_loads_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.work.dask_workshop._LOADED_EVERY_S", 0)
    workshop, client = DaskWorkshop("tcp://nowhere"), LoadingWorkers()
    workshop._client = client
    told: list[str] = []
    assert workshop._wait_for(client.loading("first", "second", "third"), told.append) == 2
    assert told == [
        "model loaded on first in 2 s",
        "the worker process second died while it loaded the model",
        "model loaded on third in 2 s",
    ]
    assert client.cancelled == ["second"]
    assert workshop._wait_for(client.loading("second"), told.append) == 0
    client.gone = True
    with pytest.raises(WorkshopError, match="the Dask scheduler at tcp://nowhere is gone"):
        workshop._wait_for(client.loading("first"), told.append)


def test_a_cluster_that_has_no_worker_any_more_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.work.dask_workshop._LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("flows.work.dask_workshop._NOBODY_S", 0.05)
    workshop, near = DaskWorkshop("tcp://nowhere"), Future[Any]()
    workshop._client = SimpleNamespace(status="running", scheduler_info=lambda n_workers: {"workers": {}})
    workshop._open.add(near)
    watch = threading.Thread(target=workshop._watch, args=(workshop._client,))
    watch.start()
    with pytest.raises(WorkshopError, match="no worker is left at tcp://nowhere: start some"):
        near.result(timeout=PATIENCE_S)
    workshop._client = None
    watch.join()


class Cluster:
    """A scheduler and two workers, as a studio starts them: processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.address = ""
        self.workers: list[subprocess.Popen[bytes]] = []
        self._folder = folder

    def start(self) -> None:
        scheduler = self._command("dask_scheduler", "--port", "0", "--no-dashboard", log="scheduler")
        self._all = [scheduler]
        self.address = self._told("scheduler", r"Scheduler at:\s+(tcp://\S+)")
        for number in range(2):
            arguments = ("--no-nanny", "--no-dashboard", "--nthreads", "3", "--resources", "foley=1")
            self.workers.append(self._command("dask_worker", self.address, *arguments, log=f"worker{number}"))
            self._told(f"worker{number}", r"(Registered to)")
        self._all += self.workers

    def stop(self) -> None:
        for process in self._all:
            process.kill()
            process.wait()

    def _command(self, name: str, *arguments: str, log: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", f"distributed.cli.{name}", "--host", "127.0.0.1", *arguments]
        if name == "dask_worker":
            command += ["--local-directory", str(self._folder)]
        with (self._folder / f"{log}.log").open("wb") as file:
            return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def _told(self, log: str, pattern: str, wait_s: float = PATIENCE_S) -> str:
        give_up_at = time.monotonic() + wait_s
        while time.monotonic() < give_up_at:
            if found := re.search(pattern, (self._folder / f"{log}.log").read_text()):
                return found[1]
            time.sleep(0.1)
        raise AssertionError((self._folder / f"{log}.log").read_text())


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def trains(movie: Movie, count: int) -> list[Cut]:
    return [Cut(name="train", media=movie("a.mp4"), first=n, count=12) for n in range(count)]


def bytes_of(report: PassReport) -> dict[str, bytes]:
    """The takes and the laid edit."""
    assert report.outputs.takes and report.outputs.edit
    files = [*report.outputs.takes.iterdir(), report.outputs.edit]
    return {file.name: file.read_bytes() for file in files}


@pytest.mark.slow
def test_a_cluster_makes_what_threads_make_with_the_real_model(
    cluster: Cluster, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    from tests.bench.real_passes import drawn_edit

    edit = drawn_edit(tmp_path, 12)
    out = tmp_path / "out"
    found = []
    for dask in (None, cluster.address):
        shutil.rmtree(out, ignore_errors=True)
        changed: dict[str, Any] = {"dask": dask, "store": tmp_path / f"store {dask is None}", "out": out}
        found.append(bytes_of(run_pass(edit, options.model_copy(update=changed), with_prefect=False)))
    assert len(found[0]) > 4
    assert found[0] == found[1]


@pytest.mark.slow
@pytest.mark.usefixtures("card")
def test_a_worker_that_is_killed_costs_nothing_and_each_loads_once(
    cluster: Cluster, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    build = Build(diary=tmp_path / "diary", seconds_per_take=0.2)
    edit = edit_of(*trains(movie, 36))
    arguments: list[str | Path] = ["run", edit, "--no-preview", "--no-prefect", "--out", tmp_path / "out"]
    process = foley(arguments, build, tmp_path, dask=cluster.address)
    while len(build.engine.takes) < 6:
        assert process.poll() is None
        time.sleep(0.1)
    os.kill(cluster.workers[0].pid, signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert "36 shots made" in out
    assert "Traceback" not in err and len(err.splitlines()) < 25, err
    assert sum(line.startswith("load") for line in build.engine.lines()) == 2
    with use_engine(build):
        alone = options.model_copy(update={"store": tmp_path / "other", "out": tmp_path / "other_out"})
        takes = {shot.cues[0].sha256 for shot in run_pass(edit, alone, with_prefect=False).shots}
    assert len(takes) == 36
    assert {_digest(file) for file in (tmp_path / "out" / "takes").iterdir()} == takes


@pytest.mark.slow
@pytest.mark.usefixtures("card")
def test_a_worker_whose_gpu_fails_leaves_the_work_to_the_others(
    cluster: Cluster, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    build = Build(diary=tmp_path / "diary", seconds_per_take=0.1, faulty_once=frozenset({"bouncing ball"}))
    edit = edit_of(Cut(name="ball", media=movie("b.mp4")), *trains(movie, 23))
    with use_engine(build):
        report = run_pass(edit, options.model_copy(update={"dask": cluster.address}), with_prefect=False)
    assert report.summary == "24 shots made; 24 cues laid", report.first_failure
    wait_until(lambda: any(worker.poll() is not None for worker in cluster.workers), "the end of a worker")
    assert sum(worker.poll() is None for worker in cluster.workers) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("card")
def test_a_scheduler_that_dies_ends_the_pass_with_a_sentence(
    cluster: Cluster, movie: Movie, edit_of: EditOf, tmp_path: Path
) -> None:
    build = Build(diary=tmp_path / "diary", seconds_per_take=0.2)
    process = foley(
        ["run", edit_of(*trains(movie, 36)), "--no-preview", "--no-prefect"], build, tmp_path, dask=cluster.address
    )
    while len(build.engine.takes) < 6:
        assert process.poll() is None
        time.sleep(0.1)
    cluster.stop()
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode in (2, 4), err
    assert "Traceback" not in err
    assert "Dask scheduler" in err.strip().splitlines()[-1]


@pytest.mark.usefixtures("card")
def test_a_scheduler_that_is_not_there_is_one_sentence(
    movie: Movie,
    edit_of: EditOf,
    options: PassOptions,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flows.work.dask_workshop._CONNECT_S", 1)
    with pytest.raises(WorkshopError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run_pass(
            edit_of(*trains(movie, 1)),
            options.model_copy(update={"dask": "tcp://127.0.0.1:9"}),
            with_prefect=False,
        )
    assert not capfd.readouterr().err


@pytest.mark.usefixtures("card")
def test_an_address_that_is_none_is_one_sentence(movie: Movie, edit_of: EditOf, options: PassOptions) -> None:
    for address in ("nonsense", "ftp://127.0.0.1:9", "tcp://"):
        with pytest.raises(WorkshopError, match=re.escape(address)):
            run_pass(edit_of(*trains(movie, 1)), options.model_copy(update={"dask": address}), with_prefect=False)


def _digest(file: Path) -> str:
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()
