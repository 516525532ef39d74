"""Where a pass writes and who hears of it: folders that are none, laid edits, a stdout that is gone, two at once."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest

from flows.work.slots import alone_in
from plugin.cli import exit_code_of
from tests.support.passes import Cut, write_edit

pytestmark = pytest.mark.usefixtures("calm", "card", "engine")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def edit(edit_of: EditOf, movie: Movie) -> Path:
    """One shot that can be made, one without media: the exit code of a pass is 3."""
    return edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="gone", media=None))


@pytest.fixture(params=["closed", "full"])
def lost_stdout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """A stdout that nobody reads any more, or whose disk is full."""
    full = Path("/dev/full")
    if request.param == "full" and not full.exists():
        pytest.skip("this system has no /dev/full")
    if request.param == "full":
        stream = full.open("w")
    else:
        reading, writing = os.pipe()
        os.close(reading)
        stream = os.fdopen(writing, "w")
    monkeypatch.setattr(sys, "stdout", stream)
    yield stream


def laid(edit: Path) -> Path:
    return edit.parent / f"{edit.stem}_foley" / f"{edit.stem}.foley{edit.suffix}"


@pytest.mark.parametrize("words", [[], ["--json"], ["--quiet"]])
def test_a_lost_stdout_leaves_the_exit_code_to_the_pass(edit: Path, lost_stdout: TextIO, words: list[str]) -> None:
    assert exit_code_of(["run", str(edit), "--no-prefect", *words]) == 3
    assert laid(edit).is_file()


def test_a_lost_stdout_leaves_the_exit_code_to_the_night(edit: Path, lost_stdout: TextIO, tmp_path: Path) -> None:
    assert exit_code_of(["overnight", str(edit), "--out", str(tmp_path / "out"), "--no-prefect"]) == 3


def test_a_conform_that_is_not_there_is_wrong_usage(edit: Path, capsys: Capture, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        for words in ([], ["--dry-run"]):
            assert exit_code_of(["run", str(edit), "--conform", str(folder), *words]) == 2
            assert f"--conform {folder} is not the output folder of an earlier pass" in capsys.readouterr().err
    assert not laid(edit).exists()


@pytest.mark.parametrize("command", ["run", "overnight"])
@pytest.mark.parametrize("below", ["", "folder"])
def test_an_out_that_is_a_file_is_wrong_usage_in_the_dry_run_too(
    command: str, below: str, edit: Path, capsys: Capture, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("mine")
    for words in ([], ["--dry-run"]):
        out = tmp_path / "a file" / below
        code = exit_code_of([command, str(edit), "--out", str(out), "--no-prefect", *words])
        assert f"{tmp_path / 'a file'} is a file" in capsys.readouterr().err
        assert code == 2
    assert (tmp_path / "a file").read_text() == "mine"


def test_the_second_pass_into_a_folder_is_told_that_it_waits(edit: Path, capsys: Capture) -> None:
    with alone_in(laid(edit).parent):
        code: list[int] = []
        second = threading.Thread(target=lambda: code.append(exit_code_of(["run", str(edit), "--no-prefect"])))
        second.start()
        told = ""
        while "waiting for another pass, which writes into" not in told and second.is_alive():
            told += capsys.readouterr().err
        assert str(laid(edit).parent) in told
    second.join()
    assert code == [3] and laid(edit).is_file()


def test_a_laid_edit_counts_as_the_edit_it_is_a_copy_of(edit: Path, capsys: Capture) -> None:
    assert exit_code_of(["run", str(edit), "--no-prefect"]) == 3
    before = laid(edit).read_bytes()
    assert exit_code_of(["run", str(laid(edit)), "--no-prefect"]) == 2
    assert f"{laid(edit)} is what a pass laid: run {edit} again" in capsys.readouterr().err
    moved = edit.parent / laid(edit).name
    moved.write_bytes(before)
    assert exit_code_of(["run", str(moved), "--no-prefect"]) == 3
    assert laid(edit).read_bytes() == before
    assert not [path for path in edit.parent.rglob("*") if ".foley_foley" in path.name or ".foley.foley" in path.name]


class TestInbox:
    """A night's inbox: what is not there, what is too young, what is nothing."""

    def test_a_missing_inbox_is_wrong_usage(self, tmp_path: Path, capsys: Capture) -> None:
        for words in ([], ["--dry-run"]):
            out = str(tmp_path / "out")
            code = exit_code_of(["overnight", "--inbox", str(tmp_path / "none"), "--out", out, "--no-prefect", *words])
            assert (code, "is not there: name a folder that is" in capsys.readouterr().err) == (2, True)

    def test_an_edit_too_young_is_named_and_nothing_is_not_success(
        self, edit: Path, tmp_path: Path, capsys: Capture
    ) -> None:
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        words = ["overnight", "--inbox", str(inbox), "--out", str(tmp_path / "out"), "--no-prefect"]
        assert exit_code_of(words) == 4
        young = inbox / "young.otio"
        young.write_bytes(edit.read_bytes())
        assert exit_code_of(words) == 4
        assert f"{young} was changed a moment ago" in capsys.readouterr().err
        os.utime(young, (0, 0))
        assert exit_code_of(words) == 3


@pytest.mark.parametrize("utf8", [None, "0"])
def test_any_name_works_in_any_locale_unless_a_person_says_no(utf8: str | None, movie: Movie, tmp_path: Path) -> None:
    edit = write_edit(tmp_path / "日本 ü" / "reel.otio", [Cut(name="train", media=movie("a.mp4"))])
    environment = {name: value for name, value in os.environ.items() if name not in ("LANG", "PYTHONUTF8")}
    environment |= {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    environment |= {} if utf8 is None else {"PYTHONUTF8": utf8}
    words = [sys.executable, "-m", "plugin.cli", "run", str(edit), "--dry-run", "--json"]
    done = subprocess.run(words, capture_output=True, env=environment, check=False)
    if utf8 is None:
        assert (done.returncode, json.loads(done.stdout)["out"]) == (0, str(edit.parent / "reel_foley"))
    else:
        assert (done.returncode, b"cannot be named in this locale (ascii): set PYTHONUTF8=1" in done.stderr) == (
            2,
            True,
        )
