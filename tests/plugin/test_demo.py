"""The demo goes as staged: everything sounds but the reel that is lost on purpose."""

from pathlib import Path

import pytest

from pipeline.errors import MediaError
from pipeline.weights.registry import ModelCard
from plugin import demo_edit
from plugin.cli import exit_code_of
from plugin.commands.demo import LOST_ON_PURPOSE
from tests.support.passes import Cut, FakeEngine, write_edit


@pytest.fixture(autouse=True)
def small_demo(tmp_path: Path, movie: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clips instead of the real demo, which takes a while to draw."""
    assert callable(movie)
    cuts = (Cut(name="train", media=movie("a.mp4")), Cut(name=LOST_ON_PURPOSE, media=None))
    monkeypatch.setattr(demo_edit, "make_demo_edit", lambda out: write_edit(out / "demo.otio", cuts))
    monkeypatch.setenv("FOLEY_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


def test_the_lost_reel_is_named_and_no_failure(
    engine: FakeEngine, card: ModelCard, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert exit_code_of(["demo", "--out", "a demo", "--no-prefect"]) == 0
    captured = capsys.readouterr()
    assert "gone.mov" in captured.err
    for place in ("demo.foley.otio", "takes", "report.html", "preview.mp4"):
        assert str(tmp_path / "a demo" / "foley" / place) in captured.out


def test_any_other_failure_is_one(engine: FakeEngine, card: ModelCard) -> None:
    engine.errors_by_media = {"a.mp4": MediaError("broken")}
    assert exit_code_of(["demo", "--no-prefect", "-q"]) == 4


def test_the_demo_runs_twice(engine: FakeEngine, card: ModelCard) -> None:
    assert [exit_code_of(["demo", "--no-prefect", "-q"]) for _ in range(2)] == [0, 0]
    assert engine.made == ["train passing"]


def test_a_demo_into_a_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert exit_code_of(["demo", "--out", "file"]) == 2
    assert "cannot be used as a folder" in capsys.readouterr().err


def test_the_staged_reel_is_in_the_demo() -> None:
    assert f'"{LOST_ON_PURPOSE}"' in Path(demo_edit.__file__).read_text(encoding="utf-8")
