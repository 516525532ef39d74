"""foley overnight on the command line."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from pipeline.errors import MediaError
from plugin.cli import exit_code_of
from tests.support.passes import Cut, FakeEngine

pytestmark = pytest.mark.usefixtures("card")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`foley overnight` into tmp_path/out."""
    monkeypatch.chdir(tmp_path)

    def go(*arguments: str) -> int:
        fixed = ["--out", "out", "--store", str(tmp_path / "store"), "--no-prefect", "--no-preview"]
        return exit_code_of(["overnight", *arguments, *fixed])

    return go


def test_two_edits_are_made_and_the_second_night_leaves_them(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, call: Callable[..., int], capsys: Capture, tmp_path: Path
) -> None:
    edits = [str(edit_of(Cut(name="train", media=movie(m)), name=f"{m}.otio")) for m in ("a.mp4", "b.mp4")]
    assert call(*edits) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "2 edits, 2 finished"
    laid = tmp_path / "out/a.mp4_foley/a.mp4.foley.otio"
    assert " ".join(shown[1].split()) == f"a.mp4: 1 shot made; 1 cue laid {laid}"
    assert call(*edits, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["summary"] == "2 edits, 0 finished, 2 unchanged"
    assert [edit["unchanged"] for edit in document["edits"]] == [True, True]
    assert engine.loads == 1


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BrokenPipeError(32, "Broken pipe")])
def test_a_log_that_cannot_be_written_does_not_stop_the_night(
    error: OSError,
    engine: FakeEngine,
    movie: Movie,
    edit_of: EditOf,
    call: Callable[..., int],
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Full(StringIO):
        def write(self, text: str) -> int:
            raise error

    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="gone", media=None))
    monkeypatch.setattr("sys.stderr", Full())
    assert call(str(edit), "--json") == 3
    document = json.loads(capsys.readouterr().out)
    assert document["summary"].startswith(
        "1 edit, 0 finished, 1 with failures (reel: 1 shot made, 1 failed; 1 cue laid)"
    )


def test_what_needs_a_person_is_named(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, call: Callable[..., int], capsys: Capture, tmp_path: Path
) -> None:
    engine.errors_by_media = {"b.mp4": MediaError("b.mp4 has no frame there")}
    good = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="train", media=movie("b.mp4")))
    bad = tmp_path / "bad.otio"
    bad.write_text("nothing")
    assert call(str(good), str(bad)) == 3
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("foley:")]
    assert len(said) == 2
    assert "reel.otio: sh0020 b.mp4 has no frame there" in said[0]
    assert "bad.otio" in said[1]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "name an inbox folder, or edits one by one"),
        (["--inbox", "gone"], "gone is not there"),
        (["a.otio", "--until", "7 o'clock"], "write it as 07:00"),
        (["a.otio", "--device", "cuda:x"], "cuda:x"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    arguments: list[str], word: str, engine: FakeEngine, call: Callable[..., int], capsys: Capture
) -> None:
    assert call(*arguments) in (2, 4)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("foley:")]
    assert len(said) == 1
    assert word in said[0]


def test_what_is_for_one_edit_is_refused_for_a_night(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "foley.toml").write_text('sequence = "reel 2"\n')
    monkeypatch.chdir(tmp_path)
    assert exit_code_of(["overnight", "--inbox", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "sequence is for one edit, a night has many: take it out of foley.toml" in capsys.readouterr().err
