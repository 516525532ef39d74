"""Workers that share a pass come to the same bytes as a pass alone; with the bundled model, in a real studio."""

import json
import os
import signal
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from flows.options import PassOptions
from flows.run import run_pass
from pipeline.scenes.catalogue import source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import make_scene
from tests.bench.bench_speed import edit_of_shots
from tests.support.killing import StoreWatch
from tests.support.postgres import postgres, postgres_tools
from tests.support.studios import StudioUnderTest, studio_in
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
SHOTS = 16


@pytest.fixture(scope="module")
def edit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edit")
    scene = make_scene(0, 45.0, target=source_named("hammer"), others=())
    movie = write_scene_movie(scene, folder / "hammer.mp4", rate=Fraction(12))
    path = folder / "reel.otio"
    path.write_text(json.dumps(edit_of_shots(movie, SHOTS)))
    return path


@pytest.fixture(scope="module")
def alone(edit: Path) -> dict[str, bytes]:
    """What a pass alone, in threads, lays."""
    options = PassOptions(out=edit.parent / "alone", store=edit.parent / "store_alone", preview=False)
    run_pass(edit, options, with_prefect=False)
    return laid_in(edit.parent / "alone")


@pytest.fixture(params=["sqlite", "postgresql"])
def studio(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StudioUnderTest]:
    if request.param == "sqlite":
        with studio_in(tmp_path / "studio", "--workers", "2") as running:
            yield running
        return
    if postgres_tools() is None:
        pytest.skip("no PostgreSQL server is installed here")
    with postgres() as url, studio_in(tmp_path / "studio", "--workers", "2", FOLEY_STUDIO_DATABASE=url) as running:
        yield running


def laid_in(folder: Path) -> dict[str, bytes]:
    """The takes and the edit in an output folder; paths in the edit are told from the folder."""
    files = {path.name: path.read_bytes() for path in sorted((folder / "takes").iterdir())}
    edit = (folder / "reel.foley.otio").read_bytes().replace(str(folder).encode(), b"OUT")
    return {**files, "reel.foley.otio": edit}


def deployment(studio: StudioUnderTest, entrypoint: str) -> str:
    found = studio.api("POST", "/deployments/filter", {})
    (own,) = [one["id"] for one in found if one["entrypoint"] == entrypoint]
    return str(own)


def begin_shared(studio: StudioUnderTest, edit: Path, folder: Path) -> str:
    """Begin a pass of two workers, which makes `out` and `store` in the folder; the id of its run."""
    options: dict[str, Any] = {"out": str(folder / "out"), "store": str(folder / "store"), "preview": False}
    parameters = {"parameters": {"edit": str(edit), "options": {**options, "workers": 2}}}
    where = f"/deployments/{deployment(studio, 'flows.foley_pass.foley_pass')}/create_flow_run"
    return str(studio.api("POST", where, parameters)["id"])


def shares_of(studio: StudioUnderTest) -> list[dict[str, Any]]:
    return [one for one in studio.api("POST", "/flow_runs/filter", {}) if one["name"].startswith("share")]


def process_of(studio: StudioUnderTest, run: str) -> int:
    """The process in which a run's flow works."""
    (pid,) = [
        pid
        for pid, command in studio.processes().items()
        if "prefect.engine" in command and run.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    ]
    return pid


def test_two_workers_of_a_pool_share_a_pass(
    studio: StudioUnderTest, edit: Path, alone: dict[str, bytes], tmp_path: Path
) -> None:
    ended = studio.wait_for_state(begin_shared(studio, edit, tmp_path), "Completed", "Failed", "CompletedWithFailures")
    assert ended["state_name"] == "Completed", ended["state"]["message"]
    assert laid_in(tmp_path / "out") == alone
    (share,) = shares_of(studio)
    assert (share["state_name"], share["state"]["message"]) == ("Completed", f"reel: {SHOTS // 2} made")
    assert share["labels"]["prefect.worker.name"] != ended["labels"]["prefect.worker.name"]
    assert len(list((tmp_path / "store" / "clips").glob("*/*.wav"))) == SHOTS


@pytest.mark.parametrize("studio", ["sqlite"], indirect=True)
def test_a_share_that_dies_while_the_pass_waits_for_it_is_waited_for_again(
    studio: StudioUnderTest, edit: Path, alone: dict[str, bytes], tmp_path: Path
) -> None:
    with StoreWatch(tmp_path / "store") as watch:
        run = begin_shared(studio, edit, tmp_path)
        wait_until(lambda: [share for share in shares_of(studio) if share["state_name"] == "Running"])
        (share,) = shares_of(studio)
        victim = process_of(studio, share["id"])
        os.kill(victim, signal.SIGSTOP)
        wait_until(lambda: len(watch.writes) >= SHOTS // 2)
        time.sleep(5)  # the pass has made its own share, and asks how the other one goes
        os.kill(victim, signal.SIGKILL)
        studio.wait_for_state(run, "Completed")
    assert watch.made_twice == []
    assert laid_in(tmp_path / "out") == alone
    (share,) = shares_of(studio)
    # Had the pass made the other share while the studio began it again, both would have made the same takes.
    assert (share["state_name"], share["run_count"]) == ("Completed", 2)
    assert "made" in share["state"]["message"], share["state"]["message"]
