"""Workers that share a pass come to the same bytes as a pass alone; with the bundled model, in a real studio."""

import json
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
from tests.support.postgres import postgres, postgres_tools
from tests.support.studios import StudioUnderTest, studio_in

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


def test_two_workers_of_a_pool_share_a_pass(
    studio: StudioUnderTest, edit: Path, alone: dict[str, bytes], tmp_path: Path
) -> None:
    options: dict[str, Any] = {"out": str(tmp_path / "out"), "store": str(tmp_path / "store"), "preview": False}
    parameters = {"parameters": {"edit": str(edit), "options": {**options, "workers": 2}}}
    where = f"/deployments/{deployment(studio, 'flows.foley_pass.foley_pass')}/create_flow_run"
    run = studio.api("POST", where, parameters)
    ended = studio.wait_for_state(run["id"], "Completed", "Failed", "CompletedWithFailures")
    assert ended["state_name"] == "Completed", ended["state"]["message"]
    assert laid_in(tmp_path / "out") == alone
    (share,) = [one for one in studio.api("POST", "/flow_runs/filter", {}) if one["name"].startswith("share")]
    assert (share["state_name"], share["state"]["message"]) == ("Completed", f"reel: {SHOTS // 2} made")
    assert share["labels"]["prefect.worker.name"] != ended["labels"]["prefect.worker.name"]
    assert len(list((tmp_path / "store" / "clips").glob("*/*.wav"))) == SHOTS
