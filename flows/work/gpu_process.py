"""One process per device, each with a resident engine of its own, and a supervisor that starts a dead one again.

A process that dies takes no pass with it: what it had in its hands raises EngineLostError, and the loop tries it again.
It ends when its supervisor does, however that ends. What goes on in it is in engine_process.py.

    supervisor   --(number, kind, arguments, limit)-->   process
                 <--("waits" | "ready" | "unfit" | "done" | "raised", ...)--
"""

import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from flows.errors import EngineAwayError, EngineKilledError, EngineLostError, TooLateError, WorkshopError
from flows.work.engine import Build, Studio
from flows.work.engine_process import is_the_end, serve
from flows.work.workshop import LISTENERS, MAKERS, Closed, Tell, never

# A process that dies so often before it has loaded its model will not load it the next time either.
_FALSE_STARTS = 3
_BREATH_S = 1.0
_LOOK_EVERY_S = 0.2


class ProcessWorkshop:
    """Works in one process per device."""

    def __init__(self, devices: Sequence[str], build: Build) -> None:
        self._devices = list(devices)
        self._build = build
        self._processes: list[_EngineProcess] = []
        self._opening = threading.Lock()
        self._studio: Studio | None = None
        if self._devices == ["cuda:all"]:
            self._devices = all_gpus()
        self.listeners, self.makers = LISTENERS * len(self._devices), MAKERS * len(self._devices)

    def open(self, studio: Studio, tell: Tell, *, closed: Closed = never) -> None:
        """Start the processes and wait until they are ready; one of them is enough to begin where the others have to
        wait for their GPU, or cannot be used."""
        with self._opening:
            if self._studio != studio:
                self._start(studio, tell, closed)
                self._studio = studio
            # Who warmed it up is not who hears how the pass goes.
            for process in self._processes:
                process.tell = tell

    def _start(self, studio: Studio, tell: Tell, closed: Closed) -> None:
        self.close()
        for device in self._devices:
            # One by one: where the next cannot be started, those before it are still known, and ended.
            self._processes.append(_EngineProcess(device, studio, self._build, tell))
        for process in self._processes:
            process.until_heard_of()
        while not any(process.up for process in self._processes):
            problems = [process.unfit for process in self._processes if process.unfit]
            if len(problems) == len(self._processes):
                self.close()
                raise problems[0]
            if closed():
                self.close()
                raise TooLateError(f"the time was up before {', '.join(self._devices)} was free: run again to go on")
            time.sleep(_LOOK_EVERY_S)
        for process in self._processes:
            if process.unfit:
                tell(str(process.unfit))

    def submit(self, kind: str, argument: Any, limit_s: float) -> Future[Any]:
        """Have it done on the device that has least of its kind to do."""
        return self._least_busy(kind).ask(kind, argument, limit_s)

    def close(self) -> None:
        """End the processes at once: what they have finished is in the store."""
        for process in self._processes:
            process.end()
        self._processes = []
        self._studio = None

    def pids(self) -> list[int]:
        """The processes that work at the moment."""
        return [process.pid for process in self._processes if process.pid]

    def _least_busy(self, kind: str) -> "_EngineProcess":
        alive = [process for process in self._processes if not process.given_up]
        if not alive:
            raise WorkshopError(
                f"no device is left to work on, {', '.join(self._devices)} failed: run again when they work, "
                "or name others with --device"
            )
        up = [process for process in alive if process.up]
        soon = [process for process in alive if not process.waits]
        return min(up or soon or alive, key=lambda process: process.busy(kind))


