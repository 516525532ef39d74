"""Shares of a pass: every shot is in exactly one, and a share reports its own shots alone."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Completed, Crashed, Failed, Pending, Running, Scheduled

from flows.desk import Desk, PassEvent, nobody
from flows.fan_out import run_edits
from flows.local_runner import local_tasks
from flows.options import PassOptions
from flows.orders import Order
from flows.pass_run import PassRun
from flows.planning.plan import plan_pass
from flows.run import _warm_up
from flows.share import _going_on, foley_share, options_elsewhere, share_of, share_out
from flows.work.slots import take_slot
from flows.work.workshop import ThreadWorkshop
from tests.support.passes import Cut, FakeEngine

pytestmark = pytest.mark.usefixtures("card")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_every_shot_is_in_exactly_one_share(
    parts: int,
    engine: FakeEngine,
    movie: Callable[[str], Path],
    edit_of: Callable[..., Path],
    options: PassOptions,
) -> None:
    cuts = [Cut(name="train", media=movie("a.mp4") if n % 5 else None, first=n) for n in range(10)]
    plan = plan_pass(edit_of(*cuts), options)
    shares = [share_of(plan, part, parts) for part in range(parts)]
    shots = sorted(job.shot_id for share in shares for job in share.jobs)
    assert shots == sorted(job.shot_id for job in plan.jobs)
    assert len(shots) == 8
    for share in shares:
        assert [shot.shot_id for shot in share.edit.shots] == [job.shot_id for job in share.jobs]
        assert not share.settled
    assert max(len(share.jobs) for share in shares) - min(len(share.jobs) for share in shares) <= 1


@pytest.fixture
def given_away(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is asked of other workers; none of them ever answers, and no server is there to hear of the own share."""
    asked: list[dict[str, Any]] = []

    def run_deployment(name: str, *, parameters: dict[str, Any], **more: Any) -> SimpleNamespace:
        asked.append(parameters | {"key": more["idempotency_key"]})
        return SimpleNamespace(id=uuid4())

    monkeypatch.setattr("prefect.deployments.run_deployment", run_deployment)
    monkeypatch.setattr("flows.share._wait_for", lambda shares, closed: None)
    return asked


@pytest.fixture
def order(movie: Movie, edit_of: EditOf, options: PassOptions) -> Order:
    edit = edit_of(*(Cut(name="train", media=movie("a.mp4"), first=n) for n in range(9)))
    return Order(edit=edit, options=options.model_copy(update={"workers": 3}))


def test_a_share_is_done_with_the_store_and_the_files_that_are_meant_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOLEY_STORE", "mine")
    told = PassOptions(
        labels=Path("cues.csv"),
        conform=Path("last"),
        media_roots=(Path("media"),),
        model="./models/own",
        device="cuda:1",
        sequence="reel 3",
        workers=3,
    )
    there = options_elsewhere(told)
    assert (there.store, there.labels, there.conform) == (tmp_path / "mine", tmp_path / "cues.csv", tmp_path / "last")
    assert (there.media_roots, there.model) == ((tmp_path / "media",), str(tmp_path / "models" / "own"))
    assert (there.device, there.sequence, there.workers, there.out) == ("cuda", "reel 3", 1, None)
    assert options_elsewhere(PassOptions(device="cpu", model="mini")).device == "cpu"


