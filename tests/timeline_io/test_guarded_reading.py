"""An edit read in a process of its own: the same answers, and nothing that a bad file does reaches this one."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from functools import partialmethod
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.support.waiting import PATIENCE_S, wait_until
from timeline_io import guarded
from timeline_io.errors import EmptyEditError, SequenceChoiceError, UnreadableEditError, UnsupportedEditError
from timeline_io.guarded import list_sequences_guarded, read_edit_guarded
from timeline_io.media import MediaSearch
from timeline_io.read import read_edit

REPOSITORY = Path(__file__).parents[2]
# Takes the place of reading: the rest of the way there and back is the real one.
INSTEAD = "from timeline_io import guarded_child, read; {}; guarded_child.main(*job)"


def _child(monkeypatch: pytest.MonkeyPatch, reading: str) -> None:
    """Let the other process define `reading` as the function that reads."""
    code = f"def bad(*given):\n    {reading}"
    monkeypatch.setattr(guarded, "_RUN", INSTEAD.format(f"exec({code!r}); read.read_timeline = bad"))


@pytest.mark.parametrize("name", ["golden.otio", "golden.xml", "golden.fcpxml", "golden.edl", "small.xml"])
def test_the_edit_is_the_same(fixture_timelines: Path, name: str) -> None:
    path = fixture_timelines / name
    assert read_edit_guarded(path) == read_edit(path)


def test_media_is_looked_for_in_this_process(fixture_timelines: Path, tmp_path: Path) -> None:
    (tmp_path / "walk_01.mov").write_bytes(b"movie")
    # A function made here could not travel to another process.
    search = MediaSearch(roots=(tmp_path,), edit_folder=tmp_path / "x", probe=lambda path: pytest.fail(f"asked {path}"))
    edit = read_edit_guarded(fixture_timelines / "golden.otio", media=search)
    assert edit.shots[0].media == tmp_path / "walk_01.mov"


def test_errors_come_back_as_they_are(tmp_path: Path, fixture_timelines: Path) -> None:
    path = tmp_path / "cut.otio"
    with pytest.raises(UnreadableEditError, match="does not exist"):
        read_edit_guarded(path)
    path.write_text('{"OTIO_SCHEMA": "Clip.2"}')
    with pytest.raises(UnsupportedEditError, match="not a timeline"):
        read_edit_guarded(path)
    path.write_text('{"OTIO_SCHEMA": "SerializableCollection.1", "children": []}')
    with pytest.raises(EmptyEditError, match="without a timeline"):
        read_edit_guarded(path)
    with pytest.raises(SequenceChoiceError, match="--sequence") as caught:
        read_edit_guarded(fixture_timelines / "golden.otio", sequence="nowhere")
    assert caught.value.names == ("golden",)


def test_a_frame_rate_travels(fixture_timelines: Path) -> None:
    path = fixture_timelines / "golden.edl"
    assert read_edit_guarded(path, rate=Fraction(25)) == read_edit(path, rate=Fraction(25))
    assert read_edit_guarded(path, rate=Fraction(25)).rate == 25


def test_sequences_are_listed(fixture_timelines: Path) -> None:
    assert list_sequences_guarded(fixture_timelines / "golden.xml") == ("golden",)


def test_a_reader_without_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _child(monkeypatch, "import time; time.sleep(3600)")
    with pytest.raises(UnreadableEditError, match=r"cut\.otio cannot be read: it takes more than 0\.5 s"):
        read_edit_guarded(tmp_path / "cut.otio", seconds=0.5)


def test_what_an_ended_reader_put_aside_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "told"
    _child(
        monkeypatch,
        f"import tempfile, time; open({str(told)!r}, 'w').write(tempfile.mkdtemp()); time.sleep(3600)",
    )
    monkeypatch.setattr(subprocess.Popen, "communicate", partialmethod(_communicate_until, told))
    with pytest.raises(UnreadableEditError, match="takes more than"):
        read_edit_guarded(tmp_path / "cut.otio")
    assert told.read_text() and not Path(told.read_text()).exists()


def _communicate_until(
    process: subprocess.Popen[bytes], told: Path, job: bytes, timeout: float, communicate: Any = Popen.communicate
) -> tuple[bytes, bytes]:
    """Time is over once the process has told something, however long a busy machine needs for that."""
    with suppress(subprocess.TimeoutExpired):
        return communicate(process, job, 0.01)
    wait_until(lambda: told.is_file() and told.read_text(), "the other process")
    return communicate(process, timeout=0.01)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux holds to the limit of memory")
def test_a_reader_without_measure_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _child(monkeypatch, "bytearray(10**9)")
    with pytest.raises(UnreadableEditError, match="more than 500 MB of memory"):
        read_edit_guarded(tmp_path / "cut.otio", megabytes=500)


@pytest.mark.parametrize(
    ("reading", "complaint"),
    [
        ("import os; os.abort()", "broke down"),
        ("import os; os._exit(0)", "broke down"),
        ("raise ZeroDivisionError", "broke down"),
        ("return complex(1, 2)", "broke down"),
    ],
)
def test_a_reader_that_breaks_down_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reading: str, complaint: str
) -> None:
    _child(monkeypatch, reading)
    with pytest.raises(UnreadableEditError, match=complaint) as caught:
        read_edit_guarded(tmp_path / "cut.otio")
    assert "cut.otio" in str(caught.value) and "\n" not in str(caught.value)


def test_what_a_reader_prints_is_no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _child(monkeypatch, "import os; os.write(1, b'noise'); print('noise'); raise read.EmptyEditError('quiet')")
    with pytest.raises(EmptyEditError, match=r"^quiet$"):
        read_edit_guarded(tmp_path / "cut.otio")


@pytest.mark.parametrize("name", [b"os\nsystem", b"pathlib\nos.system", b"timeline_io.edit\ndataclass"])
def test_an_answer_builds_nothing_but_an_edit(name: bytes) -> None:
    # Protocol 4, which reaches through dots: the function of that name.
    with pytest.raises(pickle.UnpicklingError, match="no part of an edit"):
        guarded._Records(io.BytesIO(b"\x80\x04c" + name + b"\n.")).load()


@pytest.mark.steady
def test_from_threads_and_from_a_daemon_process(fixture_timelines: Path) -> None:
    path = fixture_timelines / "small.otio"
    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(read_edit_guarded, [path] * 3)) == {read_edit(path)}
    context = multiprocessing.get_context("spawn")
    # A daemon may not have children of multiprocessing's own kind.
    process = context.Process(target=read_edit_guarded, args=(path,), daemon=True)
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == 0


def test_reading_loads_none_of_the_heavy_libraries(fixture_timelines: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from timeline_io.guarded import read_edit_guarded; "
        f"read_edit_guarded(Path({str(fixture_timelines / 'small.xml')!r})); "
        "print([name for name in ('torch', 'numpy', 'opentimelineio', 'prefect') if name in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    told = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True, timeout=PATIENCE_S)
    assert told.strip() == "[]"


@pytest.mark.skipif(os.name == "nt", reason="signals are sent another way there")
def test_an_interrupt_leaves_no_process_behind(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    reading = f"import os, time, pathlib; pathlib.Path({str(told)!r}).write_text(str(os.getpid())); time.sleep(3600)"
    program = tmp_path / "program.py"
    program.write_text(
        # A shell lets its background jobs ignore interrupts, and so would this program.
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path\nfrom timeline_io import guarded\n"
        f"guarded._RUN = {reading!r}\nguarded.read_edit_guarded(Path('cut.otio'))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    parent = subprocess.Popen([sys.executable, program], env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: told.is_file() and told.read_text(), "the other process")
        child = int(told.read_text())
        # To the parent alone: a terminal would send it to both.
        parent.send_signal(signal.SIGINT)
        parent.wait(PATIENCE_S)
        wait_until(lambda: _is_gone(child), "its end")
    finally:
        parent.kill()
        parent.wait()


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
