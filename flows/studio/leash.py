"""Runs a module as `python -m` would, and ends it when the process that started it is gone.

Servers and workers are on the leash of `foley studio up`, runs on that of their worker. Standard input is the
starter's end of a pipe.

    python -P -m flows.studio.leash [--import MODULE]... MODULE ARGUMENT...
"""

import importlib
import os
import runpy
import signal
import sys
import time

from flows.parent import when_parent_ends

_ENDS_WITHIN_S = 10.0


def _leave() -> None:
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
    when_parent_ends(_leave)
    _run(sys.argv[1:])