def test_what_the_others_leave_undone_is_made_after_the_waiting(
    engine: FakeEngine, given_away: list[dict[str, Any]], order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.share.flow_run", SimpleNamespace(id="this-run"))
    with local_tasks() as tasks, closing(PassRun(ThreadWorkshop())) as run:
        left = share_out([order], run.engine, tasks, nobody)
        assert len(engine.made) == 3
        (outcome,) = run_edits(left, run, tasks, nobody)
    assert outcome.report and outcome.report.summary == "6 shots made, 3 cached; 9 cues laid"
    assert len(engine.made) == 9
    assert [(share["part"], share["parts"], share["until"]) for share in given_away] == [(1, 3, None), (2, 3, None)]
    # Begun again after a crash, the same run asks for the same two shares.
    assert [share["key"] for share in given_away] == ["this-run share 1 of 3", "this-run share 2 of 3"]


def test_without_a_studio_everything_is_made_here_and_a_person_is_told(
    engine: FakeEngine, given_away: list[dict[str, Any]], order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(name: str, **more: Any) -> None:
        raise LookupError("no such deployment\nand more")

    monkeypatch.setattr("prefect.deployments.run_deployment", nowhere)
    told: list[PassEvent] = []
    with local_tasks() as tasks, closing(PassRun(ThreadWorkshop())) as run:
        (outcome,) = run_edits(share_out([order], run.engine, tasks, told.append), run, tasks, nobody)
    assert outcome.exit_code == 0 and (engine.loads, len(engine.made)) == (1, 9)
    assert [event.text for event in told] == [
        "sharing the work between 3 workers",
        "share 2 could not be given away (no such deployment): it is made here",
    ]


def test_who_waits_for_shares_does_not_hold_the_gpu_that_they_need(
    engine: FakeEngine,
    given_away: list[dict[str, Any]],
    order: Order,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FOLEY_SLOTS", str(tmp_path))
    monkeypatch.setattr("flows.work.workshop.named_device", lambda device: "cuda:0")
    held: list[str] = []

    def wait_for(shares: object, closed: object) -> None:
        slot = take_slot("cuda:0", pytest.fail)
        assert slot
        held.append("by the share")
        slot.release()

    monkeypatch.setattr("flows.share._wait_for", wait_for)
    with local_tasks() as tasks, closing(PassRun(ThreadWorkshop())) as run:
        (outcome,) = run_edits(share_out([order], run.engine, tasks, nobody), run, tasks, nobody)
    assert held == ["by the share"] and outcome.exit_code == 0


def test_no_model_is_loaded_behind_the_back_of_who_shares_out(engine: FakeEngine, order: Order) -> None:
    alone = replace(order, options=order.options.model_copy(update={"workers": 1}))
    for asked, loads in ((order, 0), (alone, 1)):
        desk = Desk(plan=plan_pass(asked.edit, asked.options), workshop=ThreadWorkshop())
        _warm_up(desk)
        assert engine.loads == loads
        assert desk.workshop
        desk.workshop.close()


def test_after_the_deadline_no_share_is_given_away_and_one_that_was_makes_nothing_more(
    engine: FakeEngine, given_away: list[dict[str, Any]], order: Order
) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with local_tasks() as tasks, closing(PassRun(ThreadWorkshop())) as run:
        assert share_out([order], run.engine, tasks, nobody, end=past) == [order]
    assert not given_away
    state = foley_share.fn({order.edit: None}, order.options, part=1, parts=3, until=past)
    assert state.message == "reel: not begun" and not engine.made


def test_what_is_made_when_the_deadline_comes_is_laid(
    engine: FakeEngine, given_away: list[dict[str, Any]], order: Order, options: PassOptions
) -> None:
    whole = plan_pass(order.edit, options)
    with local_tasks() as tasks, closing(PassRun(ThreadWorkshop())) as run:
        elsewhere = options.model_copy(update={"out": whole.folder / "else"})
        run_edits([Order(edit=order.edit, options=elsewhere)], run, tasks, nobody)
        orders = share_out([order], run.engine, tasks, nobody, end=datetime.now(UTC) + timedelta(hours=1))
        (outcome,) = run_edits(orders, run, tasks, nobody, closed=lambda: True)
    assert outcome.report and outcome.report.summary == "9 shots cached; 9 cues laid"
    assert [share["until"] is None for share in given_away] == [False, False]


def test_a_pass_that_is_stopped_calls_off_its_shares(
    engine: FakeEngine, given_away: list[dict[str, Any]], order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, str]] = []

    class Client:
        def __enter__(self) -> "Client":
            return self

        def __exit__(self, *error: object) -> None:
            return None

        def set_flow_run_state(self, run: object, state: Any) -> None:
            told.append((run, state.name))

    def interrupted(shares: object, closed: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flows.share._wait_for", interrupted)
    monkeypatch.setattr("prefect.client.orchestration.get_client", lambda **how: Client())
    with local_tasks() as tasks, closing(PassRun(ThreadWorkshop())) as run, pytest.raises(KeyboardInterrupt):
        share_out([order], run.engine, tasks, nobody)
    assert [name for _, name in told] == ["Cancelling", "Cancelling"]


class FakeServer:
    """Knows one share, in a state that began so many seconds ago."""

    def __init__(self, state: State[Any], seconds: float, begun: int) -> None:
        state.timestamp = datetime.now(UTC) - timedelta(seconds=seconds)
        self.run = SimpleNamespace(state=state, run_count=begun)
        self.taken_back = False

    def read_flow_run(self, share: UUID) -> SimpleNamespace:
        return self.run

    def set_flow_run_state(self, share: UUID, state: State[Any], force: bool) -> None:
        assert state.is_cancelled() and force
        self.taken_back = True


@pytest.mark.parametrize(
    ("state", "seconds", "begun", "goes_on", "taken_back"),
    [
        (Scheduled(), 5, 0, True, False),
        (Scheduled(), 16, 0, False, True),
        (Pending(), 5, 0, True, False),
        (Pending(), 16, 0, True, False),
        (Pending(), 121, 0, False, True),
        (Crashed(), 16, 1, True, False),
        (Crashed(), 121, 1, False, True),
        (Failed(name="GivenUp"), 1, 3, False, False),
        (Scheduled(), 16, 1, True, False),
        (Scheduled(), 121, 1, False, True),
        (Running(), 5000, 1, True, False),
        (Completed(), 1, 1, False, False),
    ],
)
def test_a_share_that_nobody_begins_is_taken_back(
    state: State[Any], seconds: float, begun: int, goes_on: bool, taken_back: bool
) -> None:
    server = FakeServer(state, seconds, begun)
    assert _going_on(server, uuid4()) is goes_on
    assert server.taken_back is taken_back
