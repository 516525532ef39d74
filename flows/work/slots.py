"""One pass at a time on each GPU of a machine, and one that lays into an output folder, whoever started it.

A slot is a lock on a file, which the kernel frees when its holder ends, however it ends: nothing leaks, nothing has to
be cleaned up. Processors need no slot, they are shared by nature.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from flows.errors import TooLateError, WorkshopError

_FOLDER_LOCKS = 64
_ASK_EVERY_S = 1.0


def take_slot(
    device: str, on_wait: Callable[[str], None], *, closed: Callable[[], bool] = lambda: False
) -> FileLock | None:
    """Hold `device` ("cuda:1") until the lock is released or this process ends; None for what needs no slot.

    Waits for as long as somebody else holds it; `on_wait` hears of that, once. Raises WorkshopError, and TooLateError
    when it is `closed` meanwhile.
    """
    if not device.startswith(("cuda", "mps")):
        return None
    try:
        # The model may be loaded in the background, and its GPU let go by the thread that conducts.
        slot = FileLock(slots_folder() / f"{device.replace(':', '-')}.lock", mode=0o666, thread_local=False)
        slot.acquire(timeout=0)
    except Timeout:
        on_wait(f"waiting for {device}, which another pass uses")
        _wait_for(slot, device, closed)
    except OSError as error:
        what, why = error.filename or f"the slot of {device}", error.strerror or error
        raise WorkshopError(f"{what} cannot be locked ({why}): name a folder with FOLEY_SLOTS") from error
    return slot


def _wait_for(slot: FileLock, device: str, closed: Callable[[], bool]) -> None:
    while not slot.is_locked:
        if closed():
            raise TooLateError(f"the time was up before {device} was free: run again to go on")
        with suppress(Timeout):
            slot.acquire(timeout=_ASK_EVERY_S)


@contextmanager
def alone_in(folder: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Be the only one on this machine who writes into a folder; waits, and says so, for as long as somebody else does.

    Two passes that lay there at once would leave the edit of one beside the manifest of the other. Where locks cannot
    be had nobody is kept out.
    """
    # A few locks for all folders, so that no files pile up: two that share one only take turns.
    which = hashlib.sha256(os.fsencode(os.path.realpath(folder))).digest()[0] % _FOLDER_LOCKS
    with ExitStack() as held:
        with suppress(OSError, NotImplementedError):
            lock = FileLock(slots_folder() / f"folder-{which}.lock", mode=0o666)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                on_wait()
                lock.acquire()
            held.callback(lock.release)
        yield


def slots_folder() -> Path:
    """Where the locks of this machine lie: FOLEY_SLOTS, else a folder every user of the machine can write to."""
    folder = Path(os.environ.get("FOLEY_SLOTS") or Path(tempfile.gettempdir()) / "smooth-foley-slots")
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o1777)
    return folder
