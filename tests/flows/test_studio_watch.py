"""What becomes of a crashed run, decided on what the server says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.studio.api import ApiError
from flows.studio.watch import NightWatch


class FakeServer:
    """Keeps runs and the states they have had."""

    def __init__(self, *runs: dict[str, Any]) -> None:
        self.all_runs = runs
        self.history: dict[str, list[str]] = {run["id"]: [] for run in runs}
        self.set: list[tuple[str, dict[str, Any]]] = []
        self.asleep = False
        self.heartbeat_ages_s: dict[str, float] = {}

    def runs(self, state: dict[str, Any], *, tag: str | None = None, limit: int) -> list[dict[str, Any]]:
        if self.asleep:
            raise ApiError("no answer")
        fitting = [run for run in self.all_runs if run["state"]["type"] in state["type"]["any_"]]
        return [run for run in fitting if tag is None or tag in run["tags"]]

    def last_heartbeat(self, run_id: str) -> str | None:
        age_s = self.heartbeat_ages_s.get(run_id)
        return None if age_s is None else (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat()

    def states(self, run_id: str) -> list[dict[str, Any]]:
        return [{"name": name} for name in self.history[run_id]]

    def set_state(self, run_id: str, state: dict[str, Any]) -> None:
        self.set.append((run_id, state))


def a_run(
    name: str, state: str, *, age_s: float = 11, worker: str = "box-1", tag: str = "foley-studio"
) -> dict[str, Any]:
    timestamp = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat()
    return {
        "id": name,
        "deployment_id": "d",
        "tags": [tag],
        "labels": {"prefect.worker.name": worker},
        "state": {"type": state, "timestamp": timestamp, "message": "killed"},
    }


def test_a_settled_crash_is_begun_again() -> None:
    server = FakeServer(a_run("reel1", "CRASHED"))
    NightWatch(server).look()  # type: ignore[arg-type]
    ((name, state),) = server.set
    assert (name, state["type"], state["name"]) == ("reel1", "SCHEDULED", "RunAgain")


def test_a_crash_is_given_time_to_be_reported_twice() -> None:
    server = FakeServer(a_run("reel1", "CRASHED", age_s=9))
    NightWatch(server).look()  # type: ignore[arg-type]
    assert server.set == []


@pytest.mark.parametrize(("again", "expected"), [(0, "RunAgain"), (1, "RunAgain"), (2, "GivenUp"), (3, "GivenUp")])
def test_three_crashes_are_enough(again: int, expected: str) -> None:
    server = FakeServer(a_run("reel1", "CRASHED"))
    server.history["reel1"] = ["Running", "Crashed", "AwaitingRetry", *["RunAgain"] * again]
    NightWatch(server).look()  # type: ignore[arg-type]
    assert server.set[0][1]["name"] == expected
    if expected == "GivenUp":
        assert f"Crashed {again + 1} times (killed)" in server.set[0][1]["message"]


def test_runs_of_others_are_left_alone() -> None:
    local = a_run("local", "CRASHED") | {"deployment_id": None}
    server = FakeServer(a_run("theirs", "CRASHED", tag="theirs"), local, a_run("fine", "RUNNING"))
    NightWatch(server).look()  # type: ignore[arg-type]
    assert server.set == []


def test_the_runs_of_a_dead_worker_die_with_it() -> None:
    server = FakeServer(
        a_run("mine", "RUNNING"), a_run("waiting", "PENDING"), a_run("other", "RUNNING", worker="box-2")
    )
    watch = NightWatch(server)  # type: ignore[arg-type]
    watch.worker_died("box-1")
    watch.look()
    assert [(name, state["type"]) for name, state in server.set] == [("mine", "CRASHED"), ("waiting", "CRASHED")]


def test_a_death_is_not_forgotten_while_the_server_is_down() -> None:
    server = FakeServer(a_run("mine", "RUNNING"))
    watch = NightWatch(server)  # type: ignore[arg-type]
    watch.worker_died("box-1")
    server.asleep = True
    with pytest.raises(ApiError):
        watch.look()
    server.asleep = False
    watch.look()
    assert [name for name, _ in server.set] == ["mine"]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_run_without_a_sign_of_life_is_lost_wherever_it_came_from() -> None:
    by_hand = a_run("by hand", "RUNNING", tag="") | {"deployment_id": None}
    server = FakeServer(a_run("lost", "RUNNING"), by_hand, a_run("alive", "RUNNING"), a_run("mute", "RUNNING"))
    server.heartbeat_ages_s = {"lost": 91, "by hand": 91, "alive": 89}
    clock = Clock()
    watch = NightWatch(server, clock)  # type: ignore[arg-type]
    watch.look()
    assert server.set == []
    clock.now += 90
    watch.look()
    assert [(name, state["type"]) for name, state in server.set] == [("lost", "CRASHED"), ("by hand", "CRASHED")]


def test_time_in_which_the_server_could_not_be_told_does_not_count() -> None:
    server = FakeServer(a_run("alive", "RUNNING"))
    clock = Clock()
    watch = NightWatch(server, clock)  # type: ignore[arg-type]
    watch.look()
    server.asleep = True
    clock.now += 120
    with pytest.raises(ApiError):
        watch.look()
    server.asleep = False
    server.heartbeat_ages_s = {"alive": 125}
    for _ in range(8):
        clock.now += 10
        watch.look()
    assert server.set == []
    server.heartbeat_ages_s = {"alive": 5}
    clock.now += 60
    watch.look()
    assert server.set == []
