"""One night at a time into an output folder, on all machines that share it.

A file is locked, which the kernel does until whoever holds it ends, however it ends. Prefect's concurrency limit on a
deployment is no help: a run whose slot cannot be confirmed for a moment, because the server is away or was started
again, is cancelled by its own client in the middle of its work.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from flows.desk import Listener, PassEvent
from flows.errors import OutputFolderError

LOCK_NAME = ".foley-night.lock"
_ASK_EVERY_S = 2.0


@contextmanager
def turn(out: Path, tell: Listener, *, wait: bool, closed: Callable[[], bool] = lambda: False) -> Iterator[bool]:
    """Hold `out` for as long as the context lasts. False: another night does, and is not waited for (any longer).

    Nobody waits past the time when nothing may be begun. Raises OutputFolderError when the folder cannot be written.
    """
    lock = FileLock(out / LOCK_NAME)
    is_ours = _taken(lock, out)
    if not is_ours and wait:
        tell(PassEvent(stage="wait", text=f"waiting for another night, which works into {out}"))
        while not is_ours and not closed():
            time.sleep(_ASK_EVERY_S)
            is_ours = _taken(lock, out)
    try:
        yield is_ours
    finally:
        lock.release()


def _taken(lock: FileLock, out: Path) -> bool:
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except NotImplementedError:
        # A file system without locks, such as some network shares: then nobody can be kept out.
        return True
    except OSError as error:
        why = error.strerror or error
        raise OutputFolderError(f"{out} cannot be written ({why}): name another folder with --out") from error
    return True
