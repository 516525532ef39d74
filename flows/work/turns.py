"""Any number at once, or one alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Who has to be alone waits until the others are done, and nobody else begins meanwhile."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._at_work = self._alone = 0

    @contextmanager
    def turn(self, *, alone: bool) -> Iterator[None]:
        """Work inside, beside the others or `alone`."""
        with self._changed:
            self._alone += alone
            self._changed.wait_for(lambda: not (self._at_work if alone else self._alone))
            self._at_work += 1
        try:
            yield
        finally:
            with self._changed:
                self._at_work -= 1
                self._alone -= alone
                self._changed.notify_all()
