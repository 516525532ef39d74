"""A Prefect server that goes away in the middle of a pass: the pass goes on, and says how complete its record is."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.dangers import DangerousEngine
from tests.support.foley_process import foley
from tests.support.passes import Cut
from tests.support.prefect_server import PrefectServer, running_server
from tests.support.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.slow
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
SHOTS = 40
# 40 takes of half a second each: the server is killed in the first half of these 20 seconds.
TAKE_S = 0.5


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrefectServer]:
    with running_server(tmp_path / "server") as server:
        yield server


@pytest.fixture
def dangers(tmp_path: Path) -> DangerousEngine:
    return DangerousEngine(diary=tmp_path / "diary", seconds_per_take=TAKE_S)


@pytest.fixture
def started(
    server: PrefectServer, dangers: DangerousEngine, movie: Movie, edit_of: EditOf, tmp_path: Path
) -> "Iterator[subprocess.Popen[str]]":
    """A pass under that server that has made its first takes."""
    cuts = [Cut(name="train", media=movie("a.mp4"), first=n, count=6) for n in range(SHOTS)]
    arguments: list[str | Path] = ["run", edit_of(*cuts), "--no-preview", "--device", "cpu"]
    process = foley(arguments, dangers.build, tmp_path, env=server.environment)
    try:
        wait_until(lambda: len(dangers.takes) >= 3 or process.poll() is not None, "three takes")
        assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_server_that_comes_back_finds_the_pass_completed(
    server: PrefectServer, dangers: DangerousEngine, started: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    server.kill()
    before = len(dangers.takes)
    wait_until(lambda: len(dangers.takes) - before >= 10, "a pass that goes on without its server")
    server.start()
    out, err = started.communicate(timeout=PATIENCE_S)
    assert started.returncode == 0, err
    assert "40 shots made" in out and "Traceback" not in err
    assert (tmp_path / "reel_foley" / "reel.foley.otio").exists()
    run = server.last_run()
    # plan, 40 times listen, 5 times generate, lay: also what happened while it was away.
    assert server.settle(run["id"], expected=47, wait_s=PATIENCE_S) == 47
    assert (run["state"]["name"], run["state"]["message"]) == ("Completed", "reel: 40 shots made; 40 cues laid")


def test_a_server_that_never_comes_back_costs_its_record_only(
    server: PrefectServer, dangers: DangerousEngine, started: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    server.kill()
    out, err = started.communicate(timeout=PATIENCE_S)
    assert started.returncode == 0, err
    assert "40 shots made" in out
    assert (tmp_path / "reel_foley" / "reel.foley.otio").exists()
    assert len([line for line in err.splitlines() if "record is incomplete" in line]) == 1
    assert "Traceback" not in err
