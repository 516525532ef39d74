"""`foley studio up`: one process that starts a studio, keeps it alive and ends it. It loads neither Prefect nor torch.

    foley studio up ─┬─ prefect server       (one process, SQLite or the database that is named)
                     ├─ papers               shows what passes wrote, on the next port
                     ├─ prefect worker       pool foley-passes, one pass at a time, GPU 0
                     ├─ prefect worker       pool foley-passes, one pass at a time, GPU 1 ...
                     └─ prefect worker       pool foley-nights, for whole nights

A child that dies is started again. When `foley studio up` itself dies, even by kill -9, all of them leave: a worker
left alone would sit on its GPU beside the one that the next `foley studio up` starts. The pass it was at loses the
takes in hand; the next `foley studio up` takes it up again.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

from flows.errors import StudioError
from flows.studio.api import Api
from flows.studio.children import Child, ChildPlan, Say, end_all
from flows.studio.environment import (
    checked_database,
    common_environment,
    papers_environment,
    server_environment,
    without_password,
    worker_environment,
)
from flows.studio.home import Running, StudioHome
from flows.studio.pools import WorkerPlan, gpus, worker_plans
from flows.studio.reach import answers, require_entry, require_free
from flows.studio.watch import NightWatch

# What passes wrote is shown on the port after the server's, to this machine alone.
_PAPERS_HOST = "127.0.0.1"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
# The first start makes a database: seconds on a quiet machine, minutes on a busy one.
_PATIENCE_S = 300.0
_STEP_S = 0.25
_ENDS_WITHIN_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person may say about a studio. `address` is the name other machines know this one by."""

    host: str = "127.0.0.1"
    port: int = 4200
    address: str | None = None
    open_to_network: bool = False
    database: str | None = None
    workers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioPlan:
    """Everything that is to run, worked out before anything is started."""

    host: str
    port: int
    api_url: str
    ui_url: str
    database: str
    server: ChildPlan
    papers: ChildPlan
    preparation: ChildPlan
    workers: tuple[ChildPlan, ...]


def up(home: StudioHome, wishes: Wishes, say: Say) -> None:
    """Run the studio until this process is told to stop. Raises StudioError when it cannot start."""
    _require_meant(wishes)
    with home.held(), _told_to_stop() as stop:
        plan = studio_plan(home, wishes)
        require_free(plan.host, plan.port)
        require_free(_PAPERS_HOST, plan.port + 1)
        server, papers = Child(plan.server), Child(plan.papers)
        workers = [Child(worker) for worker in plan.workers]
        watch = NightWatch(Api(plan.api_url, home.credentials()))
        try:
            say(f"starting the server, its words go to {plan.server.log}")
            _start_server(server, plan, stop)
            _prepare(Child(plan.preparation), stop)
            papers.start()
            _start_workers(workers, _running(plan), home, say)
            watch.begin()
            _keep([server, papers, *workers], stop, say, watch.worker_died)
        finally:
            watch.end()
            say("stopping")
            end_all(workers)
            end_all([server, papers])


def join(home: StudioHome, api_url: str, wishes: Wishes, say: Say) -> None:
    """Run this machine's workers for a studio whose server is elsewhere, until told to stop.

    Raises StudioError when the server does not let us in.
    """
    require_entry(api_url, home.credentials())
    ui_url = api_url.removesuffix("/api")
    with home.held(), _told_to_stop() as stop:
        common = common_environment(home.prefect, api_url, ui_url, home.credentials())
        workers = [Child(plan) for plan in _worker_children(home, wishes, common, nights=False)]
        names = tuple(worker.plan.name for worker in workers)
        running = Running(pid=os.getpid(), api_url=api_url, ui_url=ui_url, database="", workers=names, since=_now())
        try:
            _start_workers(workers, running, home, say)
            _keep(workers, stop, say, lambda name: None)
        finally:
            say("stopping")
            end_all(workers)


def down(home: StudioHome) -> Running:
    """End the studio of this folder and wait for it. Raises StudioError when none runs, or when it does not end."""
    running = home.require_running()
    os.kill(running.pid, signal.SIGTERM)
    give_up_at = time.monotonic() + _ENDS_WITHIN_S
    while home.is_held():
        if time.monotonic() > give_up_at:
            raise StudioError(f"the studio (process {running.pid}) has not ended in {_ENDS_WITHIN_S:.0f} s: look at it")
        time.sleep(_STEP_S)
    return running


