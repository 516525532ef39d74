"""The workers of a Dask cluster as a workshop: `dask worker tcp://host:8786 --resources "foley=1" --nthreads 3`.

Every worker needs this program, the media and the store at the same paths. Each loads the model once and keeps it; a
worker that dies takes nothing along, its work goes to another.
"""

import gc
import logging
import threading
import time
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import cache
from typing import Any, NoReturn

from flows.errors import EngineLostError, SettingError, WorkshopError
from flows.work.engine import Build, Studio, current_build, resident, set_build
from flows.work.engine_process import is_the_end
from flows.work.hands import Hands
from flows.work.workshop import LISTENERS, MAKERS, WORK, Closed, Tell, hands_for_work, never

_RESOURCE = "foley"
_CONNECT_S = 10
_LOOK_EVERY_S, _LOADED_EVERY_S = 1.0, 0.2
# A nanny needs some seconds to start a worker again.
_NOBODY_S = 120.0
# As long as an answer is on its way at most.
_LEAVE_AFTER_S = 1.0
# On a worker: nothing works on its device any more.
_LEAVING = threading.Event()


class DaskWorkshop:
    """Works on the workers that a Dask scheduler has when the pass begins."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: Any = None
        self._opening = threading.Lock()
        self._studio: Studio | None = None
        self._open: set[Future[Any]] = set()
        self.listeners, self.makers = LISTENERS, MAKERS

    def open(self, studio: Studio, tell: Tell, *, closed: Closed = never) -> None:
        """Connect, and have every worker load the engine. Raises WorkshopError when nobody answers."""
        with self._opening:
            if self._studio != studio:
                self._load(studio, tell)
                self._studio = studio

    def _load(self, studio: Studio, tell: Tell) -> None:
        if self._client is None:
            self._client = _connect(self._address)
            threading.Thread(target=self._watch, args=(self._client,), name="foley-dask", daemon=True).start()
        workers = self._workers()
        if not workers:
            raise WorkshopError(f"the Dask scheduler at {self._address} has no workers: start some with `dask worker`")
        self.listeners, self.makers = LISTENERS * len(workers), MAKERS * len(workers)
        self._one_at_a_time = all(_RESOURCE in worker["resources"] for worker in workers.values())
        # As work, not with `run`: that would keep the worker from saying that it is alive while it loads.
        loading = {
            address: self._client.submit(load, studio, current_build(), workers=[address], pure=False)
            for address in workers
        }
        if not self._wait_for(loading, tell):
            raise WorkshopError(f"every worker of the Dask scheduler at {self._address} died while it loaded the model")

    def _wait_for(self, loading: dict[str, Any], tell: Tell) -> int:
        """Wait until every worker has loaded the engine or is gone; how many have."""
        loaded = 0
        while loading:
            there = self._workers()
            if any(far.cancelled() for far in loading.values()):
                raise WorkshopError(self._gone())
            for address, far in list(loading.items()):
                if far.done():
                    tell(f"model loaded on {address} in {far.result():.0f} s")
                    loaded += 1
                elif address not in there:
                    # Bound to that worker, Dask would keep it for ever.
                    far.cancel()
                    tell(f"the worker process {address} died while it loaded the model")
                else:
                    continue
                del loading[address]
            time.sleep(_LOADED_EVERY_S if loading else 0)
        return loaded

    def _workers(self) -> dict[str, Any]:
        found: dict[str, Any] | None = self._client.scheduler_info(n_workers=-1).get("workers")
        if found is None:
            raise WorkshopError(self._gone())
        return found

    def close(self) -> None:
        """Leave the cluster as it was."""
        if self._client is not None:
            self._client.close()
        self._client = self._studio = None

    def submit(self, kind: str, argument: Any, limit_s: float) -> Future[Any]:
        """Have it done on any worker; a batch on one that makes nothing else."""
        resources = {_RESOURCE: 1} if kind == "make" and self._one_at_a_time else {}
        work = (kind, argument, self._studio, current_build(), limit_s)
        near: Future[Any] = Future()
        self._open.add(near)
        near.add_done_callback(self._open.discard)
        if self._client.status == "closed":
            raise WorkshopError(self._gone())
        # Retries are the loop's business; a lost worker's work is moved by Dask itself.
        far = self._client.submit(work_there, *work, pure=False, resources=resources)
        far.add_done_callback(lambda done: _hand_over(done, near))
        return near

    def _watch(self, client: Any) -> None:
        """Answer for everything that is open when the scheduler is gone: Dask's own futures would never come back."""
        seen = time.monotonic()
        while client.status != "closed" and client is self._client:
            time.sleep(_LOOK_EVERY_S)
            if self._somebody_works():
                seen = time.monotonic()
            elif time.monotonic() - seen >= _NOBODY_S:
                self._answer_for_all(
                    f"no worker is left at {self._address}: start some with `dask worker`, and run again to go on"
                )
        self._answer_for_all(self._gone())

    def _somebody_works(self) -> bool:
        try:
            return bool(self._workers())
        except Exception:  # the client says by itself when the scheduler is gone
            return True

    def _answer_for_all(self, why: str) -> None:
        for near in list(self._open):
            _settle(near, error=WorkshopError(why))

    def _gone(self) -> str:
        return f"the Dask scheduler at {self._address} is gone: start it again, and run again to go on from here"


