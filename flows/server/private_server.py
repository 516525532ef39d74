"""A Prefect server for one pass, where nobody runs one.

Prefect can start one by itself. That one gets the same Ctrl-C as the pass, so it is gone when the pass wants to report
its end; it is stopped at once, so it loses the end of the history; and it prints pages about both. Not so this one.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from typing import IO

from flows.errors import ConductorError
from flows.server.loopback import direct_opener, free_port
from flows.server.prefect_env import prefect_home
from flows.work.slots import alone_in

# The first start migrates a database: 16 s on a quiet machine, minutes on a busy one.
_PATIENCE_S = 300.0
_ASK_EVERY_S = 0.2
# The last line of a traceback.
_ERROR = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Warning|Interrupt): ")
_SERVER_SETTINGS = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}


class _PrivateServer:
    """At most one server for this process. It leaves when the process has ended, not before: Prefect's client sends the
    last of its history while the interpreter shuts down."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""

    def url(self) -> str:
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                self._url = self._started()
            return self._url

    def _started(self) -> str:
        # Two that make or migrate one database at the same time break each other.
        with alone_in(prefect_home()), tempfile.TemporaryFile() as complaints:
            port = free_port()
            self._process = _start(port, complaints)
            _wait_until_it_answers(f"http://127.0.0.1:{port}/api/health", self._process, complaints)
        return f"http://127.0.0.1:{port}/api"


_SERVER = _PrivateServer()


def private_api_url() -> str:
    """The URL of the API of this process's own server, which is started when it is first asked for.

    Raises ConductorError when it does not start.
    """
    return _SERVER.url()


def _start(port: int, complaints: IO[bytes]) -> "subprocess.Popen[bytes]":
    # -P: the folder it is started in must not go on the path.
    # A session of its own: Ctrl-C in the terminal is for the pass, not for the server that records its end.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "flows.server.server_process", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        env=os.environ | _SERVER_SETTINGS,
        start_new_session=True,
    )


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]", complaints: IO[bytes]) -> None:
    give_up_at = time.monotonic() + _PATIENCE_S
    while not _answers(url):
        if process.poll() is not None:
            raise ConductorError(_not_started(_reason(complaints)))
        if time.monotonic() > give_up_at:
            raise ConductorError(_not_started(f"no answer in {_PATIENCE_S:.0f} s"))
        time.sleep(_ASK_EVERY_S)


def _answers(url: str) -> bool:
    try:
        with direct_opener().open(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _not_started(why: str) -> str:
    return f"Prefect's own server did not start ({why}): run `foley doctor`, or do without it with --no-prefect"


def _reason(complaints: IO[bytes]) -> str:
    """What the server died of: the last error it told, else its last words."""
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    errors = [line for line in lines if _ERROR.match(line)]
    return (errors or lines or ["it said nothing"])[-1]
