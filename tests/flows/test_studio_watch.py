"""What becomes of a crashed run, decided on what the server says."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

from flows.studio.api import Api, ApiError
from flows.studio.watch import NightWatch
from tests.support.waiting import wait_until


class FakeServer:
    """Keeps runs and the states they have had."""

    def __init__(self, *runs: dict[str, Any]) -> None:
        self.all_runs = runs
        self.history: dict[str, list[str]] = {run["id"]: [] for run in runs}
        self.set: list[tuple[str, str]] = []
        self.messages: list[str] = []
        self.asleep = False
        self.heartbeats: dict[str, str] = {}
        self.tasks: dict[str, list[str]] = {}
        self.ended: list[str] = []

    def runs(self, states: Sequence[str], flows: Sequence[str]) -> list[dict[str, Any]]:
        if self.asleep:
            raise ApiError("no answer")
        return [run for run in self.all_runs if run["state"]["type"] in states and run["flow"] in flows]

    def last_heartbeat(self, run_id: str) -> str | None:
        return self.heartbeats.get(run_id)

    def states(self, run_id: str) -> list[dict[str, Any]]:
        return [{"name": name} for name in self.history[run_id]]

    def tasks_at_work(self, *, run_id: str = "", flows: Sequence[str] = (), ended_before: str = "") -> list[str]:
        runs = [run_id] if run_id else self.ended
        return [task for run in runs for task in self.tasks.pop(run, [])]

    def crash_task(self, task_run_id: str, why: str) -> None:
        self.set.append((task_run_id, "CRASHED"))

    def set_state(self, run_id: str, state: dict[str, Any]) -> None:
        self.set.append((run_id, state.get("name", state["type"])))
        self.messages.append(state["message"])


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def a_run(
    name: str,
    state: str,
    *,
    age_s: float = 11,
    worker: str = "box-1",
    tag: str = "foley-studio",
    flow: str = "foley-pass",
) -> dict[str, Any]:
    timestamp = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat()
    return {
        "id": name,
        "deployment_id": "d",
        "tags": [tag],
        "flow": flow,
        "labels": {"prefect.worker.name": worker},
        "state": {"id": f"{name} {state}", "type": state, "timestamp": timestamp, "message": "killed"},
    }


def watch_of(server: FakeServer, clock: Clock | None = None) -> NightWatch:
    return NightWatch(server, pytest.fail, clock or Clock())  # type: ignore[arg-type]


def test_a_settled_crash_is_begun_again() -> None:
    server = FakeServer(a_run("reel1", "CRASHED"))
    watch_of(server).look()
    assert server.set == [("reel1", "RunAgain")]


def test_what_a_run_had_in_work_ends_with_it() -> None:
    server = FakeServer(a_run("reel1", "CRASHED"), a_run("reel2", "RUNNING"))
    server.tasks = {"reel1": ["generate 1"], "reel2": ["generate 2"], "reel0": ["encode 3", "generate 4"]}
    server.ended = ["reel0"]
    watch_of(server).look()
    assert server.set == [
        ("encode 3", "CRASHED"),
        ("generate 4", "CRASHED"),
        ("generate 1", "CRASHED"),
        ("reel1", "RunAgain"),
    ]


def test_a_crash_is_given_time_to_be_reported_twice() -> None:
    server = FakeServer(a_run("reel1", "CRASHED", age_s=9))
    watch_of(server).look()
    assert server.set == []


@pytest.mark.parametrize(("again", "expected"), [(0, "RunAgain"), (1, "RunAgain"), (2, "GivenUp"), (3, "GivenUp")])
def test_three_crashes_are_enough(again: int, expected: str) -> None:
    server = FakeServer(a_run("reel1", "CRASHED"))
    server.history["reel1"] = ["Running", "Crashed", "AwaitingRetry", *["RunAgain"] * again]
    watch_of(server).look()
    assert server.set == [("reel1", expected)]
    if expected == "GivenUp":
        assert f"Crashed {again + 1} times (killed)" in server.messages[0]


def test_crashed_runs_of_others_are_left_alone() -> None:
    local = a_run("local", "CRASHED") | {"deployment_id": None}
    others = a_run("tagged alike", "CRASHED", flow="nightly-backup")
    server = FakeServer(a_run("theirs", "CRASHED", tag="theirs"), local, others, a_run("fine", "RUNNING"))
    watch_of(server).look()
    assert server.set == []


def test_the_runs_of_a_dead_worker_die_with_it() -> None:
    server = FakeServer(
        a_run("mine", "RUNNING"),
        a_run("waiting", "PENDING"),
        a_run("not wanted", "CANCELLING"),
        a_run("other", "RUNNING", worker="box-2"),
    )
    watch = watch_of(server)
    watch.worker_died("box-1")
    watch.look()
    assert server.set == [("mine", "CRASHED"), ("waiting", "CRASHED"), ("not wanted", "CANCELLED")]


def test_what_the_next_worker_of_the_name_has_taken_since_lives() -> None:
    server = FakeServer(a_run("before", "RUNNING", age_s=5), a_run("since", "PENDING", age_s=-5))
    watch = watch_of(server)
    watch.worker_died("box-1")
    watch.look()
    assert server.set == [("before", "CRASHED")]


def test_a_further_machine_tells_of_its_own_dead_only() -> None:
    server = FakeServer(a_run("mine", "RUNNING"), a_run("crashed", "CRASHED"), a_run("other", "RUNNING", worker="b-1"))
    clock = Clock()
    watch = NightWatch(server, pytest.fail, clock, deaths_only=True)  # type: ignore[arg-type]
    watch.worker_died("box-1")
    for _ in range(3):
        watch.look()
        clock.now += 100
    assert server.set == [("mine", "CRASHED")]


def test_a_death_is_not_forgotten_while_the_server_is_down() -> None:
    server = FakeServer(a_run("mine", "RUNNING"))
    watch = watch_of(server)
    watch.worker_died("box-1")
    server.asleep = True
    with pytest.raises(ApiError):
        watch.look()
    server.asleep = False
    watch.look()
    assert server.set == [("mine", "CRASHED")]


def test_a_run_without_a_sign_of_life_is_lost_wherever_it_came_from() -> None:
    by_hand = a_run("by hand", "RUNNING", tag="") | {"deployment_id": None}
    runs = [a_run("lost", "RUNNING"), by_hand, a_run("alive", "RUNNING"), a_run("mute", "RUNNING")]
    server = FakeServer(*runs, a_run("not wanted", "CANCELLING"))
    server.heartbeats = dict.fromkeys(("lost", "by hand", "alive", "not wanted"), "beat 1")
    clock = Clock()
    watch = watch_of(server, clock)
    for second in range(90):
        server.heartbeats["alive"] = f"beat {second // 30}"
        watch.look()
        clock.now += 1
    assert server.set == []
    watch.look()
    assert server.set == [("lost", "CRASHED"), ("by hand", "CRASHED"), ("not wanted", "CANCELLED")]


def test_an_old_heartbeat_of_a_run_that_has_just_been_begun_again_is_not_its_death() -> None:
    """It may have waited for hours; and by the wall clock nothing here is late or early."""
    server = FakeServer(a_run("again", "PENDING"))
    clock = Clock()
    watch = watch_of(server, clock)
    server.heartbeats["again"] = "beat of the first time"
    for _ in range(50):
        watch.look()
        clock.now += 5
    server.all_runs = (a_run("again", "RUNNING"),)
    for _ in range(17):
        watch.look()
        clock.now += 5
    assert server.set == []


def test_a_run_that_nobody_begins_is_lost_after_ten_minutes_and_another_flows_never() -> None:
    server = FakeServer(a_run("claimed", "PENDING"), a_run("theirs", "PENDING", flow="backup"))
    clock = Clock()
    watch = watch_of(server, clock)
    watch.look()
    clock.now += 599
    watch.look()
    assert server.set == []
    clock.now += 1
    watch.look()
    assert server.set == [("claimed", "CRASHED")]


def test_time_in_which_the_server_could_not_be_told_does_not_count() -> None:
    server = FakeServer(a_run("alive", "RUNNING"))
    clock = Clock()
    watch = watch_of(server, clock)
    server.heartbeats = {"alive": "the last one before the server died"}
    watch.look()
    server.asleep = True
    clock.now += 120
    with pytest.raises(ApiError):
        watch.look()
    server.asleep = False
    for _ in range(9):
        watch.look()
        clock.now += 10
    assert server.set == []
    server.heartbeats = {"alive": "the first one after it"}
    watch.look()
    assert server.set == []


def test_no_answer_ends_the_watch_and_a_lasting_one_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = FakeServer(a_run("reel1", "CRASHED"))
    said: list[str] = []
    nonsense: list[Any] = [ApiError("POST: no answer"), TypeError("string indices"), KeyError("state")] * 10
    answer = server.runs

    def runs(states: Sequence[str], flows: Sequence[str]) -> list[dict[str, Any]]:
        if nonsense:
            raise nonsense.pop()
        return answer(states, flows)

    monkeypatch.setattr(server, "runs", runs)
    monkeypatch.setattr("flows.studio.watch._LOOK_EVERY_S", 0.001)
    watch = NightWatch(server, said.append)  # type: ignore[arg-type]
    watch.begin()
    wait_until(lambda: server.set, "the first order")
    watch.end()
    assert server.set[0] == ("reel1", "RunAgain")
    assert len(said) == 1


class Unsteady(BaseHTTPRequestHandler):
    """Says what the test put there, byte for byte."""

    replies: ClassVar[list[bytes]] = []
    asked: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        self.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.wfile.write(self.replies.pop(0))
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    server = HTTPServer(("127.0.0.1", 0), Unsteady)
    Thread(target=server.serve_forever, daemon=True).start()
    Unsteady.replies.clear()
    Unsteady.asked.clear()
    yield Api(f"http://127.0.0.1:{server.server_port}/api", "foley:mine")
    server.shutdown()
    server.server_close()


def reply(document: Any) -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{",  # killed while it answered
        b"SSH-2.0-OpenSSH\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_whatever_a_dying_server_says_is_worth_another_try(api: Api, broken: bytes) -> None:
    Unsteady.replies.append(broken)
    with pytest.raises(ApiError, match="POST /flow_runs/filter"):
        api.runs(["RUNNING"], ["foley-pass"])


def test_all_runs_are_seen_however_many(api: Api) -> None:
    Unsteady.replies[:] = [reply([{"id": n} for n in range(200)]), reply([{"id": 200}])]
    assert len(api.runs(["RUNNING"], ["foley-pass"])) == 201
    assert [asked["offset"] for asked in Unsteady.asked] == [0, 200]
    assert Unsteady.asked[0]["flows"] == {"name": {"any_": ["foley-pass"]}}


def test_a_heartbeat_of_a_machine_whose_clock_is_fast_is_found(api: Api) -> None:
    Unsteady.replies.append(reply({"events": [{"id": "beat"}]}))
    assert api.last_heartbeat("r") == "beat"
    until = datetime.fromisoformat(Unsteady.asked[0]["filter"]["occurred"]["until"])
    assert until > datetime.now(UTC) + timedelta(hours=12)
