"""Where the work is done: the engine that encodes, detects and makes, in this process or in others.

A Workshop gives futures of what steps.py does. Which one is a setting, never a difference in sound:

    threads      in this process, one device: nothing to start, for a pass on processors
    processes    one process per device, each with a resident engine: gpu_process.py; for GPUs
    dask         the workers of a Dask cluster: dask_workshop.py
"""

import os
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from filelock import FileLock

from flows.errors import SettingError, WorkshopError
from flows.options import SharedOptions
from flows.studio.pools import gpus
from flows.work.engine import Studio, current_build, resident
from flows.work.hands import Hands
from flows.work.slots import take_slot
from flows.work.steps import STOP, detect, encode, make_takes

LISTENERS = 2
MAKERS = 1  # one model on one device: a second batch at once would only take its memory
# What an engine can be asked for, and how much of it at a time.
WORK: dict[str, tuple[Callable[..., Any], int]] = {
    "encode": (encode, LISTENERS),
    "detect": (detect, LISTENERS),
    "make": (make_takes, MAKERS),
}

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+|:all)?")

Tell = Callable[[str], None]
Closed = Callable[[], bool]


def never() -> bool:
    """The time for work that has no end."""
    return False


class Workshop(Protocol):
    """Gives futures of what WORK gives. They may raise BrokenWorkError, WorkshopError and WeightsError."""

    listeners: int
    makers: int

    def open(self, studio: Studio, tell: Tell, *, closed: Closed = never) -> None:
        """Load the engine, once; blocks until work can begin. `tell` hears of waiting and of losses, in any thread.

        Raises WeightsError when the model cannot be loaded, WorkshopError when there is no device to load it on,
        TooLateError when it is `closed` before one is free.
        """
        ...

    def submit(self, kind: str, argument: Any, limit_s: float) -> Future[Any]:
        """Have one of WORK done within `limit_s` seconds: to a ShotJob, to a batch of requests."""
        ...

    def close(self) -> None:
        """Let go of everything, until it is opened again. What is in work comes to an end soon."""
        ...


class ThreadWorkshop:
    """Works in this process."""

    def __init__(self) -> None:
        self.listeners, self.makers = LISTENERS, MAKERS
        self._hands: dict[str, Hands] = {}
        self._opening = threading.Lock()
        self._studio: Studio | None = None
        self._slot: FileLock | None = None

    def open(self, studio: Studio, tell: Tell, *, closed: Closed = never) -> None:
        """Load the engine into this process."""
        with self._opening:
            if self._studio == studio:
                return
            STOP.clear()
            self._slot = self._slot or take_slot(named_device(studio.device), tell, closed=closed)
            resident(studio)
            self._hands = self._hands or hands_for_work()
            self._studio = studio

    def submit(self, kind: str, argument: Any, limit_s: float) -> Future[Any]:
        """Have it done in a thread."""
        return self._hands[kind].submit(WORK[kind][0], argument, self._studio, limit_s=limit_s)

    def close(self) -> None:
        """The take in hand is the last one."""
        STOP.set()
        for hands in self._hands.values():
            hands.close()
        if self._slot:
            self._slot.release()
        self._hands, self._slot, self._studio = {}, None, None


def hands_for_work() -> dict[str, Hands]:
    """The threads of an engine's process."""
    return {kind: Hands(count, f"foley-{kind}") for kind, (_, count) in WORK.items()}


def workshop_for(options: SharedOptions, *, whole_machine: bool = False) -> Workshop:
    """The workshop that the options ask for; with `whole_machine`, "auto" is every GPU there is.

    Nothing is loaded before it is opened. Raises SettingError.
    """
    if options.dask:
        from flows.work.dask_workshop import DaskWorkshop

        return DaskWorkshop(options.dask)
    devices = _devices_of(options.device)
    if whole_machine and devices == ["auto"] and len(numbers := gpus(os.environ)) > 1:
        devices = [f"cuda:{place}" for place in range(len(numbers))]
    if _in_processes(devices, options.isolate):
        from flows.work.gpu_process import ProcessWorkshop

        return ProcessWorkshop(devices, current_build())
    return ThreadWorkshop()


def _in_processes(devices: Sequence[str], isolate: bool | None) -> bool:
    """Whether each device gets a process of its own. Where a GPU fails or hangs, only another process gets it back."""
    if len(devices) > 1 or devices == ["cuda:all"]:
        return True
    on_gpu = devices[0].startswith("cuda") or (devices == ["auto"] and bool(gpus(os.environ)))
    return on_gpu if isolate is None else isolate


def _devices_of(told: str) -> list[str]:
    """The devices that are named. Raises SettingError."""
    devices = [device.strip() for device in told.split(",") if device.strip()]
    for device in devices or [told]:
        if not _DEVICE.fullmatch(device):
            raise SettingError(f"--device {device} is not known: use auto, cpu, cuda, cuda:N, cuda:all or mps")
    if "cuda:all" in devices[1:] or (devices[0] == "cuda:all" and len(devices) > 1):
        raise SettingError(f"--device {told}: cuda:all is every GPU there is, so nothing can be beside it")
    # Each would wait for the slot that the other holds.
    gpus_named = ["cuda:0" if device == "cuda" else device for device in devices if device not in ("cpu", "auto")]
    if len(set(gpus_named)) < len(gpus_named):
        raise SettingError(f"--device {told} names a GPU twice: one process works on each")
    return devices


def named_device(device: str) -> str:
    """The device that is meant, as slots know it: "auto" and "cuda" resolved, a GPU by its number in the machine."""
    if device == "auto":
        from pipeline.runtime import choose_device

        device = str(choose_device())
    if not device.startswith("cuda"):
        return device
    return f"cuda:{number_in_machine(int(device.partition(':')[2] or 0))}"


def number_in_machine(number: int) -> str:
    """What the driver calls the GPU with this number here. Raises WorkshopError when it is kept out of sight."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if seen is None:
        return str(number)
    names = [name.strip() for name in seen.split(",")]
    if number >= len(names):
        raise WorkshopError(
            f"cuda:{number} was asked for, but CUDA_VISIBLE_DEVICES={seen} hides it: name another, counted from 0"
        )
    return names[number]
