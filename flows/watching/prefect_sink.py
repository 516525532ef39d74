"""Shows a pass in Prefect: artifacts, log, events, name and tags of its flow run, by a client of its own.

It speaks to the server's HTTP API rather than through Prefect's helpers, for three reasons that were measured: the
helpers need the flow's own thread; they send an event with a copy of the whole table whenever an artifact changes; and
what they cannot deliver they hold on to when the process wants to end.
"""

import json
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from flows.watching.publish import Facts
from flows.watching.shot_rows import Row

_PATIENCE_S = 5.0
_LONGEST_TEXT = 3000


class PrefectSink:
    """The artifacts of one flow run. To be used by one thread; the server is first spoken to in the first call."""

    def __init__(self, flow_run_id: UUID) -> None:
        self._run = str(flow_run_id)
        self._client: Any = None
        self._held = ExitStack()
        self._artifacts: dict[str, str] = {}
        self._own_tags: list[str] | None = None

    def describe(self, name: str, tags: Sequence[str]) -> None:
        """Name the run, and add tags to those it has. Set here they stay off its tasks, where a tag costs seconds."""
        path = f"/flow_runs/{self._run}"
        if self._own_tags is None:
            self._own_tags = list(self._ask("GET", path).json().get("tags", []))
        self._ask("PATCH", path, {"name": name, "tags": list(dict.fromkeys([*self._own_tags, *tags]))})

    def progress(self, key: str, percent: float, text: str) -> None:
        """The server shows the number as plain text, so the line is what counts."""
        self._show(key, "progress", percent, text)

    def table(self, key: str, rows: Sequence[Row], text: str) -> None:
        """A table; with no rows one that says so."""
        # The pages expect a text that holds JSON, and break over the JSON itself.
        self._show(key, "table", json.dumps(list(rows) or [{"state": "nothing to tell"}]), text)

    def page(self, key: str, markdown: str, text: str) -> None:
        """A page of Markdown."""
        self._show(key, "markdown", markdown, text)

    def line(self, text: str, *, bad: bool = False) -> None:
        """A line on the page that a run opens with."""
        line = {
            "name": "foley",
            "level": logging.WARNING if bad else logging.INFO,
            "message": text[:_LONGEST_TEXT],
            "timestamp": datetime.now(UTC).isoformat(),
            "flow_run_id": self._run,
        }
        self._ask("POST", "/logs/", [line])

    def event(self, name: str, resource: str, facts: Facts) -> None:
        """An event that automations can react to, related to the flow run."""
        related = {"prefect.resource.id": f"prefect.flow-run.{self._run}", "prefect.resource.role": "flow-run"}
        event = {
            "id": str(uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": name,
            "resource": {"prefect.resource.id": resource},
            "related": [related],
            "payload": facts,
        }
        self._ask("POST", "/events", [event])

    def close(self) -> None:
        """Let go of the connection."""
        self._client = None
        self._held.close()

    def _show(self, key: str, kind: str, data: Any, text: str) -> None:
        """Make the artifact, or change it in place when this run made it before: so it has one version for each run."""
        content = {"data": data, "description": text[:_LONGEST_TEXT]}
        if key in self._artifacts:
            self._ask("PATCH", f"/artifacts/{self._artifacts[key]}", content)
            return
        made = self._ask("POST", "/artifacts/", {"key": key, "type": kind, "flow_run_id": self._run, **content})
        self._artifacts[key] = str(made.json()["id"])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request. Raises whatever the client raises when the server is gone or says no."""
        return self._connected().request(method, path, **({} if body is None else {"json": _sendable(body)}))

    def _connected(self) -> Any:
        """A client that gives up soon; whoever asked will try again later, when it still matters."""
        if self._client is None:
            from prefect.client.orchestration import get_client
            from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

            self._held.enter_context(temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}))
            client = get_client(httpx_settings={"timeout": _PATIENCE_S}, sync_client=True)
            self._client = self._held.enter_context(client)
        return self._client


def _sendable(news: Any) -> Any:
    """The same without what no server takes in a text: bytes of a file's name that are no letters, and nulls."""
    if isinstance(news, str):
        return news.encode(errors="replace").decode().replace("\0", "?")
    if isinstance(news, dict):
        return {_sendable(name): _sendable(value) for name, value in news.items()}
    return [_sendable(one) for one in news] if isinstance(news, list | tuple) else news
