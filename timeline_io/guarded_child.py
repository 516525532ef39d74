"""The other side of guarded.py: reads one edit under limits and answers on its standard output."""

from __future__ import annotations

import math
import os
import pickle
import sys
from typing import Any, BinaryIO

from timeline_io import read
from timeline_io.errors import TimelineError

# Told by the exit status, because there is no memory left to tell it otherwise.
OUT_OF_MEMORY = 77


def main(task: str, arguments: tuple[Any, ...], seconds: float, megabytes: int) -> None:
    """Carry out a function of read.py and write ("value", it) or ("error", (class, sentence, names)) as a pickle."""
    answers = _own_output()
    _limit(seconds, megabytes)
    try:
        answer = pickle.dumps(outcome(task, arguments))
    except MemoryError:
        # Not even the way out may need memory.
        os._exit(OUT_OF_MEMORY)
    with answers:
        answers.write(answer)


def outcome(task: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    """What a function of read.py gives or raises, ready to be sent."""
    try:
        return "value", getattr(read, task)(*arguments)
    except TimelineError as error:
        return "error", (type(error).__name__, str(error), getattr(error, "names", ()))


def _own_output() -> BinaryIO:
    """Standard output for the answer alone: whatever a library prints goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _limit(seconds: float, megabytes: int) -> None:
    """Limits of memory and computing time; the latter ends this process even when nobody waits for it any more."""
    try:
        import resource
    except ImportError:
        return
    limits = {resource.RLIMIT_AS: megabytes * 1_000_000, resource.RLIMIT_CPU: math.ceil(seconds) + 1}
    for kind, most in (*limits.items(), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (allowed, hard))
        except (OSError, ValueError):
            # A system that knows the limit but cannot set it; the time limit of the caller remains.
            continue
