"""The few questions `foley studio up` asks its server by plain HTTP: Prefect's client costs 100 MB, and it must stay
small who keeps the others alive."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

_PATIENCE_S = 15.0


class ApiError(Exception):
    """The server does not answer, or not as it should; worth another try."""


class Api:
    """A Prefect server at `url`, entered with `credentials`."""

    def __init__(self, url: str, credentials: str) -> None:
        self._url = url
        self._entry = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        # Without proxies: a studio's proxy must not be asked for the studio's own machines.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def runs(self, state: dict[str, Any], *, tag: str | None = None, limit: int) -> list[dict[str, Any]]:
        """The flow runs, with this tag, whose state fits; the latest first."""
        tags = {"tags": {"all_": [tag]}} if tag else {}
        wanted = {"flow_runs": {"state": state, **tags}, "sort": "START_TIME_DESC", "limit": limit}
        found: list[dict[str, Any]] = self._ask("POST", "/flow_runs/filter", wanted)
        return found

    def states(self, run_id: str) -> list[dict[str, Any]]:
        """Every state a run has had."""
        found: list[dict[str, Any]] = self._ask("GET", f"/flow_run_states/?flow_run_id={run_id}")
        return found

    def last_heartbeat(self, run_id: str) -> str | None:
        """When the server last heard a run's heartbeat, by its own clock, as an ISO time; None when never."""
        resource = {"id": [f"prefect.flow-run.{run_id}"]}
        wanted = {"filter": {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": resource}, "limit": 1}
        found = self._ask("POST", "/events/filter", wanted)["events"]
        return str(found[0]["received"]) if found else None

    def set_state(self, run_id: str, state: dict[str, Any]) -> None:
        """Propose a state; the server's rules may refuse it."""
        self._ask("POST", f"/flow_runs/{run_id}/set_state", {"state": state})

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
        except (OSError, ValueError) as error:
            raise ApiError(f"{method} {path}: {error}") from error
