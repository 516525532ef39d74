"""A server for one pass: found out at once when it does not start."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from flows.errors import ConductorError
from flows.server import private_server
from flows.server.prefect_env import QUIET_DEFAULTS

ROOT = Path(__file__).parents[2]
ANSWERS = """
import http.server, sys
class Ok(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *args): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ok).serve_forever()
"""


def start_with(code: str, monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int, complaints: IO[bytes]) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen([sys.executable, "-c", code, str(port)], stderr=complaints))
        return started[-1]

    monkeypatch.setattr(private_server, "_start", start)
    monkeypatch.setattr(private_server, "_SERVER", private_server._PrivateServer())
    return started


def test_it_is_started_once_and_again_when_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    started = start_with(ANSWERS, monkeypatch)
    try:
        first = private_server.private_api_url()
        assert first == private_server.private_api_url()
        assert first.startswith("http://127.0.0.1:")
        started[0].kill()
        started[0].wait()
        private_server.private_api_url()
        assert len(started) == 2
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_its_last_words_are_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    start_with("raise SystemExit('the database is locked')", monkeypatch)
    with pytest.raises(ConductorError, match=r"the database is locked.*foley doctor"):
        private_server.private_api_url()


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    started = start_with("import time; time.sleep(3600)", monkeypatch)
    monkeypatch.setattr(private_server, "_PATIENCE_S", 0.3)
    with pytest.raises(ConductorError, match="no answer"):
        private_server.private_api_url()
    started[0].kill()
    started[0].wait()


def test_the_error_in_its_last_words_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    start_with("import sys; print('KeyError: 4', file=sys.stderr); sys.exit('Exiting.')", monkeypatch)
    with pytest.raises(ConductorError, match=r"did not start \(KeyError: 4\)"):
        private_server.private_api_url()


@pytest.mark.steady
def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_text("this is no database")
    done = _ask_for_a_server(tmp_path)
    _, told = done.communicate()
    assert done.returncode and b"file is not a database" in told.splitlines()[-1]


@pytest.mark.steady
def test_two_that_start_at_once_on_a_new_home_both_get_one(tmp_path: Path) -> None:
    asking = [_ask_for_a_server(tmp_path / "new") for _ in range(2)]
    answers = [process.communicate() for process in asking]
    assert [process.returncode for process in asking] == [0, 0], answers
    assert all(told.startswith(b"http://127.0.0.1:") for told, _ in answers)


def _ask_for_a_server(home: Path) -> "subprocess.Popen[bytes]":
    code = "from flows.server.private_server import private_api_url; print(private_api_url())"
    environment = os.environ | QUIET_DEFAULTS | {"PREFECT_HOME": str(home)}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe, env=environment, cwd=ROOT)
