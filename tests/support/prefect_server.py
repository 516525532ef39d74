"""A Prefect server as a studio runs it: a process with a home of its own, which can be killed and come back."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from flows.server.prefect_env import set_defaults

_PATIENCE_S = 180.0
# Without proxies: the server is this very machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class PrefectServer:
    """A server on one port, whose records lie in `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of its API."""
        return f"http://127.0.0.1:{self._port}/api"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to keep its records here."""
        set_defaults()
        return os.environ | {"PREFECT_HOME": str(self.home / "client"), "PREFECT_API_URL": self.url}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        set_defaults()
        env = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
        env |= {"PREFECT_HOME": str(self.home), "PREFECT_SERVER_UI_API_URL": self.url}
        command = [sys.executable, "-P", "-m", "prefect", "server", "start", "--host", "127.0.0.1"]
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self._port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                cwd=self.home,
                start_new_session=True,
            )
        give_up_at = time.monotonic() + _PATIENCE_S
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < give_up_at, "the server does not start"
            time.sleep(0.2)

    def kill(self) -> None:
        """kill -9, children and all."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def cpu_s(self) -> float:
        """Processor time it took so far, in seconds."""
        assert self._process
        family = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        return sum(sum(member.cpu_times()[:2]) for member in family)

    def ask(self, path: str, body: dict[str, Any]) -> Any:
        """What the API answers to a POST; asked again when the database is busy."""
        request = urllib.request.Request(
            f"{self.url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        for wait_s in (0.5, 1, 2, 4, None):
            try:
                with _OPENER.open(request, timeout=30) as reply:
                    return json.load(reply)
            except OSError:
                if wait_s is None:
                    raise
                time.sleep(wait_s)
        raise AssertionError

    def last_run(self) -> dict[str, Any]:
        """The flow run that began last."""
        runs: list[dict[str, Any]] = self.ask("flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 1})
        return runs[0]

    def task_runs(self, run_id: str, *, state: str | None = None) -> int:
        """How many task runs of a flow run are in its records, of all states or of one ("COMPLETED")."""
        wanted: dict[str, Any] = {"state": {"type": {"any_": [state]}}} if state else {}
        return int(self.ask("task_runs/count", {"flow_runs": {"id": {"any_": [run_id]}}, "task_runs": wanted}))

    def settle(self, run_id: str, *, expected: int, wait_s: float) -> int:
        """Completed task runs once they are `expected` or no more come in, at the latest after `wait_s` seconds."""
        give_up_at = time.monotonic() + wait_s
        while (done := self.task_runs(run_id, state="COMPLETED")) < expected and time.monotonic() < give_up_at:
            time.sleep(0.5)
        return done

    def _answers(self) -> bool:
        try:
            with _OPENER.open(f"{self.url}/health", timeout=2) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False


@contextmanager
def running_server(home: Path) -> Iterator[PrefectServer]:
    """A server that is gone at the end of the block."""
    server = PrefectServer(home)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
