"""One pass at a time on each GPU of a machine, whoever started it.

A slot is a lock on a file, which the kernel frees when its holder ends, however it ends: nothing leaks, nothing has to
be cleaned up. Processors need no slot, they are shared by nature.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout


def take_slot(device: str, on_wait: Callable[[str], None]) -> FileLock | None:
    """Hold `device` ("cuda:1") until the lock is released or this process ends; None for what needs no slot.

    Waits for as long as somebody else holds it; `on_wait` hears of that, once.
    """
    if not device.startswith(("cuda", "mps")):
        return None
    slot = FileLock(slots_folder() / f"{device.replace(':', '-')}.lock", mode=0o666)
    try:
        slot.acquire(timeout=0)
    except Timeout:
        on_wait(f"waiting for {device}, which another pass uses")
        slot.acquire()
    return slot


def slots_folder() -> Path:
    """Where the locks of this machine lie: FOLEY_SLOTS, else a folder every user of the machine can write to."""
    folder = Path(os.environ.get("FOLEY_SLOTS") or Path(tempfile.gettempdir()) / "smooth-foley-slots")
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o1777)
    return folder
