"""Waiting for what another thread or process does; the limit is there for a broken test and says nothing of speed."""

import time
from collections.abc import Callable

PATIENCE_S = 300.0


def wait_until(true: Callable[[], object], what: str = "it", patience_s: float = PATIENCE_S) -> None:
    """Wait until `true` says so; AssertionError, which names `what`, after `patience_s`."""
    give_up_at = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < give_up_at, f"waited {patience_s} s for {what} in vain"
        time.sleep(0.05)
