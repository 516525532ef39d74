"""One night at a time into a folder, and nothing left behind by one that is killed."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.desk import PassEvent, nobody
from flows.errors import OutputFolderError
from flows.options import NightOptions
from flows.run import run_night
from flows.turn import LOCK_NAME, turn
from tests.support.waiting import PATIENCE_S

HOLDER = """
import sys, time
from pathlib import Path
from flows.desk import nobody
from flows.turn import turn
with turn(Path(sys.argv[1]), nobody, wait=True):
    print("held", flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def held(tmp_path: Path) -> Callable[[], None]:
    """Another process holds `tmp_path`; call it to kill that process."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"

    def kill() -> None:
        holder.kill()
        holder.wait()

    return kill


@pytest.mark.steady
def test_the_second_night_waits_and_says_so_until_the_first_is_killed(tmp_path: Path, held: Callable[[], None]) -> None:
    told: list[PassEvent] = []
    waiting, got = threading.Event(), threading.Event()

    def tell(event: PassEvent) -> None:
        told.append(event)
        waiting.set()

    def night() -> None:
        with turn(tmp_path, tell, wait=True) as is_ours:
            if is_ours:
                got.set()

    thread = threading.Thread(target=night, daemon=True)
    thread.start()
    assert waiting.wait(PATIENCE_S) and not got.is_set()
    assert [(event.stage, event.text) for event in told] == [
        ("wait", f"waiting for another night, which works into {tmp_path}")
    ]
    held()
    assert got.wait(PATIENCE_S)
    thread.join(PATIENCE_S)


def test_a_look_into_the_inbox_does_not_wait(tmp_path: Path, held: Callable[[], None]) -> None:
    night = NightOptions(edits=(tmp_path / "gone.otio",), out=tmp_path, if_busy="skip")
    assert run_night(night, with_prefect=False) == []
    held()
    (outcome,) = run_night(night, with_prefect=False)
    assert "gone.otio" in str(outcome.error)


def test_the_flow_says_that_it_was_skipped(tmp_path: Path, held: Callable[[], None]) -> None:
    from flows.overnight import overnight

    state = overnight.fn(NightOptions(edits=(tmp_path / "gone.otio",), out=tmp_path, if_busy="skip"))
    assert (state.type.value, state.name) == ("COMPLETED", "Skipped")
    assert state.message == f"another night still works into {tmp_path}"
    held()


def test_a_night_that_ends_leaves_the_folder_to_the_next(tmp_path: Path) -> None:
    for _ in range(2):
        with turn(tmp_path / "new", nobody, wait=False) as is_ours:
            assert is_ours
            with turn(tmp_path / "new", nobody, wait=False) as too:
                assert not too


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = pytest.raises(OutputFolderError, match=r"file/out cannot be written \(Not a directory\): name another")
    with refused, turn(tmp_path / "file" / "out", nobody, wait=False):
        pass


def test_a_file_system_without_locks_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, **how: object) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr("flows.turn.FileLock.acquire", refuse)
    with turn(tmp_path, nobody, wait=False) as is_ours:
        assert is_ours
    assert not (tmp_path / LOCK_NAME).exists()
