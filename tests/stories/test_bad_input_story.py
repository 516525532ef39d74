"""What people hand in by mistake: one sentence that names it, the right exit code, and nothing of theirs is touched."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from pipeline.weights.registry import ModelCard
from plugin.cli import exit_code_of
from tests.support.passes import Cut, FakeEngine, card, edit_of, engine, movie

__all__ = ["card", "edit_of", "engine", "movie"]

Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
Capture = pytest.CaptureFixture[str]

BOMB = """<?xml version="1.0"?>
<!DOCTYPE xmeml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>
<xmeml version="5"><sequence><name>&c;</name></sequence></xmeml>"""
NO_PICTURE = """<?xml version="1.0"?>
<xmeml version="5"><sequence id="s"><name>sound only</name><duration>10</duration><rate><timebase>25</timebase></rate>
<media><audio><track/></audio></media></sequence></xmeml>"""


@pytest.fixture(autouse=True)
def own_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets the takes of another, or of the person who runs it."""
    monkeypatch.setenv("FOLEY_STORE", str(tmp_path_factory.mktemp("store")))


def _sentence(capsys: Capture) -> str:
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    assert lines[0].startswith("foley: ") and "Traceback" not in lines[0]
    return lines[0]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("bomb.xml", BOMB, "bomb.xml"),
        ("newer.xml", '<xmeml version="9"><sequence><name>x</name></sequence></xmeml>', "version"),
        ("silent.xml", NO_PICTURE, "silent.xml"),
        ("newer.otio", '{"OTIO_SCHEMA": "Timeline.99", "tracks": {}}', "Timeline.99"),
        ("empty.xml", "", "empty.xml"),
        ("half.xml", '<xmeml version="5"><sequence>', "half.xml"),
        ("noise.otio", "\x00\x01\x02", "noise.otio"),
        ("cut.fcpxml", "<fcpxml/>", ".fcpxml"),
        ("cut.prproj", "x", ".prproj"),
    ],
)
def test_what_is_no_edit_is_refused(name: str, text: str, words: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert exit_code_of(["run", str(path)]) == 2
    assert words in _sentence(capsys)
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]
    assert path.read_text() == text


def test_an_edit_that_breaks_its_reader_is_one_sentence(
    movie: Movie, edit_of: EditOf, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A pass reads in another process: what ends that one must not end the pass.
    monkeypatch.setattr("timeline_io.guarded._RUN", "import os; os.abort()")
    assert exit_code_of(["run", str(edit_of(Cut(name="train", media=movie("a.mp4"))))]) == 2
    assert "reel.otio cannot be read: its reader broke down" in _sentence(capsys)


def _run(edit: Path, capsys: Capture) -> tuple[int, dict[str, Any]]:
    code = exit_code_of(["run", str(edit), "--json", "--no-prefect", "--no-preview"])
    return code, json.loads(capsys.readouterr().out)


def test_bad_media_fail_alone_and_say_why(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, tmp_path: Path, capsys: Capture
) -> None:
    truncated, words, sound = tmp_path / "truncated.mp4", tmp_path / "words.mp4", tmp_path / "sound.wav"
    truncated.write_bytes(movie("a.mp4").read_bytes()[:300])
    words.write_text("this is no movie")
    soundfile.write(sound, np.zeros(48_000), 48_000)
    edit = edit_of(
        Cut(name="train 1", media=movie("a.mp4")),
        Cut(name="train 2", media=truncated),
        Cut(name="train 3", media=words),
        Cut(name="train 4", media=sound),
        Cut(name="train 5", media=tmp_path / "gone.mov"),
        Cut(name="train 6", media=movie("b.mp4")),
    )
    code, document = _run(edit, capsys)
    assert code == 3
    reasons = {shot["name"]: shot["reason"] for shot in document["shots"] if shot["state"] == "failed"}
    assert set(reasons) == {"train 2", "train 3", "train 4", "train 5"}
    assert "truncated.mp4" in reasons["train 2"] and "words.mp4" in reasons["train 3"]
    assert "no picture" in reasons["train 4"] and "gone.mov" in reasons["train 5"]
    assert [s["state"] for s in document["shots"] if s["name"] in ("train 1", "train 6")] == ["made", "made"]


def test_a_clip_of_no_length_is_skipped_with_a_word(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="nothing", media=movie("b.mp4"), count=0))
    code, document = _run(edit, capsys)
    assert code == 0
    skipped = [shot for shot in document["shots"] if shot["state"] == "skipped"]
    assert [shot["name"] for shot in skipped] == ["nothing"] and skipped[0]["reason"]


def test_a_label_the_model_does_not_know_is_one_warning(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, capsys: Capture
) -> None:
    cuts = [Cut(name=f"c{i}", media=movie("a.mp4"), first=i, note="foley: dog barking") for i in range(3)]
    code, document = _run(edit_of(*cuts), capsys)
    assert code == 0
    about_the_label = [warning for warning in document["warnings"] if "dog barking" in warning]
    assert len(about_the_label) == 1 and "train passing" in about_the_label[0]


def test_a_full_disk_is_one_sentence_and_leaves_no_half_files(
    engine: FakeEngine,
    card: ModelCard,
    movie: Movie,
    edit_of: EditOf,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    code = exit_code_of(["run", str(edit), "-q", "--no-prefect", "--no-preview"])
    text = capsys.readouterr().err
    assert code in (2, 4)
    assert "the disk is full" in text and "Traceback" not in text
    assert not list(edit.parent.rglob("*.wav"))


def test_nothing_of_the_users_is_overwritten(
    engine: FakeEngine, card: ModelCard, movie: Movie, edit_of: EditOf, tmp_path: Path, capsys: Capture
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    out = tmp_path / "reel_foley"
    out.mkdir()
    (out / "cues.csv").write_text("my own notes\n")
    (out / "reel.foley.otio").write_text("my own file\n")
    before = edit.read_bytes()
    exit_code_of(["run", str(edit), "-q", "--no-prefect", "--no-preview"])
    capsys.readouterr()
    assert edit.read_bytes() == before
    assert (out / "cues.csv").read_text() == "my own notes\n"
    assert (out / "reel.foley.otio").read_text() == "my own file\n"


def test_a_changed_weights_file_stops_the_pass_before_anything_is_made(
    movie: Movie, edit_of: EditOf, tmp_path: Path, capsys: Capture
) -> None:
    from pipeline.weights.registry import find_model

    model = Path(shutil.copytree(find_model("mini").folder, tmp_path / "model"))
    weights = model / "vae" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), folder=tmp_path)
    assert exit_code_of(["run", str(edit), "-q", "--no-prefect", "--no-preview", "--model", str(model)]) == 4
    assert "was changed" in _sentence(capsys)
    assert not list(tmp_path.rglob("*.foley.otio"))
