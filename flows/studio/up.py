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
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType

from flows.errors import StudioError
from flows.studio.api import Api
from flows.studio.children import Child, Say, end_all
from flows.studio.environment import (
    common_environment,
)
from flows.studio.home import Running, StudioHome
from flows.studio.reach import answers, require_entry, require_free
from flows.studio.studio_plan import PAPERS_HOST, StudioPlan, Wishes, require_meant, studio_plan, worker_children
from flows.studio.watch import NightWatch

# The first start makes a database: seconds on a quiet machine, minutes on a busy one.
_PATIENCE_S = 300.0
_STEP_S = 0.25
_ENDS_WITHIN_S = 90.0


def up(home: StudioHome, wishes: Wishes, say: Say) -> None:
    """Run the studio until this process is told to stop. Raises StudioError when it cannot start."""
    require_meant(wishes)
    say = _whatever_happens(say)
    with home.held(), _told_to_stop() as stop:
        plan = studio_plan(home, wishes)
        require_free(plan.host, plan.port)
        require_free(PAPERS_HOST, plan.port + 1)
        server, papers = Child(plan.server), Child(plan.papers)
        workers = [Child(worker) for worker in plan.workers]
        watch = NightWatch(Api(plan.api_url, home.credentials()), say)
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


def join(home: StudioHome, api_url: str, credentials: str, wishes: Wishes, say: Say) -> None:
    """Run this machine's workers for a studio whose server is elsewhere, until told to stop. The password is kept.

    Raises StudioError when the server does not let us in; then nothing is kept.
    """
    require_entry(api_url, credentials)
    say = _whatever_happens(say)
    ui_url = api_url.removesuffix("/api")
    with home.held(), _told_to_stop() as stop:
        home.keep_credentials(credentials)
        common = common_environment(home.prefect, api_url, ui_url, credentials)
        workers = [Child(plan) for plan in worker_children(home, wishes, common, nights=False)]
        watch = NightWatch(Api(api_url, credentials), say, deaths_only=True)
        for worker in workers:
            if worker.plan.log.exists():  # it worked here before; whatever it had when that ended, it has no more
                watch.worker_died(worker.plan.name)
        names = tuple(worker.plan.name for worker in workers)
        running = Running(pid=os.getpid(), api_url=api_url, ui_url=ui_url, database="", workers=names, since=_now())
        try:
            _start_workers(workers, running, home, say)
            watch.begin()
            _keep(workers, stop, say, watch.worker_died)
        finally:
            watch.end()
            say("stopping")
            end_all(workers)


def down(home: StudioHome) -> Running:
    """End the studio of this folder and wait for it. Raises StudioError when none runs, or when it does not end."""
    running = home.require_running()
    if running.machine != platform.node():
        raise StudioError(f"the studio in {home.folder} runs on {running.machine}: end it there")
    with suppress(ProcessLookupError):  # it has just ended by itself
        os.kill(running.pid, signal.SIGTERM)
    give_up_at = time.monotonic() + _ENDS_WITHIN_S
    while home.is_held():
        if time.monotonic() > give_up_at:
            raise StudioError(f"the studio (process {running.pid}) has not ended in {_ENDS_WITHIN_S:.0f} s: look at it")
        time.sleep(_STEP_S)
    return running


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


def _whatever_happens(say: Say) -> Say:
    """Words that nobody can hear any more must not end a studio: its terminal may be gone, or the pipe it writes to."""

    def said(text: str) -> None:
        with suppress(OSError, SystemExit):
            say(text)

    return said


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


def _running(plan: StudioPlan) -> Running:
    return Running(
        pid=os.getpid(),
        api_url=plan.api_url,
        ui_url=plan.ui_url,
        papers_url=plan.papers_url,
        database=plan.database,
        workers=tuple(worker.name for worker in plan.workers),
        since=_now(),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
