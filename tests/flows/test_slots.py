"""One pass at a time on a GPU, and nothing left behind by one that is killed."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from flows.errors import WorkshopError
from flows.work.engine_process import _confine
from flows.work.slots import alone_in, take_slot
from flows.work.workshop import named_device
from tests.support.waiting import PATIENCE_S

HOLDER = """
import sys, time
from flows.errors import WorkshopError
from flows.work.slots import take_slot
slot = take_slot(sys.argv[1], print)
print("held", flush=True)
time.sleep(3600)
"""


@pytest.fixture(autouse=True)
def slots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLEY_SLOTS", str(tmp_path))


def test_the_second_one_waits_and_says_so_until_the_first_is_killed() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, "cuda:0"], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"
    told: list[str] = []
    waiting = threading.Event()
    got: list[object] = []

    def tell(text: str) -> None:
        told.append(text)
        waiting.set()

    def wait() -> None:
        got.append(take_slot("cuda:0", tell))

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert waiting.wait(PATIENCE_S)
    assert told == ["waiting for cuda:0, which another pass uses"] and not got
    holder.kill()
    holder.wait()
    thread.join(PATIENCE_S)
    assert len(got) == 1


def test_a_slot_that_one_thread_took_another_can_release() -> None:
    got: list[FileLock | None] = []
    loading = threading.Thread(target=lambda: got.append(take_slot("cuda:0", pytest.fail)))
    loading.start()
    loading.join()
    (slot,) = got
    assert slot
    slot.release()
    assert take_slot("cuda:0", pytest.fail)


def test_other_gpus_are_free_and_processors_need_no_slot() -> None:
    first = take_slot("cuda:0", pytest.fail)
    second = take_slot("cuda:1", pytest.fail)
    assert first and second
    assert take_slot("cpu", pytest.fail) is None
    assert take_slot("cpu", pytest.fail) is None


@pytest.mark.parametrize(
    ("device", "visible", "named"),
    [
        ("cuda", None, "cuda:0"),
        ("cuda:1", None, "cuda:1"),
        ("cuda", "3", "cuda:3"),
        ("cuda:1", "2,5", "cuda:5"),
        ("cuda:1", "2, 5", "cuda:5"),
        ("cpu", "2", "cpu"),
    ],
)
def test_a_gpu_is_known_by_its_number_in_the_machine(
    device: str, visible: str | None, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert named_device(device) == named


def test_a_gpu_that_is_kept_out_of_sight_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    for asked in (named_device, _confine):
        with pytest.raises(WorkshopError, match="cuda:2 was asked for, but CUDA_VISIBLE_DEVICES=2,5 hides it"):
            asked("cuda:2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert (_confine("cuda:0"), os.environ["CUDA_VISIBLE_DEVICES"]) == ("cuda", "")


def test_where_locks_cannot_be_had_a_gpu_is_refused_in_one_sentence_and_nobody_is_kept_out_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FOLEY_SLOTS", str(tmp_path / "file" / "slots"))
    with pytest.raises(WorkshopError, match=r"file.* cannot be locked \(.*\): name a folder with FOLEY_SLOTS"):
        take_slot("cuda:0", pytest.fail)
    with alone_in(tmp_path):
        pass


def test_a_slot_that_cannot_be_locked_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cuda-0.lock").mkdir()
    with pytest.raises(WorkshopError, match=r"cuda-0.lock cannot be locked \(.*\): name a folder with FOLEY_SLOTS"):
        take_slot("cuda:0", pytest.fail)
