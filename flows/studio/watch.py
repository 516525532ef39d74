"""The night watch: begins a crashed run again, and gives up when that does not help. A thread of `foley studio up`.

An automation of the server could do it and must not: a worker reports one death twice within a fifth of a second, so
the run that an automation has just scheduled is Crashed again; and on SQLite, an event whose bookkeeping meets a lock
is handled again, up to four times, with all it sets off. The watch waits until a crash has settled, and counts.

    Crashed for 10 s, crashed once or twice before  ->  RunAgain   a worker takes it up; the store knows what is made
    Crashed for 10 s, crashed for the third time    ->  GivenUp    a failure; a person looks at the log, then retries
    Running on a worker that died                   ->  Crashed    its runs die with it: there is no need to wait 90 s
"""

import queue
import threading
from datetime import UTC, datetime
from typing import Any

from flows.studio.api import Api, ApiError
from flows.studio.pools import OWN_TAG

REVIVED = "RunAgain"
CRASHES = 3
_LOOK_EVERY_S = 5.0
_SETTLED_AFTER_S = 10.0
_MANY = 200


class NightWatch:
    """Looks after the runs of one server. Never raises: a server that does not answer is asked again later."""

    def __init__(self, api: Api) -> None:
        self._api = api
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
        while not self._dead.empty():
            worker = self._dead.get()
            try:
                self._crash_runs_of(worker)
            except ApiError:
                self._dead.put(worker)
                raise
        for run in self._api.runs({"type": {"any_": ["CRASHED"]}}, tag=OWN_TAG, limit=_MANY):
            if _age_s(run["state"]) >= _SETTLED_AFTER_S and run["deployment_id"]:
                self._api.set_state(run["id"], self._what_becomes_of(run))

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_S):
            try:
                self.look()
            except ApiError:
                continue

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


def _age_s(state: dict[str, Any]) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(state["timestamp"])).total_seconds()
