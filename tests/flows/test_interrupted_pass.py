"""Passes in processes of their own that are stopped or killed: slow, because each starts Prefect for real."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.passes import Cut
from tests.support.waiting import PATIENCE_S, wait_until

HOME = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys, time
from tests.support import passes
import flows.work.engine, flows.planning.plan
from plugin.cli import main

class Slow(passes.FakeEngine):
    def make(self, requests, on_take):
        made = []
        for request in requests:
            time.sleep(0.5)
            made.append(self._tone(request))
            print("MADE", request.seed, flush=True)
            on_take(made[-1])
        return made

flows.planning.plan.find_model = lambda name: passes.made_up_card()
flows.work.engine._RESIDENCE.build = Slow().build
main(sys.argv[1:])
"""


@pytest.fixture
def start(movie: Callable[[str], Path], edit_of: Callable[..., Path], tmp_path: Path) -> Callable[..., "Started"]:
    edit = edit_of(*(Cut(name=f"train {n}", media=movie("a.mp4"), first=n) for n in range(20)))

    def begin(*options: str) -> Started:
        arguments = ["run", str(edit), "--store", str(tmp_path / "store"), "--no-preview", *options]
        return Started(arguments, tmp_path)

    return begin


class Started:
    """A pass that is going on, with Ctrl-C reaching its whole process group, as in a terminal."""

    def __init__(self, arguments: list[str], home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=HOME,
            env=os.environ | {"PREFECT_HOME": str(home / "prefect")},
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def after_takes(self, count: int) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            count -= line.startswith("MADE")
            if not count:
                return

    def send(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err


@pytest.mark.slow
@pytest.mark.parametrize("how", ["--prefect", "--no-prefect"])
def test_ctrl_c_ends_soon_and_the_next_pass_goes_on(how: str, start: Callable[..., Started]) -> None:
    first = start(how)
    first.after_takes(3)
    first.send(signal.SIGINT)
    code, out, err = first.ended()
    assert code == 130
    assert "Traceback" not in err
    assert "goes on from here" in err
    made = 3 + out.count("MADE")
    assert made < 20
    code, out, _ = start(how).ended()
    assert code == 0
    assert out.count("MADE") == 20 - made


@pytest.mark.slow
def test_a_killed_pass_leaves_no_orphan_and_makes_nothing_twice(start: Callable[..., Started], tmp_path: Path) -> None:
    first = start("--prefect")
    first.after_takes(5)
    first.send(signal.SIGKILL)
    first.ended()
    code, out, _ = start("--no-prefect").ended()
    assert code == 0
    assert 14 <= out.count("MADE") <= 15
    wait_until(lambda: not _servers_of(tmp_path), "the end of its server")


def _servers_of(home: Path) -> list[str]:
    """The server processes that keep their database in this test's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            environ = (process / "environ").read_bytes()
        except OSError:
            continue
        if b"flows.server.server_process" in command and str(home).encode() in environ:
            found.append(process.name)
    return found
