"""The command line as a person meets it: exit codes, sentences, JSON."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import MediaError
from pipeline.weights.registry import ModelCard
from plugin.cli import exit_code_of
from tests.support.passes import Cut, FakeEngine

HOME = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("calm")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


def one_sentence(capture: Capture) -> str:
    """The only line on stderr."""
    captured = capture.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("foley: ")
    assert "Traceback" not in captured.err
    assert captured.out == ""
    return line


def test_a_run_says_where_everything_lies(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    assert exit_code_of(["run", str(edit)]) == 0
    captured = capsys.readouterr()
    for name in ("reel.foley.otio", "takes", "cues.csv", "report.html"):
        assert str(edit.parent / "reel_foley" / name) in captured.out
    assert "1 shot made" in captured.out
    assert "real footage" in captured.err


def test_json_is_one_document_and_nothing_else(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture
) -> None:
    engine.errors_by_media = {"b.mp4": MediaError("b.mp4 is broken")}
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="train", media=movie("b.mp4")))
    assert exit_code_of(["run", str(edit), "--json"]) == 3
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["counts"]["failed"] == 1
    assert document["exit_code"] == 3
    assert Path(document["outputs"]["edit"]).is_file()
    assert "b.mp4 is broken" in captured.err


def test_quiet_says_nothing_when_all_is_well_but_warnings(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture
) -> None:
    assert exit_code_of(["run", str(edit_of(Cut(name="train", media=movie("a.mp4")))), "--quiet"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(line.startswith("foley: warning: ") for line in captured.err.splitlines())


def test_nothing_made_is_exit_4(engine: FakeEngine, card: ModelCard, edit_of: EditOf, capsys: Capture) -> None:
    assert exit_code_of(["run", str(edit_of(Cut(name="train", media=None))), "-q"]) == 4
    assert "gone.mov" in one_sentence(capsys)


def test_a_dry_run_writes_nothing(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture, tmp_path: Path
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="A002", media=movie("b.mp4")))
    before = sorted(tmp_path.rglob("*"))
    assert exit_code_of(["run", str(edit), "--dry-run", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [shot["labels"] for shot in document["shots"]] == ["train passing", "CLIP decides"]
    assert sorted(tmp_path.rglob("*")) == before
    assert engine.loads == 0


def test_a_dry_run_with_offline_media_is_exit_3(card: ModelCard, edit_of: EditOf, capsys: Capture) -> None:
    assert exit_code_of(["run", str(edit_of(Cut(name="train", media=None))), "--dry-run"]) == 3
    assert "gone.mov" in capsys.readouterr().out


def test_shots_lists_them(movie: Movie, edit_of: EditOf, capsys: Capture) -> None:
    name = "列車 [bold] 50% #1"
    edit = edit_of(Cut(name=name, media=movie("a.mp4")), Cut(name="gone", media=None))
    assert exit_code_of(["shots", str(edit), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [shot["name"] for shot in document["shots"]] == [name, "gone"]
    assert [shot["online"] for shot in document["shots"]] == [True, False]
    assert document["shots"][0]["at"] == "01:00:00:00"
    assert exit_code_of(["shots", str(edit)]) == 0
    assert name in capsys.readouterr().out


def test_names_of_any_kind_go_through_the_command_line(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture, tmp_path: Path
) -> None:
    media = tmp_path / "m 100% #1 'q' 列車.mp4"
    shutil.copy(movie("a.mp4"), media)
    edit = edit_of(Cut(name="train", media=media), name="reel 50% [x] 'é' 編集.otio", folder=tmp_path / "a #b 編")
    out = tmp_path / "out % # 出力"
    assert exit_code_of(["run", str(edit), "--out", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert Path(document["outputs"]["edit"]) == out / "reel 50% [x] 'é' 編集.foley.otio"
    assert Path(document["shots"][0]["cues"][0]["wav"]).is_file()


def bad_edit(kind: str, folder: Path) -> list[str]:
    """A command line with something wrong with it."""
    good, out = folder / "good.otio", folder / "file"
    out.write_text("a file")
    (folder / "empty.otio").write_text("")
    (folder / "words.otio").write_text("this is no timeline")
    (folder / "json.otio").write_text('{"a": 1}')
    (folder / "cut.otio").write_text('{"OTIO_SCHEMA": "Timeline.1", "tracks": ')
    return {
        "missing edit": ["run", str(folder / "gone.otio")],
        "empty": ["run", str(folder / "empty.otio")],
        "no timeline": ["run", str(folder / "words.otio")],
        "other json": ["run", str(folder / "json.otio")],
        "cut off": ["shots", str(folder / "cut.otio")],
        "a folder": ["shots", str(folder)],
        "out is a file": ["run", str(good), "--out", str(out)],
        "out in a file": ["run", str(good), "--out", str(out / "x")],
        "missing sheet": ["run", str(good), "--labels", str(folder / "gone.csv")],
        "path map": ["run", str(good), "--path-map", "nonsense"],
        "seed": ["run", str(good), "--seed", "-1"],
        "seed in words": ["run", str(good), "--seed", "many"],
        "unknown option": ["run", str(good), "--nonsense"],
        "unknown command": ["sing", str(good)],
        "no edit": ["run"],
    }[kind]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("missing edit", "gone.otio"),
        ("empty", "empty.otio"),
        ("no timeline", "words.otio"),
        ("other json", "json.otio"),
        ("cut off", "cut.otio"),
        ("a folder", "is a folder, not an edit"),
        ("out is a file", "is a file"),
        ("out in a file", "is a file"),
        ("missing sheet", "gone.csv"),
        ("path map", "FROM=TO"),
        ("seed", "--seed"),
        ("seed in words", "--seed"),
        ("unknown option", "--nonsense"),
        ("unknown command", "sing"),
        ("no edit", "EDIT"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(
    kind: str, word: str, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture, tmp_path: Path
) -> None:
    edit_of(Cut(name="train", media=movie("a.mp4")), name="good.otio")
    assert exit_code_of(bad_edit(kind, tmp_path)) == 2
    assert word in one_sentence(capsys)


def test_an_unknown_model_names_those_there_are(movie: Movie, edit_of: EditOf, capsys: Capture) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    assert exit_code_of(["run", str(edit), "--model", "maxi"]) == 2
    sentence = one_sentence(capsys)
    assert "maxi" in sentence and "mini" in sentence


def test_a_fault_of_the_program_is_not_called_anything_else(
    engine: FakeEngine,
    card: ModelCard,
    movie: Movie,
    edit_of: EditOf,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> str:
        raise ZeroDivisionError("what")

    monkeypatch.setattr("flows.output.laying.report_page", broken)
    edit = str(edit_of(Cut(name="train", media=movie("a.mp4"))))
    assert exit_code_of(["run", edit, "-q"]) == 1
    assert "fault of the program" in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        exit_code_of(["run", edit, "-q", "--debug"])


def test_an_interrupt_is_exit_130_and_leaves_no_output(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flows.batching.Batching.wait", interrupt)
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    assert exit_code_of(["run", str(edit), "-q"]) == 130
    assert "running it again goes on from here" in one_sentence(capsys)
    assert list((edit.parent / "reel_foley").iterdir()) == []


def foley(*arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """`foley` in a process of its own, which then says what it has imported."""
    script = (
        "import sys; from plugin.cli import exit_code_of\n"
        f"code = exit_code_of({list(arguments)!r})\n"
        "print('LOADED', *sorted(m for m in sys.modules if '.' not in m), file=sys.stderr); sys.exit(code)"
    )
    return subprocess.run([sys.executable, "-c", code or script], capture_output=True, text=True, cwd=HOME, check=False)


HEAVY = {"torch", "torchvision", "open_clip", "diffusers", "transformers", "prefect"}


def test_a_program_can_read_what_happens(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture
) -> None:
    engine.errors_by_media = {"b.mp4": MediaError("b.mp4 has no frame there")}
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="train", media=movie("b.mp4")))
    assert exit_code_of(["--log-format", "json", "run", str(edit), "--no-prefect", "--no-preview"]) == 3
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line.get("stage") for line in lines if line["level"] == "info"][:2] == ["plan", "load"]
    assert {"plan", "listen", "make", "lay", "laid"} <= {line.get("stage") for line in lines}
    failed = next(line for line in lines if line.get("shot") == "sh0020")
    assert (failed["message"], failed["edit"], failed["total"]) == ("b.mp4 has no frame there", "reel", 2)
    assert (lines[-1]["level"], "b.mp4" in lines[-1]["message"]) == ("error", True)
    assert exit_code_of(["shots", "gone.otio"]) == 2
    assert one_sentence(capsys).startswith("foley: ")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["models", "--help"], []])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    done = foley(*arguments)
    loaded = set(done.stderr.rsplit("LOADED", 1)[1].split())
    assert done.returncode == 0
    assert "Usage" in done.stdout
    assert not loaded & (HEAVY | {"numpy", "opentimelineio", "av"})


def test_listing_shots_loads_nothing_heavy(movie: Movie, edit_of: EditOf) -> None:
    done = foley("shots", str(edit_of(Cut(name="train", media=movie("a.mp4")))))
    assert done.returncode == 0
    assert not set(done.stderr.rsplit("LOADED", 1)[1].split()) & HEAVY


@pytest.mark.steady
def test_a_reader_that_goes_away_is_no_error(movie: Movie, edit_of: EditOf) -> None:
    edit = edit_of(*(Cut(name=f"train {n} {'x' * 200}", media=None) for n in range(900)))
    command = f"{sys.executable} -m plugin.cli shots '{edit}' | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=HOME, check=False)
    assert done.stderr == ""


EDL = """TITLE: reel
001  A001 V C 01:00:00:00 01:00:02:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: train_04.mov
"""


def test_a_rate_that_had_to_be_found_is_told_and_can_be_said(tmp_path: Path, capsys: Capture) -> None:
    edit = tmp_path / "reel.edl"
    edit.write_text(EDL, encoding="utf-8")
    assert exit_code_of(["shots", str(edit), "--json"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["rate"] == "24" and "--rate" in document["remarks"][0]
    assert "foley: warning: " in captured.err
    assert exit_code_of(["shots", str(edit), "--rate", "29.97", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["rate"] == "30000/1001"
    assert exit_code_of(["shots", str(edit), "--rate", "often"]) == 2
    assert "--rate often" in one_sentence(capsys)


def test_spotting_writes_the_sheet_and_no_sound(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture
) -> None:
    edit = edit_of(Cut(name="A001", media=movie("a.mp4")), Cut(name="gone", media=None))
    assert exit_code_of(["spot", str(edit), "--json"]) == 3
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert [(row["shot_id"], row["label"], row["source"]) for row in document["rows"]] == [
        ("sh0010", "train passing", "heard")
    ]
    assert document["rows"][0]["heard"] == [[86402, 86412]]
    assert [row["shot_id"] for row in document["failed"]] == ["sh0020"]
    assert Path(document["cues"]) == edit.with_name("reel_cues.csv")
    assert Path(document["cues"]).read_text("utf-8-sig").startswith("shot,cue,clip,in,out,label,")
    assert engine.made == []
    assert exit_code_of(["spot", str(edit)]) == 2
    assert "reel_cues.csv exists" in one_sentence(capsys)


def test_takes_names_and_stems_from_the_command_line(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture
) -> None:
    edit = edit_of(Cut(name="ball", media=movie("a.mp4")))
    assert exit_code_of(["run", str(edit), "--takes", "2", "--names", "ucs", "--stems", "--json"]) == 0
    outputs = json.loads(capsys.readouterr().out)["outputs"]
    assert [Path(stem).name for stem in outputs["stems"]] == ["FOLYProp_props-stem_FOLEY_reel.wav"]
    assert len(list(Path(outputs["takes"]).glob("FOLYProp_bouncing-ball_FOLEY_reel_*.wav"))) == 2
    assert exit_code_of(["run", str(edit), "--names", "mine"]) == 2
    assert "--names mine" in one_sentence(capsys)
