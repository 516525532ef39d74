"""Runs a module as `python -m` would, and ends it when the process that started it is gone.

Standard input is the starter's end of a pipe, which closes even when the starter is killed. Servers and workers are on
the leash of `foley studio up`, runs on that of their worker.

    python -P leash.py [--import MODULE]... MODULE ARGUMENT...
"""

import importlib
import os
import runpy
import signal
import sys
import threading
import time

_ENDS_WITHIN_S = 10.0


def _leave_with_starter() -> None:
    # Not sys.stdin: a thread that waits there holds a lock which the interpreter wants when it ends.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_ENDS_WITHIN_S)
    os._exit(1)


def _run(arguments: list[str]) -> None:
    while arguments[0] == "--import":
        importlib.import_module(arguments[1])
        arguments = arguments[2:]
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    threading.Thread(target=_leave_with_starter, daemon=True).start()
    _run(sys.argv[1:])
