"""foley run --dry-run: the forecast adds up, says what it does not know, and leaves no trace."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.options import PassOptions
from flows.planning.forecast import forecast
from flows.planning.plan import plan_pass
from flows.watching.pace import Measured, PaceBook
from pipeline.weights.registry import ModelCard
from plugin.cli import exit_code_of
from tests.support.passes import Cut, FakeEngine, made_up_card

pytestmark = pytest.mark.usefixtures("calm")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
Capture = pytest.CaptureFixture[str]
NEVER = "not known: no pass with this model on this machine yet"


@pytest.fixture
def edit(edit_of: EditOf, movie: Movie) -> Path:
    """Two shots with a name that says what sounds, one that CLIP has to look at, one without media; a second each,
    two with the half seconds of their handles."""
    return edit_of(
        Cut(name="train", media=movie("a.mp4")),
        Cut(name="ball", media=movie("b.mp4")),
        Cut(name="A002", media=movie("b.mp4"), first=4),
        Cut(name="gone", media=None),
    )


def dry(edit: Path, capsys: Capture, *words: str) -> dict[str, Any]:
    code = exit_code_of(["run", str(edit), "--dry-run", "--json", *words])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document | {"code": code}


def book_of(edit: Path) -> PaceBook:
    return PaceBook(plan_pass(edit, PassOptions()).studio)


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Everything under a folder with its size and the time of its last change."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in (folder, *folder.rglob("*"))}


def test_the_work_is_counted(edit: Path, card: ModelCard, capsys: Capture) -> None:
    document = dry(edit, capsys)
    ahead = document["forecast"]
    assert document["code"] == 3
    assert (ahead["shots"], ahead["to_hear"], ahead["to_make"], ahead["made_already"]) == (4, 3, 2, 0)
    assert ahead["all_told"] is False
    assert [(miss["shot_id"], miss["name"]) for miss in ahead["missing"]] == [("sh0040", "gone")]
    assert "gone.mov" in ahead["missing"][0]["why"]


def test_what_is_made_is_not_made_again(edit: Path, engine: FakeEngine, card: ModelCard, capsys: Capture) -> None:
    assert exit_code_of(["run", str(edit), "-q"]) == 3
    capsys.readouterr()
    ahead = dry(edit, capsys)["forecast"]
    assert (ahead["to_hear"], ahead["to_make"], ahead["made_already"]) == (0, 0, 3)
    assert ahead["estimate"]["make_s"] == 0.0
    assert ahead["disk"]["store"] == 0
    three = dry(edit, capsys, "--takes", "3")["forecast"]
    assert (three["to_make"], three["made_already"]) == (6, 3)


def test_the_same_picture_twice_is_counted_once_to_make_and_twice_to_deliver(
    edit_of: EditOf, movie: Movie, engine: FakeEngine, card: ModelCard, capsys: Capture
) -> None:
    edit = edit_of(*(Cut(name="train", media=movie("a.mp4")) for _ in range(3)))
    before = dry(edit, capsys, "--handles", "0")["forecast"]
    assert (before["to_make"], before["made_already"]) == (1, 0)
    assert before["disk"]["store"] == 144_000 + 4096
    assert before["disk"]["out"] == 3 * (144_000 + 4096)
    assert exit_code_of(["run", str(edit), "-q", "--handles", "0"]) == 0
    capsys.readouterr()
    after = dry(edit, capsys, "--handles", "0")["forecast"]
    assert (after["to_make"], after["made_already"], len(engine.made)) == (0, 1, 1)


def test_nothing_on_the_disk_changes(
    edit: Path, engine: FakeEngine, card: ModelCard, capsys: Capture, tmp_path: Path
) -> None:
    untouched = listing(tmp_path)
    dry(edit, capsys)
    assert listing(tmp_path) == untouched
    assert exit_code_of(["run", str(edit), "-q"]) == 3
    book_of(edit).learn({"make": Measured(value=1.0)})
    after_a_pass, loads = listing(tmp_path), engine.loads
    capsys.readouterr()
    dry(edit, capsys)
    assert exit_code_of(["run", str(edit), "--dry-run"]) == 3
    assert listing(tmp_path) == after_a_pass
    assert engine.loads == loads


def test_a_machine_without_a_past_invents_nothing(edit: Path, card: ModelCard, capsys: Capture) -> None:
    ahead = dry(edit, capsys)["forecast"]
    assert ahead["estimate"] == dict.fromkeys(("listen_s", "make_s", "lay_s", "wall_s", "memory_mb", "gpu_mb"), None)
    assert exit_code_of(["run", str(edit), "--dry-run"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if line.startswith("time ")).rstrip().endswith(NEVER)
    assert any(line.startswith("disk ") and "takes not known" in line for line in lines)


def test_a_machine_with_a_past_says_how_long_it_takes(edit: Path, card: ModelCard, capsys: Capture) -> None:
    figures = {"listen": 0.5, "make": 4.0, "make_wall": 2.0, "sound": 1.0, "lay": 0.25, "load_s": 3.0}
    book_of(edit).learn({name: Measured(value=value) for name, value in figures.items()})
    plan = plan_pass(edit, PassOptions())
    shot_s = sum(float(job.span.duration_s) for job in plan.jobs)
    found = dry(edit, capsys)["forecast"]["estimate"]
    assert found["listen_s"] == pytest.approx(0.5 * shot_s)
    assert found["make_s"] == pytest.approx(4.0 * shot_s)
    assert found["lay_s"] == pytest.approx(1.0)
    # One batch: nothing of it overlaps with the listening of two hands.
    assert found["wall_s"] == pytest.approx(3.0 + 2.0 * shot_s + 0.25 * shot_s + 1.0)
    assert exit_code_of(["run", str(edit), "--dry-run"]) == 3
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert any(words[:2] == ["time", "about"] for words in told)
    assert ["number", "format", "float32"] in told


def test_disk_is_counted_in_takes_deliveries_and_preview(edit: Path, card: ModelCard, capsys: Capture) -> None:
    book_of(edit).learn({"sound": Measured(value=1.0), "movie": Measured(value=50_000.0)})
    plan = plan_pass(edit, PassOptions())
    sound_s = sum(float(job.span.duration_s) for job in plan.jobs)
    disk = dry(edit, capsys, "--preview")["forecast"]["disk"]
    assert disk["store"] == pytest.approx(sound_s * 144_000 + 2 * 4096, abs=2)
    assert disk["out"] == pytest.approx(disk["store"], abs=2)
    assert disk["preview"] == 4 * 50_000
    assert disk["enough"] is True
    assert disk["free"] > disk["store"]


def test_takes_that_were_delivered_need_no_more_room(
    edit: Path, engine: FakeEngine, card: ModelCard, capsys: Capture
) -> None:
    assert exit_code_of(["run", str(edit), "-q"]) == 3
    capsys.readouterr()
    elsewhere = dry(edit, capsys, "--out", str(edit.parent / "elsewhere"))["forecast"]["disk"]["out"]
    here = dry(edit, capsys)["forecast"]["disk"]["out"]
    assert elsewhere > 3 * 144_000
    assert here < 3 * 4096 + 1


def test_a_full_disk_is_said_loudly(
    edit: Path, card: ModelCard, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    book_of(edit).learn({"sound": Measured(value=1.0)})
    monkeypatch.setattr(
        "flows.planning.forecast.shutil.disk_usage", lambda path: type("Usage", (), {"free": 100_000})()
    )
    assert dry(edit, capsys)["forecast"]["disk"]["enough"] is False
    assert exit_code_of(["run", str(edit), "--dry-run"]) == 3
    assert "NOT enough: make room" in capsys.readouterr().out


def test_memory_is_as_measured_here_else_the_weights_at_least(edit: Path, capsys: Capture, card: ModelCard) -> None:
    plan = plan_pass(edit, PassOptions())
    assert forecast(plan).memory is None
    published = replace(plan, card=replace(plan.card, name="auffusion"))
    at_least = forecast(published).memory
    assert at_least and at_least.measured is False
    assert at_least.megabytes > 4000
    book_of(edit).learn({"memory_mb": Measured(value=1217.0), "gpu_mb": Measured(value=3100.0)})
    assert dry(edit, capsys)["forecast"]["memory"] == {
        "megabytes": 1217.0,
        "gpu_megabytes": 3100.0,
        "measured": True,
    }
    assert exit_code_of(["run", str(edit), "--dry-run"]) == 3
    assert "1.2 GB, 3.1 GB of the GPU, as measured here before" in capsys.readouterr().out


@pytest.mark.parametrize(("forbidden", "words"), [(True, "no commercial use"), (False, "commercial use allowed")])
def test_the_licence_and_what_it_allows(
    edit: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, forbidden: bool, words: str
) -> None:
    card = replace(made_up_card(), licence="CC-BY-NC-SA-4.0", non_commercial=forbidden)
    monkeypatch.setattr("flows.planning.plan.find_model", lambda name: card)
    ahead = dry(edit, capsys)["forecast"]
    assert (ahead["licence"], ahead["commercial_use"]) == ("CC-BY-NC-SA-4.0", not forbidden)
    assert exit_code_of(["run", str(edit), "--dry-run"]) == 3
    assert f"CC-BY-NC-SA-4.0, {words}" in capsys.readouterr().out


def test_stems_are_counted_where_their_categories_are_known(edit: Path, card: ModelCard, capsys: Capture) -> None:
    book_of(edit).learn({"sound": Measured(value=1.0)})
    without = dry(edit, capsys)["forecast"]["disk"]["out"]
    with_stems = dry(edit, capsys, "--stems")["forecast"]["disk"]["out"]
    assert with_stems - without == 2 * (4 * 144_000 + 4096)


def test_a_folder_that_is_not_there_yet_has_the_room_of_the_disk_it_will_lie_on(
    edit: Path, card: ModelCard, capsys: Capture, tmp_path: Path
) -> None:
    disk = dry(edit, capsys, "--out", str(tmp_path / "a" / "b" / "c"))["forecast"]["disk"]
    assert disk["free"] > 0
    assert not (tmp_path / "a").exists()
