"""The process of one device, as it sees itself: gpu_process.py starts it and speaks to it through a pipe.

It sees its own GPU only, chosen before torch is imported, and holds that GPU's slot for as long as it lives.
"""

import os
import signal
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from flows.errors import BrokenWorkError, EngineLostError, HungError, PassError, WorkshopError
from flows.parent import when_parent_ends
from flows.work.boundary import in_words
from flows.work.engine import Build, Studio, resident, set_build
from flows.work.hands import Hands
from flows.work.slots import take_slot
from flows.work.workshop import WORK, hands_for_work, named_device, number_in_machine
from pipeline.errors import PipelineError, WeightsError


def serve(pipe: Connection, device: str, studio: Studio, build: Build) -> None:
    """The life of the process: load the model, then work until the other end of the pipe is gone."""
    # Ctrl-C in the terminal is for the supervisor, who ends this process when the time has come.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Also while this process loads its model or waits for its GPU.
    if supervisor := parent_process():
        when_parent_ends(lambda: os._exit(0), parent=supervisor.join)
    set_build(build)
    say = _Voice(pipe)
    started = time.monotonic()
    try:
        studio = replace(studio, device=_confine(device))
        slot = take_slot(named_device(studio.device), lambda text: say("waits", text))
        resident(studio)
    except Exception as error:
        say("unfit", _able_to_travel(_about(device, error), device))
        return
    say("ready", time.monotonic() - started)
    _work_until_left(pipe, hands_for_work(), studio, say)
    del slot


def _work_until_left(pipe: Connection, hands: dict[str, Hands], studio: Studio, say: "_Voice") -> None:
    while True:
        try:
            number, kind, argument, limit_s = pipe.recv()
        except (EOFError, OSError):
            # The supervisor is gone. Whatever a thread is in the middle of is not worth finishing: nobody asks for it.
            os._exit(0)
        future = hands[kind].submit(WORK[kind][0], argument, studio, limit_s=limit_s)
        future.add_done_callback(lambda done, number=number, kind=kind: _report(say, number, kind, done))  # type: ignore[misc]


def _report(say: "_Voice", number: int, kind: str, done: Future[Any]) -> None:
    error = done.exception()
    say("raised", number, _able_to_travel(error, kind)) if error else say("done", number, done.result())
    if is_the_end(error, kind):
        os._exit(1)


def is_the_end(error: BaseException | None, kind: str) -> bool:
    """Whether the process ends with this error of a work of this kind.

    What hangs on the device keeps it, and after a fault nothing works there; only a new process gets it back.
    """
    return isinstance(error, EngineLostError) or (isinstance(error, HungError) and kind == "make")


def _about(device: str, error: Exception) -> Exception:
    """An error over loading the engine. It speaks of the only GPU that this process sees, a person of that of many."""
    if device.startswith("cuda:") and isinstance(error, PipelineError) and not isinstance(error, WeightsError):
        return WorkshopError(f"{device} cannot be used: {error}")
    return error


def _able_to_travel(error: BaseException, where: str) -> BaseException:
    """The error, if it is one of ours; of a stranger only the words, for not every exception can be built elsewhere."""
    if isinstance(error, BrokenWorkError | PassError | PipelineError) or not isinstance(error, Exception):
        return error
    return WorkshopError(f"{where} cannot be worked with: {in_words(error)}")


class _Voice:
    """Speaks to the supervisor, from any thread."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def __call__(self, *words: Any) -> None:
        with self._lock, suppress(OSError):
            self._pipe.send(words)


def _confine(device: str) -> str:
    """Let this process see the one GPU; the name by which it then goes. Before torch is imported."""
    if not device.startswith("cuda:"):
        return device
    os.environ["CUDA_VISIBLE_DEVICES"] = number_in_machine(int(device.removeprefix("cuda:")))
    return "cuda"
