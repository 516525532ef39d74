"""A real studio of a test's own, on a free port and in a folder of its own, and its API without Prefect's client."""

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

from flows.server.loopback import free_port
from tests.support.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).resolve().parents[2]


class StudioUnderTest:
    """`foley studio up` in a process, and the same command line for everything else."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.port = free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "FOLEY_"))},
            "FOLEY_STUDIO": str(self.home),
            "FOLEY_STORE": str(folder / "store"),
            "PYTHONPATH": str(ROOT),
            "CUDA_VISIBLE_DEVICES": "",
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None

    def up(self, *options: str) -> None:
        """Start it and wait until it says that it is up."""
        self.up_by("up", "--port", str(self.port), *options)

    def up_by(self, *command: str) -> None:
        """Start a command of `foley studio` that stays, and wait until it says that it is up."""
        self.process = self._start("studio", *command)
        log = self.folder / "up.log"
        wait_until(lambda: "is up:" in log.read_text() or self.process.poll() is not None)  # type: ignore[union-attr]
        assert self.process.poll() is None, log.read_text()

    def said(self) -> str:
        """Everything that `foley studio up` has said so far."""
        return (self.folder / "up.log").read_text(encoding="utf-8")

    def foley(self, *arguments: str, expect: int = 0, stdin: str = "") -> str:
        """Run another command of the same studio; what it printed, or complained when it was to fail."""
        done = subprocess.run(
            [sys.executable, "-m", "plugin.cli", *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.folder,
            input=stdin,
            timeout=PATIENCE_S,
        )
        assert done.returncode == expect, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if expect == 0 else done.stderr

    def foley_json(self, *arguments: str) -> Any:
        """The document a command prints with --json."""
        return json.loads(self.foley(*arguments, "--json"))

    def credentials(self) -> str:
        return (self.home / "password").read_text().strip()

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server; the decoded answer. A server that is just starting again is waited for."""
        answer: list[Any] = []

        def ask() -> bool:
            with_body = None if body is None else json.dumps(body).encode()
            status, text = self.request(method, path, with_body, self.credentials())
            if status in (None, 503):
                return False
            assert status is not None and status < 300, (status, text)
            answer.append(json.loads(text) if text else None)
            return True

        wait_until(ask)
        return answer[0]

    def request(self, method: str, path: str, body: bytes | None, credentials: str) -> tuple[int | None, str]:
        """One HTTP request; (None, "") when nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api{path}", body, method=method)
        request.add_header("Content-Type", "application/json")
        if credentials:
            request.add_header("Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return None, ""

    def begin_waiting_run(self, folder: Path) -> str:
        """Begin a run of the waiting flow as a pass of the studio; its id."""
        folder.mkdir(parents=True, exist_ok=True)
        flow = self.api("POST", "/flows/", {"name": "foley-pass"})
        deployment = {
            "name": "waiting",
            "flow_id": flow["id"],
            "entrypoint": "tests.support.waiting_flow.waiting",
            "work_pool_name": "foley-passes",
            "tags": ["foley-studio"],
            "enforce_parameter_schema": False,
        }
        deployed = self.api("POST", "/deployments/", deployment)
        parameters = {"parameters": {"folder": str(folder)}, "state": {"type": "SCHEDULED"}}
        return str(self.api("POST", f"/deployments/{deployed['id']}/create_flow_run", parameters)["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"/flow_runs/{run_id}")
        return found

    def wait_for_state(self, run_id: str, *names: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until the run's state has one of these names."""
        wait_until(lambda: self.run(run_id)["state_name"] in names, f"run {run_id}", patience_s)
        return self.run(run_id)

    def states_of(self, run_id: str) -> list[str]:
        """The names of all states a run has had, in order."""
        return [state["name"] for state in self.api("GET", f"/flow_run_states/?flow_run_id={run_id}")]

    def processes(self) -> dict[int, str]:
        """Every process that belongs to this studio, by what its environment says, with its command line."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes()
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if f"FOLEY_STUDIO={self.home}".encode() in environment and command:
                found[int(process.name)] = command
        return found

    def pid_of(self, *words: str) -> int:
        """The process whose command line holds all these words."""
        (pid,) = [pid for pid, line in self.processes().items() if all(word in line for word in words)]
        return pid

    def end(self) -> None:
        """Whatever happened, leave nothing behind."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)

    def _start(self, *arguments: str) -> "subprocess.Popen[str]":
        with (self.folder / "up.log").open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "plugin.cli", *arguments],
                stderr=log,
                stdout=log,
                text=True,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
            )


@contextmanager
def studio_in(folder: Path, *options: str, **environment: str) -> Iterator[StudioUnderTest]:
    """A studio that is up, for as long as the context lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    studio = StudioUnderTest(folder, **environment)
    try:
        studio.up(*options)
        yield studio
    finally:
        studio.end()


def begun(folder: Path) -> list[int]:
    """The processes in which a waiting run has begun so far."""
    file = folder / "begun"
    return [int(line.split()[0]) for line in file.read_text().splitlines()] if file.exists() else []


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that keeps what is posted to it: its URL, and what came so far."""
    came: list[dict[str, str]] = []

    class Post(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Post)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", came
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def mail_server() -> Iterator[tuple[str, list[str]]]:
    """An SMTP server that keeps the mails it gets: its URL, and the mails so far."""
    mails: list[str] = []

    class Session(StreamRequestHandler):
        def handle(self) -> None:
            self._answer("220 ready")
            while line := self.rfile.readline().decode().strip():
                word = line.split()[0].upper()
                if word == "DATA":
                    self._answer("354 go on")
                    mails.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                self._answer("221 bye" if word == "QUIT" else "250 ok")

        def _answer(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = ThreadingTCPServer(("127.0.0.1", 0), Session)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"smtp://127.0.0.1:{server.server_address[1]}", mails
    finally:
        server.shutdown()
        server.server_close()