class _EngineProcess:
    """The supervisor of one process. `up` while it can work; `waits` while somebody else uses its GPU; `given_up` when
    it cannot be brought to life any more, because it is `unfit`."""

    def __init__(self, device: str, studio: Studio, build: Build, tell: Tell) -> None:
        self.up = self.waits = self.given_up = False
        self.unfit: Exception | None = None
        self.pid: int | None = None
        self.tell = tell
        self._device, self._studio, self._build = device, studio, build
        self._lock = threading.Lock()
        self._open: dict[int, tuple[str, Future[Any]]] = {}
        self._asked = 0
        # What nobody can have begun yet: it was asked while the process was not up.
        self._unbegun: set[int] = set()
        self._heard_of = threading.Event()
        self._ending = False
        self._pipe, self._process = self._start()
        threading.Thread(target=self._supervise, name=f"foley-{device}", daemon=True).start()

    def until_heard_of(self) -> None:
        """Wait until the process has loaded its model, or cannot, or has to wait for its GPU."""
        self._heard_of.wait()

    def busy(self, kind: str) -> int:
        """How much of a kind it has in its hands."""
        with self._lock:
            return sum(of == kind for of, _ in self._open.values())

    def ask(self, kind: str, argument: Any, limit_s: float) -> Future[Any]:
        """Have something done; the future raises EngineLostError when the process dies over it."""
        future: Future[Any] = Future()
        with self._lock:
            if self.given_up:
                future.set_exception(EngineAwayError(f"{self._device} is given up"))
                return future
            self._asked += 1
            self._open[self._asked] = (kind, future)
            if not self.up:
                self._unbegun.add(self._asked)
            # A pipe that broke just now is found by the supervisor, who then answers for everything that is open.
            with suppress(OSError):
                self._pipe.send((self._asked, kind, argument, limit_s))
        return future

    def end(self) -> None:
        """Kill it; what it has in its hands raises EngineLostError."""
        with self._lock:
            self._ending = True
        self._process.kill()
        self._process.join()

    def _start(self) -> tuple[Connection, Any]:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, self._device, self._studio, self._build)
        process = context.Process(target=serve, args=arguments, name=f"foley {self._device}", daemon=True)
        process.start()
        theirs.close()
        self.pid = process.pid
        return ours, process

    def _supervise(self) -> None:
        false_starts = 0
        while True:
            came_up = self._attend()
            self._process.join()
            false_starts = 0 if came_up else false_starts + 1
            if self._ending or self.unfit or false_starts >= _FALSE_STARTS:
                return self._give_up()
            time.sleep(_BREATH_S * false_starts)
            death = self._death()
            try:
                lost = self._start_again()
            except OSError as error:
                # Most likely what killed it: the machine has no memory left.
                self.unfit = WorkshopError(f"no process can be started on {self._device} ({error.strerror or error})")
                return self._give_up()
            self.tell(f"the process on {self._device} {death} and is started again")
            self._lose(lost, death)

    def _start_again(self) -> dict[int, tuple[str, Future[Any]]]:
        """Replace the dead process, unless all is over; what it had in its hands."""
        with self._lock:
            if not self._ending:
                # From here on what is asked goes to the new process; it waits in the pipe until that is ready.
                self._pipe, self._process = self._start()
            lost, self._open = self._open, {}
        return lost

    def _give_up(self) -> None:
        death = self._death()
        if self.unfit is None:
            self.unfit = WorkshopError(f"{self._device} cannot be used: its process {death}")
            if not self._ending:
                self.tell(f"the process on {self._device} {death} and is given up")
        elif self._heard_of.is_set() and not self._ending:
            # Who opens the workshop says it of those that never began.
            self.tell(f"the process on {self._device} is given up: {self.unfit}")
        with self._lock:
            self.up, self.given_up = False, True
            lost, self._open = self._open, {}
        self.pid, self.waits = None, False
        self._heard_of.set()
        self._lose(lost, death)

    def _attend(self) -> bool:
        """Note what the process says until it is gone; whether it ever came up."""
        came_up = False
        while True:
            try:
                kind, *said = self._pipe.recv()
            except (EOFError, OSError):
                self.up = False
                return came_up
            if kind == "ready":
                came_up = True
                self._come_up()
                self.tell(f"model loaded on {self._device} in {said[0]:.0f} s")
            elif kind == "unfit":
                self.unfit = said[0]
            elif kind == "waits":
                self.waits = True
                self._heard_of.set()
                self.tell(said[0])
            else:
                self._answer(kind, *said)

    def _come_up(self) -> None:
        with self._lock:
            self.up, self.waits = True, False
            self._unbegun.clear()
        self._heard_of.set()

    def _answer(self, kind: str, number: int, result: Any) -> None:
        with self._lock:
            of, future = self._open.pop(number)
            if kind == "raised" and is_the_end(result, of):
                self.up = False
        with suppress(InvalidStateError):
            future.set_result(result) if kind == "done" else future.set_exception(result)

    def _lose(self, lost: dict[int, tuple[str, Future[Any]]], death: str) -> None:
        killed = any(death.endswith(name) for name in ("SIGKILL", "SIGTERM"))
        begun = EngineKilledError if killed else EngineLostError
        for number, (_, future) in lost.items():
            error = EngineAwayError if number in self._unbegun else begun
            with suppress(InvalidStateError):
                future.set_exception(error(f"the process on {self._device} that worked on it {death}"))

    def _death(self) -> str:
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with code {code}"


def all_gpus() -> list[str]:
    """Every GPU that torch sees here. Raises WorkshopError when there is none."""
    import torch

    if not torch.cuda.device_count():
        raise WorkshopError("--device cuda:all was asked for, but torch finds no CUDA GPU: use --device cpu")
    return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