def studio_plan(home: StudioHome, wishes: Wishes) -> StudioPlan:
    """What is to run. Raises StudioError for a database or a number of workers that cannot be."""
    local = f"http://{_in_url(_EVERYWHERE.get(wishes.host, wishes.host))}:{wishes.port}"
    ui_url = f"http://{_in_url(_public_name(wishes))}:{wishes.port}"
    database = checked_database(wishes.database, home.prefect)
    papers = papers_environment(f"http://{_PAPERS_HOST}:{wishes.port + 1}", home.papers)
    common = common_environment(home.prefect, f"{local}/api", ui_url, home.credentials()) | papers
    return StudioPlan(
        host=wishes.host,
        port=wishes.port,
        api_url=f"{local}/api",
        ui_url=ui_url,
        database=without_password(database),
        server=ChildPlan(
            name="the server",
            module="prefect",
            arguments=("server", "start", "--host", wishes.host, "--port", str(wishes.port)),
            environment=server_environment(common, ui_url, local, database),
            log=home.logs / "server.log",
            # The server sends the mails, so it must know what a mail is.
            imports=("flows.studio.mail",),
        ),
        papers=ChildPlan(
            name="the papers' server",
            module="flows.watching.papers",
            arguments=("--port", str(wishes.port + 1), "--home", str(home.papers)),
            environment=common,
            log=home.logs / "papers.log",
        ),
        preparation=ChildPlan(
            name="the preparation",
            module="flows.studio.prepare",
            arguments=(_machine(),),
            environment=common,
            log=home.logs / "prepare.log",
        ),
        workers=tuple(_worker_children(home, wishes, common, nights=True)),
    )


def _worker_children(home: StudioHome, wishes: Wishes, common: dict[str, str], *, nights: bool) -> Iterator[ChildPlan]:
    for worker in worker_plans(_machine(), gpus(os.environ), wishes.workers, nights=nights):
        yield ChildPlan(
            name=worker.name,
            module="prefect",
            arguments=_worker_arguments(worker),
            environment=worker_environment(common, worker.device),
            log=home.logs / f"{worker.name}.log",
        )


def _worker_arguments(worker: WorkerPlan) -> tuple[str, ...]:
    start = ("worker", "start", "--type", "process", "--install-policy", "never")
    return (*start, "--pool", worker.pool, "--name", worker.name, "--limit", str(worker.limit))


def _start_server(server: Child, plan: StudioPlan, stop: threading.Event) -> None:
    server.start()
    give_up_at = time.monotonic() + _PATIENCE_S
    while not answers(plan.api_url):
        if server.ended() is not None or time.monotonic() > give_up_at:
            raise StudioError(f"Prefect's server did not start ({server.last_words()}): see {plan.server.log}")
        _pause(stop)


def _prepare(preparation: Child, stop: threading.Event) -> None:
    preparation.start()
    try:
        while (code := preparation.ended()) is None:
            _pause(stop)
    finally:
        end_all([preparation])
    if code:
        raise StudioError(f"the studio could not be set up ({preparation.last_words()}): see {preparation.plan.log}")


def _keep(children: Sequence[Child], stop: threading.Event, say: Say, on_death: Callable[[str], None]) -> None:
    """Until told to stop; `on_death` hears the name of a child that died."""
    while not stop.wait(_STEP_S):
        for child in children:
            if child.step(say):
                on_death(child.plan.name)


def _start_workers(workers: Sequence[Child], running: Running, home: StudioHome, say: Say) -> None:
    for worker in workers:
        worker.start()
    home.announce(running)
    say(f"the studio is up: {running.ui_url} (its password: `foley studio password`), {len(workers)} workers")


class _Stopped(SystemExit):
    """Told to stop before everything was up."""


def _pause(stop: threading.Event) -> None:
    if stop.wait(_STEP_S):
        raise _Stopped(0)


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM and a closed terminal set."""
    stop = threading.Event()

    def told(number: int, frame: FrameType | None) -> None:
        stop.set()

    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else [])]
    before = {number: signal.signal(number, told) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_meant(wishes: Wishes) -> None:
    if wishes.host not in LOOPBACK and not wishes.open_to_network:
        raise StudioError(
            f"--host {wishes.host} lets other machines reach this studio, protected by its password alone: add "
            "--open-to-network if that is meant"
        )
    if not 1 <= wishes.port <= 65535:
        raise StudioError(f"--port {wishes.port} is no port: choose one between 1024 and 65535")


def _public_name(wishes: Wishes) -> str:
    if wishes.address:
        return wishes.address
    return socket.getfqdn() if wishes.host in _EVERYWHERE else wishes.host


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _machine() -> str:
    """The machine's name, as workers are called."""
    return socket.gethostname().split(".")[0] or "here"


def _running(plan: StudioPlan) -> Running:
    return Running(
        pid=os.getpid(),
        api_url=plan.api_url,
        ui_url=plan.ui_url,
        database=plan.database,
        workers=tuple(worker.name for worker in plan.workers),
        since=_now(),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
