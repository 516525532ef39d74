"""What the sink asks of Prefect's server, without one."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from flows.watching.prefect_sink import PrefectSink

RUN = UUID(int=7)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """Every request: method, path, body."""
    requests: list[tuple[str, str, Any]] = []

    class Answer:
        def json(self) -> dict[str, Any]:
            return {"id": "made", "tags": ["foley-studio"]}

    def ask(self: PrefectSink, method: str, path: str, body: Any = None) -> Answer:
        requests.append((method, path, body))
        return Answer()

    monkeypatch.setattr(PrefectSink, "_ask", ask)
    return requests


def test_a_table_is_a_text_of_json_and_is_changed_in_place(asked: list[tuple[str, str, Any]]) -> None:
    sink = PrefectSink(RUN)
    sink.table("foley-shots-reel3", [{"state": "failed", "shot": "sh0010"}], "So far")
    sink.table("foley-shots-reel3", [], "At last")
    (made, into, first), (changed, where, second) = asked
    assert (made, into, changed, where) == ("POST", "/artifacts/", "PATCH", "/artifacts/made")
    assert json.loads(first["data"]) == [{"state": "failed", "shot": "sh0010"}]
    assert (first["key"], first["type"], first["flow_run_id"]) == ("foley-shots-reel3", "table", str(RUN))
    assert json.loads(second["data"]) == [{"state": "nothing to tell"}]
    assert second["description"] == "At last"


def test_tags_are_added_to_those_the_run_has(asked: list[tuple[str, str, Any]]) -> None:
    sink = PrefectSink(RUN)
    sink.describe("reel3 - 214 shots", ["harbour", "reel3"])
    assert asked[-1] == (
        "PATCH",
        f"/flow_runs/{RUN}",
        {"name": "reel3 - 214 shots", "tags": ["foley-studio", "harbour", "reel3"]},
    )


def test_a_name_that_is_no_text_reaches_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's name may be bytes of another time's alphabet; a name in an edit may hold a null, which a database of
    the better kind refuses. Neither may cost all that is to be told of the pass."""
    sent: list[bytes] = []

    class Client:
        def request(self, method: str, path: str, json: Any = None) -> httpx.Response:
            sent.append(httpx.Request(method, f"http://test{path}", json=json).content)
            return httpx.Response(200, json={"id": "made", "tags": []})

    monkeypatch.setattr(PrefectSink, "_connected", lambda self: Client())
    sink = PrefectSink(RUN)
    sink.describe("caf\udce9 - 3 shots", ["caf\udce9"])
    sink.line("nul\0 failed")
    sink.event("foley.shot.failed", "foley.pass.x", {"edit": "/show/caf\udce9.otio", "shots": 3})
    assert b'"caf? - 3 shots"' in sent[1]
    assert b'"nul? failed"' in sent[2]
    assert json.loads(sent[3])[0]["payload"] == {"edit": "/show/caf?.otio", "shots": 3}
