"""The night watch: sees that runs have died, begins them again, and gives up when that does not help.

    Running, no new heartbeat for 90 s               ->  Crashed    its machine, its worker or the network is gone
    Pending for ten minutes                          ->  Crashed    who was to begin it is gone
    Running on a worker that was seen to die         ->  Crashed    its runs die with it: there is no need to wait
    Crashed for 10 s, for the first or second time   ->  RunAgain   a worker takes it up; the store knows what is made
    Crashed for 10 s, for the third time             ->  GivenUp    a person looks at the log, mends the cause, retries
    Cancelling, where the others would be Crashed    ->  Cancelled  nobody is left who could do it
    a task at work, of a run that is over            ->  Crashed    who worked on it ended, and said nothing more

Automations of the server could do it, and must not. A worker reports one death twice within a fifth of a second, so the
run that an automation has just scheduled is Crashed again. On SQLite, an event whose bookkeeping meets a lock is
handled again, up to four times, with all it sets off. And a server that was away for two minutes calls every run lost
the moment it is back, while all of them live. The watch counts on its own clock, and only the time in which the server
could be told: neither a machine whose clock is wrong nor a studio that was asleep is taken for a death.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flows.studio.api import Api, ApiError
from flows.studio.children import Say
from flows.studio.environment import LOST_AFTER_S
from flows.studio.pools import OWN_TAG

REVIVED = "RunAgain"
CRASHES = 3
# Others may use the server too, with heartbeats of their own.
_OURS = ("foley-pass", "overnight", "foley-share")
_LOOK_EVERY_S = 5.0
_SETTLED_AFTER_S = 10.0
# What a run said at its end may be on its way to the server's tables for so long.
_TOLD_WITHIN_S = 60.0
# From Pending to Running is the start of a process.
_STARTS_WITHIN_S = 600.0
# A minute of rounds: longer than the server is away when it is started again.
_WORTH_A_WORD = 12

_Run = dict[str, Any]


class NightWatch:
    """Looks after the runs of one server, in a thread of `foley studio up`. One that does not answer is asked again.

    A further machine only tells of its own workers that died (`deaths_only`): one watch is enough for all else.
    """

    def __init__(
        self, api: Api, say: Say, clock: Callable[[], float] = time.monotonic, *, deaths_only: bool = False
    ) -> None:
        self._api, self._say, self._clock, self._deaths_only = api, say, clock, deaths_only
        # The last sign of life of each run, and since when there was no other.
        self._signs: dict[str, tuple[str, float]] = {}
        self._dead: queue.SimpleQueue[tuple[str, datetime]] = queue.SimpleQueue()
        self._stop = threading.Event()

    def begin(self) -> None:
        """Watch from now on, in a thread of its own."""
        threading.Thread(target=self._watch, name="foley-night-watch", daemon=True).start()

    def end(self) -> None:
        """Watch no longer."""
        self._stop.set()

    def worker_died(self, worker: str) -> None:
        """Tell it that a worker of this machine has died just now; returns at once."""
        self._dead.put((worker, datetime.now(UTC)))

    def look(self) -> None:
        """One round. Raises ApiError when the server does not answer, whatever else when that makes no sense."""
        try:
            self._crash_the_dead()
            if self._deaths_only:
                return
            self._crash_the_lost()
            self._crash_tasks_of_ended_runs()
            self._revive()
        except Exception:
            self._signs = {}
            raise

    def _revive(self) -> None:
        for run in self._api.runs(["CRASHED"], _OURS):
            if _is_the_studios(run) and _seconds_since(run["state"]["timestamp"]) >= _SETTLED_AFTER_S:
                # Prefect sees to the run alone: what it had in work would be at work for ever.
                self._crash_tasks(self._api.tasks_at_work(run_id=run["id"]))
                self._api.set_state(run["id"], self._what_becomes_of(run))

    def _crash_tasks_of_ended_runs(self) -> None:
        ended_before = (datetime.now(UTC) - timedelta(seconds=_TOLD_WITHIN_S)).isoformat()
        self._crash_tasks(self._api.tasks_at_work(flows=_OURS, ended_before=ended_before))

    def _crash_tasks(self, task_run_ids: Sequence[str]) -> None:
        for task_run_id in task_run_ids:
            self._api.crash_task(task_run_id, "Its run ended before it")

    def _watch(self) -> None:
        in_vain = 0
        while not self._stop.wait(_LOOK_EVERY_S):
            try:
                self.look()
                in_vain = 0
            except Exception as error:  # the studio has no other watch, and nobody would miss it before the morning
                in_vain += 1
                if in_vain == _WORTH_A_WORD:
                    self._say(f"crashed runs are not begun again, for the server does not answer as it should: {error}")

    def _crash_the_dead(self) -> None:
        while not self._dead.empty():
            worker, died_at = self._dead.get()
            try:
                self._crash_runs_of(worker, died_at)
            except ApiError:
                self._dead.put((worker, died_at))
                raise

    def _crash_the_lost(self) -> None:
        """Runs from everywhere, also from a `foley run` by hand; one that never gave a sign is not waited for."""
        before, self._signs = self._signs, {}
        for run in self._api.runs(["RUNNING", "CANCELLING", "PENDING"], _OURS):
            pending = run["state"]["type"] == "PENDING"
            heard = None if pending else self._api.last_heartbeat(run["id"])
            if not heard and not (pending and _is_the_studios(run)):
                continue
            sign, now = f"{run['state']['id']} {heard}", self._clock()
            last, since = before.get(run["id"], ("", now))
            self._signs[run["id"]] = sign, (since if sign == last else now)
            limit_s = _STARTS_WITHIN_S if pending else LOST_AFTER_S
            if sign == last and now - since >= limit_s:
                self._let_go(run, f"No sign of life for {limit_s:.0f} s: machine, worker or network is gone")

    def _crash_runs_of(self, worker: str, died_at: datetime) -> None:
        """What the one that took its place has taken since is none of them."""
        for run in self._api.runs(["RUNNING", "PENDING", "CANCELLING"], _OURS):
            had_it = run["labels"].get("prefect.worker.name") == worker
            if had_it and datetime.fromisoformat(run["state"]["timestamp"]) <= died_at:
                self._let_go(run, f"Its worker {worker} died")

    def _let_go(self, run: _Run, why: str) -> None:
        """Nobody works on this run any more."""
        becomes = "CANCELLED" if run["state"]["type"] == "CANCELLING" else "CRASHED"
        self._api.set_state(run["id"], {"type": becomes, "message": why})

    def _what_becomes_of(self, run: _Run) -> dict[str, Any]:
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


def _is_the_studios(run: _Run) -> bool:
    """Whether a worker of the studio had it, so that one can take it up again."""
    return bool(run["deployment_id"]) and OWN_TAG in run["tags"]


def _seconds_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
