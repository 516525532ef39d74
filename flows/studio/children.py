"""Keeps processes alive: one that dies is started again, later and later when it dies at once, and all end together.

Everything happens in the caller's thread; `Crew.step` is to be called a few times a second.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flows.errors import StudioError

Say = Callable[[str], None]

_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0
# Who has lived this long died of something else than its start.
_SETTLED_AFTER_S = 60.0
_ENDS_WITHIN_S = 20.0
_LOG_LIMIT = 10_000_000
# An error as Python words it. The two that quote a database's URL may hold its password.
_ERROR = re.compile(r"(?!ValueError|sqlalchemy)[\w.]*(Error|Exception): .")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPlan:
    """A process to keep: `module` runs with `arguments` after the `imports`; its words go to `log`."""

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    imports: tuple[str, ...] = ()

    def command(self) -> list[str]:
        """The command line. No secret may be in it: everybody on the machine can read it."""
        # -P: the folder it is started in must not go on the path.
        before = [part for name in self.imports for part in ("--import", name)]
        return [sys.executable, "-P", "-m", "flows.studio.leash", *before, self.module, *self.arguments]


class Child:
    """One process, and when to start it again."""

    def __init__(self, plan: ChildPlan, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan = plan
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._said_before = 0
        self._start_at: float | None = None
        self._wait_s = _FIRST_WAIT_S

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process, in a session of its own: Ctrl-C is for the studio, which then ends it in good order.

        Raises StudioError when it cannot be started.
        """
        try:
            self._start()
        except OSError as error:
            raise StudioError(f"{self.plan.name} cannot be started ({error}): see to it") from error

    def _start(self) -> None:
        _shorten(self.plan.log)
        with os.fdopen(os.open(self.plan.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            self._said_before = log.tell()
            self._process = subprocess.Popen(
                self.plan.command(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.plan.environment),
                start_new_session=True,
            )
        self._started_at, self._start_at = self._clock(), None

    def ended(self) -> int | None:
        """The exit code when it has ended, negative for a signal; None while it runs."""
        return self._process.poll() if self._process else None

    def step(self, say: Say) -> bool:
        """Start it again when it has ended and its time has come; True when it was just found to have ended."""
        if self._start_at is not None and self._clock() >= self._start_at:
            self._try_again(say)
        elif self._start_at is None and (code := self.ended()) is not None:
            self._start_at = self._clock() + self._next_wait_s()
            say(f"{self.plan.name} ended ({_why(code)}), starting it again; see {self.plan.log}")
            return True
        return False

    def _try_again(self, say: Say) -> None:
        """A disk or a memory that is full for a moment must not take the whole studio along."""
        try:
            self.start()
        except StudioError as error:
            self._start_at = self._clock() + self._next_wait_s()
            say(str(error))

    def ask_to_end(self) -> None:
        """Tell it to end; does not wait."""
        self._start_at = None
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def wait_for_end(self, give_up_at: float) -> None:
        """Wait until it has ended; past `give_up_at` on the clock it is killed."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, give_up_at - self._clock()))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_words(self) -> str:
        """The last error that it told since it was started, else its last line."""
        with suppress(OSError):
            told = self.plan.log.read_bytes()[self._said_before :].decode(errors="replace").strip().splitlines()
            lines = [line for line in told if _ERROR.match(line)] or told
            return lines[-1].strip() if lines else "it said nothing"
        return "it said nothing"

    def _next_wait_s(self) -> float:
        if self._clock() - self._started_at >= _SETTLED_AFTER_S:
            self._wait_s = _FIRST_WAIT_S
        wait_s, self._wait_s = self._wait_s, min(2 * self._wait_s, _LONGEST_WAIT_S)
        return wait_s


def end_all(children: Sequence[Child], clock: Callable[[], float] = time.monotonic) -> None:
    """End them, the last one first to be told, all at once; who does not end in time is killed."""
    give_up_at = clock() + _ENDS_WITHIN_S
    for child in reversed(children):
        child.ask_to_end()
    for child in reversed(children):
        child.wait_for_end(give_up_at)


def _why(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _shorten(log: Path) -> None:
    """Keep one earlier log, so that years of nights do not fill the disk."""
    with suppress(OSError):
        if log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".old.log"))
