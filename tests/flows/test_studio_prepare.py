"""What a studio that starts does with the runs the last one left, and how automations are kept."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from flows.server.prefect_env import set_defaults

set_defaults()


def a_run(state: str, *, begun: int = 1, worker: str = "box-1") -> Any:
    from prefect.client.schemas.objects import FlowRun, State, StateType

    return FlowRun(
        flow_id=uuid4(), state=State(type=StateType(state)), run_count=begun, labels={"prefect.worker.name": worker}
    )


@pytest.mark.parametrize(
    ("state", "begun", "expected"),
    [
        ("RUNNING", 1, "AwaitingRetry"),
        ("PENDING", 0, "AwaitingRetry"),
        ("RUNNING", 5, "AwaitingRetry"),
        ("RUNNING", 6, "Crashed"),
        ("CANCELLING", 1, "Cancelled"),
    ],
)
def test_an_unfinished_run_goes_on_unless_it_was_cancelled_or_never_ends(state: str, begun: int, expected: str) -> None:
    from flows.studio.prepare import handed_back

    assert handed_back(a_run(state, begun=begun)).name == expected


@pytest.mark.parametrize(
    ("worker", "own"), [("box-1", True), ("box-nights", True), ("box-2-1", False), ("boxer-1", False), ("", False)]
)
def test_only_runs_of_this_machines_workers_are_its_own(worker: str, own: bool) -> None:
    from flows.studio.prepare import is_of

    assert is_of("box", a_run("RUNNING", worker=worker)) is own


@pytest.mark.parametrize(("pool", "own"), [("foley-nights", True), ("foley-passes", False), (None, False)])
def test_a_night_that_was_just_being_taken_is_this_machines(pool: str | None, own: bool) -> None:
    from flows.studio.prepare import is_of

    run = a_run("PENDING", begun=0, worker="")
    run.work_pool_name = pool
    assert is_of("box", run) is own


def planned(schedule: UUID, hours_ago: float, until: str | None = None) -> Any:
    """A run that a schedule had planned so long ago, and nobody began."""
    run = a_run("SCHEDULED", begun=0)
    run.deployment_id, run.expected_start_time = schedule, NOW - timedelta(hours=hours_ago)
    run.parameters = {"night": {"inbox": "in", "out": "out", "until": until}}
    return run


NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours_ago", "until_hours", "begun"),
    [(0.9, None, True), (1.1, None, False), (11, 10, False), (11, 12, True), (0.5, 0.4, False), (49, 12, False)],
)
def test_a_night_that_was_due_while_the_studio_was_down_begins_when_its_time_is_not_over(
    hours_ago: float, until_hours: float | None, begun: bool
) -> None:
    from flows.studio.prepare import missed

    until = None if until_hours is None else local(NOW - timedelta(hours=hours_ago - until_hours))
    assert len(missed([planned(uuid4(), hours_ago, until)], NOW)) == (0 if begun else 1)


def local(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M}"


def test_of_many_looks_that_were_due_only_the_last_is_taken() -> None:
    from flows.studio.prepare import missed

    one, other = uuid4(), uuid4()
    looks = [planned(one, hours_ago) for hours_ago in (0.1, 0.3, 0.2)]
    alone = planned(other, 0.5)
    assert missed([*looks, alone], NOW) == [looks[1], looks[2]]


def test_a_schedule_that_makes_no_sense_does_not_keep_the_studio_from_starting() -> None:
    from flows.studio.prepare import missed

    runs = [planned(uuid4(), 0.5, "7 am"), planned(uuid4(), 2, "7 am"), planned(uuid4(), 0.5)]
    runs[2].parameters = {"night": "tonight"}
    assert missed(runs, NOW) == [runs[1]]


class FakeClient:
    """Keeps automations, and counts what is done to them."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.done: list[str] = []

    def __enter__(self) -> "FakeClient":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def read_automations_by_name(self, name: str) -> list[Any]:
        return [one for one in self.kept if one.name == name]

    def create_automation(self, automation: Any) -> None:
        from prefect.events.schemas.automations import Automation

        self.done.append("create")
        self.kept.append(Automation(id=uuid4(), **automation.model_dump()))

    def update_automation(self, key: Any, automation: Any) -> None:
        self.done.append("update" if automation.enabled else "update, off")

    def delete_automation(self, key: Any) -> None:
        self.done.append("delete")
        self.kept = [one for one in self.kept if one.id != key]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    fake = FakeClient()
    monkeypatch.setattr("prefect.client.orchestration.get_client", lambda sync_client: fake)
    return fake


def test_an_automation_is_made_once_and_then_left_alone(client: FakeClient) -> None:
    from flows.server.automations import drop, keep
    from flows.studio.notify import MAIL, tells

    block = uuid4()
    keep(tells(MAIL, block, finished=False))
    keep(tells(MAIL, block, finished=False))
    assert client.done == ["create"]
    assert drop("Foley: tell by mail")
    assert not drop("Foley: tell by mail")


def test_an_automation_that_changed_is_mended_and_a_twin_removed(client: FakeClient) -> None:
    from flows.server.automations import keep
    from flows.studio.notify import MAIL, tells

    telling = tells(MAIL, uuid4(), finished=False)
    for _ in range(2):
        client.create_automation(telling)
    client.done.clear()
    client.kept[0] = client.kept[0].model_copy(update={"description": "older", "enabled": False})
    keep(telling)
    assert client.done == ["update, off", "delete"]


def test_who_is_told_when() -> None:
    from flows.studio.notify import MAIL, tells

    trigger: Any = tells(MAIL, uuid4(), finished=False).trigger
    assert "prefect.flow-run.CompletedWithFailures" in trigger.expect
    assert "prefect.flow-run.GivenUp" in trigger.expect
    assert "prefect.flow-run.ToBeContinued" in trigger.expect
    assert "prefect.flow-run.Completed" not in trigger.expect
    also: Any = tells(MAIL, uuid4(), finished=True).trigger
    assert also.expect - trigger.expect == {"prefect.flow-run.Completed"}


def test_runs_are_started_on_the_leash_of_their_worker() -> None:
    from flows.studio.prepare import _job_template

    template = _job_template()
    assert template["variables"]["properties"]["command"]["default"].endswith("-m flows.studio.leash prefect.engine")
    assert template["job_configuration"]["command"] == "{{ command }}"
