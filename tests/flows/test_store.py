"""The store of a pass: what it cannot take is said before work, or laid all the same; several users may share one."""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.errors import OutputFolderError
from flows.options import PassOptions
from flows.run import run_pass
from flows.store import open_store
from tests.support.passes import Cut, FakeEngine

EditOf = Callable[..., Path]
Movie = Callable[[str], Path]
pytestmark = pytest.mark.usefixtures("card")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "a store"


@pytest.fixture
def edit(edit_of: EditOf, movie: Movie) -> Path:
    return edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4")))


def _obstruct(store: Path) -> None:
    """Let every folder that a take would go to be a file, as if the disk took no more."""
    open_store(store)
    for number in range(256):
        (store / "clips" / f"{number:02x}").write_text("in the way")


def test_what_the_store_cannot_take_is_made_once_and_laid_all_the_same(
    engine: FakeEngine, edit: Path, store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    aside = tmp_path / "temporary"
    aside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    _obstruct(store)
    report = run_pass(edit, PassOptions(store=store, preview=False), with_prefect=False)
    assert (report.exit_code, report.laid) == (0, 2)
    assert all(cue.wav and cue.wav.is_file() for shot in report.shots for cue in shot.cues)
    assert sorted(engine.made) == ["bouncing ball", "train passing"]
    (warning,) = [text for text in report.warnings if "store" in text]
    assert f"the store {store} could not keep 2 takes" in warning and "--store or FOLEY_STORE" in warning
    assert [path.name for path in aside.iterdir() if "take" in path.name] == []


@pytest.mark.parametrize("part", ["clips", "features", "spots"])
def test_a_part_that_cannot_be_written_is_said_before_work(
    part: str, engine: FakeEngine, edit: Path, store: Path
) -> None:
    store.mkdir()
    (store / part).write_text("in the way")
    with pytest.raises(OutputFolderError, match=rf"{part} cannot be written.*--store or FOLEY_STORE"):
        run_pass(edit, PassOptions(store=store), with_prefect=False)
    assert engine.made == []


def test_a_folder_of_another_user_is_said_before_work(
    engine: FakeEngine, edit: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(store)
    (store / "clips" / "ab").mkdir()
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "ab" and allowed(path, mode))
    with pytest.raises(OutputFolderError, match=r"clips/ab, a folder of the store, may not be written to"):
        run_pass(edit, PassOptions(store=store), with_prefect=False)
    assert engine.made == []


def test_new_folders_have_the_mode_of_the_root(engine: FakeEngine, edit: Path, store: Path) -> None:
    store.mkdir()
    store.chmod(0o2770)
    run_pass(edit, PassOptions(store=store, preview=False), with_prefect=False)
    folders = [path for path in store.rglob("*") if path.is_dir()]
    assert {path.parent.name for path in folders} >= {store.name, "clips"}
    assert {oct(stat.S_IMODE(path.stat().st_mode)) for path in folders} == {oct(0o2770)}
