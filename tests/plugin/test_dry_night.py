"""foley overnight --dry-run: every edit in a row, what is shared counted once, nothing written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.options import PassOptions
from flows.planning.plan import plan_pass
from flows.watching.pace import Measured, PaceBook
from plugin.cli import exit_code_of
from plugin.commands.dry_run import device_count
from tests.support.passes import Cut, FakeEngine

pytestmark = pytest.mark.usefixtures("calm", "card")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def edits(edit_of: EditOf, movie: Movie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One edit that is whole, one of the same picture with a shot whose media is gone, one that is no edit."""
    monkeypatch.chdir(tmp_path)
    train = Cut(name="train", media=movie("a.mp4"))
    whole = edit_of(train, Cut(name="ball", media=movie("b.mp4")), name="whole.otio")
    part = edit_of(train, Cut(name="gone", media=None), name="part.otio")
    broken = tmp_path / "broken.otio"
    broken.write_text("{")
    return [str(whole), str(part), str(broken)]


def dry(edits: list[str], capsys: Capture, *words: str) -> dict[str, Any]:
    capsys.readouterr()
    code = exit_code_of(["overnight", *edits, "--out", "out", "--dry-run", "--json", *words])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document | {"code": code}


def test_every_edit_has_a_row_and_shared_takes_are_counted_once(
    edits: list[str], capsys: Capture, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    document = dry(edits, capsys)
    assert document["code"] == 3
    told = [(Path(row["edit"]).stem, row["would be"], row["shots"], row["missing"]) for row in document["edits"]]
    assert told == [("whole", "made", 2, 0), ("part", "made", 2, 1), ("broken", "failed", 0, 1)]
    assert "gone.mov" in document["edits"][1]["why"] and "damaged" in document["edits"][2]["why"]
    ahead = document["forecast"]
    assert (ahead["shots"], ahead["to_hear"], ahead["to_make"]) == (4, 3, 2)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_finished_is_left_out_and_what_is_only_to_be_laid_needs_nothing_made(
    edits: list[str], engine: FakeEngine, capsys: Capture
) -> None:
    assert exit_code_of(["overnight", edits[0], "--out", "out", "-q"]) == 0
    document = dry(edits[:2], capsys)
    assert [row["would be"] for row in document["edits"]] == ["unchanged", "laid"]
    assert (document["forecast"]["shots"], document["forecast"]["to_make"]) == (2, 0)
    finished = dry(edits[:1], capsys)
    assert (finished["code"], finished["forecast"]) == (0, None)


def test_whether_it_is_done_by_the_end_of_the_night(edits: list[str], capsys: Capture) -> None:
    figures = {"listen": 0.5, "make_wall": 2.0, "make": 2.0, "sound": 1.0, "lay": 0.25}
    book = PaceBook(plan_pass(Path(edits[0]), PassOptions()).studio)
    book.learn({name: Measured(value=value) for name, value in figures.items()})
    assert dry(edits, capsys)["spare_s"] is None
    spare_s = dry(edits, capsys, "--until", "07:00")["spare_s"]
    assert -60 < spare_s < 24 * 3600
    exit_code_of(["overnight", *edits, "--out", "out", "--dry-run", "--until", "07:00"])
    assert "before 07:00" in capsys.readouterr().out
    book.learn({"make_wall": Measured(value=100_000.0, amount=1e6)})
    assert dry(edits, capsys, "--until", "07:00")["spare_s"] < 0
    exit_code_of(["overnight", *edits, "--out", "out", "--dry-run", "--until", "07:00"])
    assert "more than there are until 07:00: the rest is for the next night" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("device", "whole_machine", "count"),
    [("auto", False, 1), ("auto", True, 3), ("cuda:all", False, 3), ("cpu,cpu", True, 2), ("cuda:1", True, 1)],
)
def test_devices_are_counted_without_asking_torch(
    device: str, whole_machine: bool, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    assert device_count(device, whole_machine=whole_machine) == count
