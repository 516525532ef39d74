"""Processes that are kept alive, and that leave with who keeps them."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flows.errors import StudioError
from flows.studio.children import Child, ChildPlan, end_all
from tests.support.waiting import PATIENCE_S, wait_until


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module `kept` for children to run."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "kept.py"


def plan(tmp_path: Path, *arguments: str, imports: tuple[str, ...] = ()) -> ChildPlan:
    return ChildPlan(
        name="a worker",
        module="kept",
        arguments=arguments,
        environment=dict(os.environ),
        log=tmp_path / "kept.log",
        imports=imports,
    )


def test_one_that_dies_is_started_again_later_and_later(module: Path, tmp_path: Path) -> None:
    module.write_text("raise SystemExit('the pool is gone')\n")
    clock = Clock()
    said: list[str] = []
    starts: list[float] = []
    child = Child(plan(tmp_path), clock)
    child.start()
    for _ in range(3):
        wait_until(lambda: child.ended() is not None)
        child.step(said.append)
        begun = clock.now
        first = child.pid
        while child.pid == first:
            clock.now += 0.5
            child.step(said.append)
        starts.append(clock.now - begun)
    assert starts == [1.0, 2.0, 4.0]
    assert said[0] == f"a worker ended (exit code 1), starting it again; see {tmp_path / 'kept.log'}"
    wait_until(lambda: child.ended() is not None)
    assert child.last_words() == "the pool is gone"


def test_its_last_words_are_the_error_it_told_and_no_older_one(module: Path, tmp_path: Path) -> None:
    (tmp_path / "kept.log").write_text("OSError: of yesterday\n")
    child = Child(plan(tmp_path))
    for code, words in (
        ("print('  File x\\nConnectionRefusedError: [Errno 111] refused\\n\\nServer stopped!')", "refused"),
        ("print('ValueError: no port: hidden\\nServer stopped!')", "Server stopped!"),
        ("", "it said nothing"),
    ):
        module.write_text(f"{code}\n")
        child.start()
        wait_until(lambda: child.ended() is not None)
        assert child.last_words().endswith(words)


def test_one_that_lived_long_is_started_again_at_once(module: Path, tmp_path: Path) -> None:
    module.write_text("raise SystemExit(3)\n")
    clock = Clock()
    said: list[str] = []
    child = Child(plan(tmp_path), clock)
    for _ in range(3):
        child.start()
        wait_until(lambda: child.ended() is not None)
        child.step(said.append)
    child.start()
    wait_until(lambda: child.ended() is not None)
    clock.now += 61
    child.step(said.append)
    clock.now += 1
    first = child.pid
    child.step(said.append)
    assert child.pid != first


def test_one_that_cannot_be_started_for_a_while_is_tried_again(module: Path, tmp_path: Path) -> None:
    module.write_text("raise SystemExit(3)\n")
    (tmp_path / "logs").mkdir()
    clock = Clock()
    said: list[str] = []
    child = Child(replace(plan(tmp_path), log=tmp_path / "logs" / "kept.log"), clock)
    child.start()
    wait_until(lambda: child.ended() is not None)
    assert child.step(said.append)
    shutil.rmtree(tmp_path / "logs")
    clock.now += 1
    assert not child.step(said.append)
    assert said[-1].startswith("a worker cannot be started ([Errno 2]")
    (tmp_path / "logs").mkdir()
    clock.now += 1
    child.step(said.append)
    assert len(said) == 2
    first = child.pid
    clock.now += 1
    child.step(said.append)
    assert child.pid != first


def test_one_that_cannot_be_started_at_first_is_one_sentence(tmp_path: Path) -> None:
    child = Child(replace(plan(tmp_path), log=tmp_path / "nowhere" / "kept.log"))
    with pytest.raises(StudioError, match="a worker cannot be started"):
        child.start()
    assert child.ended() is None


def test_all_end_when_asked_and_a_deaf_one_is_killed(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.studio.children._ENDS_WITHIN_S", PATIENCE_S)
    late = Clock()
    late.now += PATIENCE_S
    module.write_text(
        "import signal, sys, time\n"
        "if sys.argv[1] == 'deaf': signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\ntime.sleep(3600)\n"
    )
    # On the clock of the deaf one the time to end is over at once.
    children = [Child(plan(tmp_path, "good"), Clock()), Child(plan(tmp_path, "deaf"), late)]
    for child in children:
        child.start()
    wait_until(lambda: (tmp_path / "kept.log").read_text().count("up") == 2)
    end_all(children, Clock())
    assert [child.ended() for child in children] == [-signal.SIGTERM, -signal.SIGKILL]


def test_the_log_is_private_and_does_not_grow_for_ever(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.studio.children._LOG_LIMIT", 10)
    module.write_text("print('a line that is longer than ten letters')\n")
    child = Child(plan(tmp_path))
    for _ in range(2):
        child.start()
        wait_until(lambda: child.ended() is not None)
    log = tmp_path / "kept.log"
    assert log.read_text().count("line") == 1
    assert log.with_suffix(".old.log").read_text().count("line") == 1
    assert log.stat().st_mode & 0o777 == 0o600


def test_the_imports_come_first(module: Path, tmp_path: Path) -> None:
    (tmp_path / "before.py").write_text("print('before')\n")
    module.write_text("import sys\nprint(sys.argv[1:], __name__)\n")
    child = Child(plan(tmp_path, "--port", "1", imports=("before",)))
    child.start()
    wait_until(lambda: child.ended() is not None)
    assert (tmp_path / "kept.log").read_text() == "before\n['--port', '1'] __main__\n"


def test_a_child_leaves_when_its_keeper_is_killed(module: Path, tmp_path: Path) -> None:
    module.write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(3600)\n")
    keeper = """
import os, sys, time
from pathlib import Path
from flows.studio.children import Child, ChildPlan
log = Path(sys.argv[1])
child = Child(ChildPlan(name="a", module="kept", arguments=(), environment=dict(os.environ), log=log))
child.start()
time.sleep(3600)
"""
    root = str(Path(__file__).resolve().parents[2])
    env = os.environ | {"PYTHONPATH": os.pathsep.join([root, str(tmp_path)])}
    process = subprocess.Popen([sys.executable, "-c", keeper, str(tmp_path / "kept.log")], env=env)
    log = tmp_path / "kept.log"
    wait_until(lambda: log.exists() and log.read_text().endswith("\n"))
    pid = int(log.read_text())
    process.kill()
    process.wait()
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