def load(studio: Studio, build: Build) -> float:
    """On a worker: load the engine; how long it took in seconds."""
    started = time.monotonic()
    _engine_there(studio, build)
    return time.monotonic() - started


def work_there(kind: str, argument: Any, studio: Studio, build: Build, limit_s: float) -> Any:
    """On a worker: do it, within the limit."""
    if _LEAVING.is_set():
        _pass_on()
    _engine_there(studio, build)
    try:
        return _hands()[kind].submit(WORK[kind][0], argument, studio, limit_s=limit_s).result()
    except Exception as error:
        if is_the_end(error, kind):
            _leave()
        raise


def _leave() -> None:
    """Let this worker end as soon as its answer is gone; where it has a nanny, that starts another."""
    from distributed import get_worker

    _LEAVING.set()
    worker = get_worker()
    worker.loop.add_callback(worker.loop.call_later, _LEAVE_AFTER_S, worker.close_gracefully, restart=True)


def _pass_on() -> NoReturn:
    """Have the scheduler give this work to another worker."""
    from distributed import Reschedule

    time.sleep(_LEAVE_AFTER_S / 10)
    raise Reschedule


@cache
def _hands() -> dict[str, Hands]:
    return hands_for_work()


def _engine_there(studio: Studio, build: Build) -> None:
    if current_build() != build:
        set_build(build)
    resident(studio)


def _hand_over(done: Any, near: Future[Any]) -> None:
    try:
        if done.status == "finished":
            return _settle(near, result=done.result())
        error = done.exception() if done.status == "error" else None
    except Exception as lost:
        # It was done, and died with its result before that came here.
        error = EngineLostError(f"a Dask worker was lost with what it had done ({lost})")
    if error is None or type(error).__name__ == "KilledWorker":
        error = EngineLostError(f"the Dask workers that worked on it died ({error or done.status})")
    _settle(near, error=error)


def _settle(near: Future[Any], *, result: Any = None, error: Exception | None = None) -> None:
    with suppress(InvalidStateError):
        near.set_exception(error) if error else near.set_result(result)


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise SettingError("--dask needs Dask: install it with `pip install 'smooth-foley[dask]'`") from error
    # What goes wrong there is told in our words; Dask would add pages.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        return Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError):
        pass
    # What is left of that client closes itself when it is collected; in the middle of making another it would lock up.
    gc.collect()
    raise WorkshopError(f"no Dask scheduler answers at {address}: start `dask scheduler` there")
