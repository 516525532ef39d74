"""A process that leaves with the one that started it, however that one ends: also killed, on every system.

What tells of it is an open end of the parent's: a pipe on standard input, or what multiprocessing keeps of a parent.
(Linux's PR_SET_PDEATHSIG is for one system, and fires when the thread ends that started the child.)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


def stdin_to_end() -> None:
    """Wait until the other end of standard input is closed.

    Not by sys.stdin: a thread that waits there holds a lock which the interpreter wants when it ends.
    """
    while os.read(0, 1024):
        pass


def when_parent_ends(leave: Callable[[], object], *, parent: Callable[[], object] = stdin_to_end) -> None:
    """Call `leave` in a thread of its own as soon as `parent` returns, which it does when the parent is gone."""

    def wait() -> None:
        parent()
        leave()

    threading.Thread(target=wait, name="foley-parent", daemon=True).start()
