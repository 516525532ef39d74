"""One network at a time: who builds or loads networks holds this lock of the whole process meanwhile.

diffusers, transformers and accelerate change torch itself while they load: parameters go to the meta device, weights
stay undrawn, and what another thread builds in the meantime is built that way. Two that load side by side may even
leave torch changed for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_LOCK = RLock()


@contextmanager
def building() -> Iterator[None]:
    """Hold the lock while the block, or the decorated function, lasts. Who holds it may ask for it again."""
    with _LOCK:
        yield
