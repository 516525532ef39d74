"""The night watch: sees that runs have died, begins them again, and gives up when that does not help.

    Running, no heartbeat for 90 s                   ->  Crashed    its machine, its worker or the network is gone
    Running on a worker of this machine that died    ->  Crashed    its runs die with it: there is no need to wait
    Crashed for 10 s, for the first or second time   ->  RunAgain   a worker takes it up; the store knows what is made
    Crashed for 10 s, for the third time             ->  GivenUp    a person looks at the log, mends the cause, retries

Automations of the server could do it, and must not. A worker reports one death twice within a fifth of a second, so the
run that an automation has just scheduled is Crashed again. On SQLite, an event whose bookkeeping meets a lock is
handled again, up to four times, with all it sets off. And a server that was away for two minutes calls every run lost
the moment it is back, while all of them live: the watch counts only the time in which the server could be told.
"""

import queue
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flows.studio.api import Api, ApiError
from flows.studio.environment import LOST_AFTER_S
from flows.studio.pools import OWN_TAG

REVIVED = "RunAgain"
CRASHES = 3
_LOOK_EVERY_S = 5.0
_SETTLED_AFTER_S = 10.0
_MANY = 200


class NightWatch:
    """Looks after the runs of one server, in a thread of `foley studio up`. One that does not answer is asked again."""

    def __init__(self, api: Api, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._answers_since: float | None = None
        self._dead: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stop = threading.Event()

    def begin(self) -> None:
        """Watch from now on, in a thread of its own."""
        threading.Thread(target=self._watch, name="foley-night-watch", daemon=True).start()

    def end(self) -> None:
        """Watch no longer."""
        self._stop.set()

    def worker_died(self, worker: str) -> None:
        """Tell it that a worker of this machine has died; returns at once."""
        self._dead.put(worker)

    def look(self) -> None:
        """One round. Raises ApiError when the server does not answer as it should."""
        try:
            self._crash_the_dead()
            self._crash_the_lost()
            self._revive()
        except ApiError:
            self._answers_since = None
            raise

    def _revive(self) -> None:
        for run in self._api.runs({"type": {"any_": ["CRASHED"]}}, tag=OWN_TAG, limit=_MANY):
            if _seconds_since(run["state"]["timestamp"]) >= _SETTLED_AFTER_S and run["deployment_id"]:
                self._api.set_state(run["id"], self._what_becomes_of(run))

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_S):
            try:
                self.look()
            except ApiError:
                continue

    def _crash_the_dead(self) -> None:
        while not self._dead.empty():
            worker = self._dead.get()
            try:
                self._crash_runs_of(worker)
            except ApiError:
                self._dead.put(worker)
                raise

    def _crash_the_lost(self) -> None:
        """Runs from everywhere, also from a `foley run` by hand; one that never gave a sign is not waited for."""
        running = self._api.runs({"type": {"any_": ["RUNNING"]}}, limit=_MANY)
        now = self._clock()
        if self._answers_since is None:
            self._answers_since = now
        if now - self._answers_since < LOST_AFTER_S:
            return
        for run in running:
            heard = self._api.last_heartbeat(run["id"])
            if heard and _seconds_since(heard) > LOST_AFTER_S:
                message = f"No sign of life for {LOST_AFTER_S} s: its machine, its worker or the network is gone"
                self._api.set_state(run["id"], {"type": "CRASHED", "message": message})

    def _crash_runs_of(self, worker: str) -> None:
        for run in self._api.runs({"type": {"any_": ["RUNNING", "PENDING"]}}, tag=OWN_TAG, limit=_MANY):
            if run["labels"].get("prefect.worker.name") == worker:
                self._api.set_state(run["id"], {"type": "CRASHED", "message": f"Its worker {worker} died"})

    def _what_becomes_of(self, run: dict[str, Any]) -> dict[str, Any]:
        tried = sum(state["name"] == REVIVED for state in self._api.states(run["id"]))
        if tried + 1 < CRASHES:
            again = "Begun again after a crash; what was made is in the store and is not made twice"
            return {"type": "SCHEDULED", "name": REVIVED, "message": again}
        why = run["state"]["message"] or "it did not say why"
        return {
            "type": "FAILED",
            "name": "GivenUp",
            "message": f"Crashed {tried + 1} times ({why}): look at its worker's log, mend the cause, then retry",
        }


def _seconds_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
