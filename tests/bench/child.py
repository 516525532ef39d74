"""A module run as a process of its own, so that its memory and its processor time are its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping


def output_of(module: str, *arguments: object, env: Mapping[str, str] | None = None) -> str:
    """What `python -m module arguments...` prints. Ends this program when it fails; what it complains of is seen."""
    done = subprocess.run(_command(module, arguments), stdout=subprocess.PIPE, text=True, env=env)
    if done.returncode:
        sys.exit(f"{module} ended with status {done.returncode}")
    return done.stdout


def cost_of(module: str, *arguments: object) -> tuple[float, float]:
    """Wall seconds and peak MB of `python -m module arguments...`. Ends this program when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(_command(module, arguments))
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{module} ended with status {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def _command(module: str, arguments: tuple[object, ...]) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)]
