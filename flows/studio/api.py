"""The few questions `foley studio up` asks its server by plain HTTP: Prefect's client costs 100 MB, and it must stay
small who keeps the others alive."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any

from flows.server.loopback import direct_opener

_PATIENCE_S = 15.0
# The server answers with no more at once.
_PAGE = 200


class ApiError(Exception):
    """The server does not answer, or not as it should; worth another try."""


class Api:
    """A Prefect server at `url`, entered with `credentials`."""

    def __init__(self, url: str, credentials: str) -> None:
        self._url = url
        self._entry = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        self._opener = direct_opener()

    def runs(self, states: Sequence[str], flows: Sequence[str]) -> list[dict[str, Any]]:
        """All runs of the flows with these names whose state is of one of these types; the latest first."""
        wanted = {
            "flows": {"name": {"any_": list(flows)}},
            "flow_runs": {"state": {"type": {"any_": list(states)}}},
            "sort": "START_TIME_DESC",
        }
        found: list[dict[str, Any]] = []
        while True:
            page = self._ask("POST", "/flow_runs/filter", wanted | {"offset": len(found), "limit": _PAGE})
            found += page
            if len(page) < _PAGE:
                return found

    def states(self, run_id: str) -> list[dict[str, Any]]:
        """Every state a run has had."""
        found: list[dict[str, Any]] = self._ask("GET", f"/flow_run_states/?flow_run_id={run_id}")
        return found

    def last_heartbeat(self, run_id: str) -> str | None:
        """The id of the last heartbeat of a run; None when there was none."""
        # The server leaves out what is later than its own clock, and other machines' clocks may go before it.
        occurred = {"until": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
        resource = {"id": [f"prefect.flow-run.{run_id}"]}
        beats = {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": resource, "occurred": occurred}
        found = self._ask("POST", "/events/filter", {"filter": beats, "limit": 1})["events"]
        return str(found[0]["id"]) if found else None

    def set_state(self, run_id: str, state: dict[str, Any]) -> None:
        """Propose a state; the server's rules may refuse it."""
        self._ask("POST", f"/flow_runs/{run_id}/set_state", {"state": state})

    def tasks_at_work(self, *, run_id: str = "", flows: Sequence[str] = (), ended_before: str = "") -> list[str]:
        """The ids of task runs that count as at work: of one run, or of runs of these flows that ended before then."""
        wanted: dict[str, Any] = {
            "task_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING"]}}},
            "flow_runs": {"id": {"any_": [run_id]}} if run_id else {"end_time": {"before_": ended_before}},
            "limit": _PAGE,
        }
        if flows:
            wanted["flows"] = {"name": {"any_": list(flows)}}
        return [str(run["id"]) for run in self._ask("POST", "/task_runs/filter", wanted)]

    def crash_task(self, task_run_id: str, why: str) -> None:
        """Let a task run that nobody works on any more be Crashed."""
        body = {"state": {"type": "CRASHED", "message": why}, "force": True}
        self._ask("POST", f"/task_runs/{task_run_id}/set_state", body)

    def deploy_every_minute(self, name: str) -> str:
        """Make a deployment that is to run every minute, of a flow that is not there; its id."""
        flow = self._ask("POST", "/flows/", {"name": name})
        schedule = {"schedule": {"cron": "* * * * *", "timezone": "UTC"}, "active": True}
        deployment = {"name": name, "flow_id": flow["id"], "schedules": [schedule]}
        return str(self._ask("POST", "/deployments/", deployment)["id"])

    def planned_runs(self, deployment_id: str) -> int:
        """How many runs of a deployment are planned."""
        wanted = {"deployments": {"id": {"any_": [deployment_id]}}}
        return int(self._ask("POST", "/flow_runs/count", wanted))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self._url}{path}", None if body is None else json.dumps(body).encode(), method=method
        )
        request.add_header("Authorization", self._entry)
        request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=_PATIENCE_S) as reply:
                return json.loads(reply.read())
        except (OSError, ValueError, HTTPException) as error:
            raise ApiError(f"{method} {path}: {error}") from error
