"""The pass as a Prefect flow, on a server of its own that is started once for this file."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.desk import DESK, Desk
from flows.night import Asked
from flows.options import NightOptions, PassOptions
from flows.run import run_pass
from flows.server.prefect_env import set_defaults
from pipeline.errors import MediaError, OutOfMemoryError
from tests.support.passes import Cut, FakeEngine, shared_of
from tests.support.waiting import wait_until
from timeline_io.errors import TimelineError

set_defaults()

pytestmark = [pytest.mark.steady, pytest.mark.usefixtures("card", "prefect_server")]
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]


@pytest.fixture(scope="module")
def prefect_server() -> Iterator[None]:
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


def as_deployed(edit: Path, options: PassOptions) -> tuple[Any, Desk]:
    """Run the flow as a worker would, which has planned nothing beforehand; its final state."""
    from flows.foley_pass import foley_pass

    desk = Desk()
    token = DESK.set(desk)
    try:
        return foley_pass(edit, options, return_state=True), desk
    finally:
        DESK.reset(token)


def test_a_pass_under_prefect_makes_what_a_pass_on_threads_makes(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    edit = edit_of(*(Cut(name=f"train {n}", media=movie("a.mp4"), first=n) for n in range(10)))
    with_it = run_pass(edit, options)
    fresh = options.model_copy(update={"store": tmp_path / "other store", "out": tmp_path / "other"})
    without = run_pass(edit, fresh, with_prefect=False)
    assert with_it.exit_code == 0
    assert [shot.cues[0].sha256 for shot in with_it.shots] == [shot.cues[0].sha256 for shot in without.shots]
    assert [len(batch) for batch in engine.batches] == [8, 2, 8, 2]


def test_all_made_is_completed(engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions) -> None:
    state, _ = as_deployed(edit_of(Cut(name="train", media=movie("a.mp4"))), options)
    assert (state.name, state.message) == ("Completed", "reel: 1 shot made; 1 cue laid")


def test_a_failed_shot_is_named_in_the_state(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    engine.errors_by_media = {"b.mp4": MediaError("b.mp4 has no frame there")}
    state, _ = as_deployed(
        edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="train", media=movie("b.mp4"))), options
    )
    assert state.is_completed()
    assert state.name == "CompletedWithFailures"
    assert "1 shot made, 1 failed" in state.message


def test_nothing_made_is_failed_and_says_what_to_look_at(
    engine: FakeEngine, edit_of: EditOf, options: PassOptions
) -> None:
    state, _ = as_deployed(edit_of(Cut(name="train", media=None)), options)
    assert state.is_failed()
    assert "gone.mov" in state.message


def test_silence_everywhere_is_no_failure(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    engine.hears = ()
    state, _ = as_deployed(edit_of(Cut(name="A002", media=movie("a.mp4"))), options)
    assert (state.is_completed(), state.name) == (True, "NothingToLay")


def test_a_night_that_goes_on_after_its_deadline_lays_what_is_complete_and_begins_nothing(
    engine: FakeEngine,
    movie: Movie,
    edit_of: EditOf,
    options: PassOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from flows.overnight import overnight

    complete, begun = (edit_of(Cut(name="train", media=movie(f"{n}.mp4")), name=f"{n}.otio") for n in "ab")
    run_pass(complete, options.model_copy(update={"out": tmp_path / "elsewhere"}), with_prefect=False)
    night = NightOptions(edits=(complete, begun), out=tmp_path / "night", until="07:00", options=shared_of(options))
    two_days_ago = Asked(moment=datetime.now(UTC) - timedelta(days=2), begun=True)
    monkeypatch.setattr("flows.overnight._asked", lambda: two_days_ago)
    state = overnight(night, return_state=True)
    assert (state.name, state.message) == ("ToBeContinued", "2 edits, 1 finished, 1 to be continued")
    assert len(engine.made) == 1 and (tmp_path / "night" / "a_foley").is_dir()


def test_a_watched_inbox_tells_of_a_broken_edit_once(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    from flows.overnight import overnight

    def look() -> tuple[str, str | None]:
        state = overnight(night, return_state=True)
        return state.type.value, state.name

    bad = tmp_path / "bad.otio"
    bad.write_text("no edit")
    good = edit_of(Cut(name="train", media=movie("a.mp4")))
    night = NightOptions(edits=(bad,), out=tmp_path / "night", remind_h=12, options=shared_of(options))
    assert [look() for _ in range(2)] == [("FAILED", "Failed"), ("FAILED", "StillFailing")]
    night = night.model_copy(update={"edits": (bad, good)})
    # The other edit is finished in the first of these looks, and unchanged in the second.
    assert [look() for _ in range(2)] == [("COMPLETED", "CompletedWithFailures"), ("COMPLETED", "StillFailing")]
    bad.write_text("no edit either")
    assert look() == ("COMPLETED", "CompletedWithFailures")
    night = night.model_copy(update={"edits": (good,)})
    assert look() == ("COMPLETED", "NothingToDo")
    night = night.model_copy(update={"inbox": tmp_path / "unplugged"})
    assert [look() for _ in range(2)] == [("FAILED", "Failed"), ("FAILED", "StillFailing")]
    night = night.model_copy(update={"remind_h": 0})
    assert look() == ("FAILED", "Failed")


def test_an_edit_that_cannot_be_read_is_failed_with_its_sentence(
    engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    state, desk = as_deployed(tmp_path / "gone.otio", options)
    assert state.is_failed()
    assert "gone.otio" in state.message
    assert desk.outcomes and isinstance(desk.outcomes[0].error, TimelineError)


def test_a_share_that_was_taken_back_makes_nothing(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    """A worker may be about to begin it at that moment, and Prefect lets a run go from Cancelled to Running."""
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow
    from prefect.states import Cancelled, Pending

    from flows.share import foley_share

    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="train", media=movie("a.mp4"), first=1))
    given = {"edits": {str(edit): None}, "options": options.model_dump(mode="json"), "part": 0, "parts": 2}
    with get_client(sync_client=True) as client:
        taken_back, wanted = (client.create_flow_run(foley_share, parameters=given, state=Pending()) for _ in range(2))
        client.set_flow_run_state(taken_back.id, Cancelled(), force=True)
        taken_back = client.read_flow_run(taken_back.id)
    ended: Any = run_flow(foley_share, flow_run=taken_back, parameters=given, return_type="state")
    assert (ended.is_cancelled(), len(engine.made)) == (True, 0)
    ended = run_flow(foley_share, flow_run=wanted, parameters=given, return_type="state")
    assert (ended.is_completed(), len(engine.made)) == (True, 1)


def task_runs_of(edit: Path, options: PassOptions, *, expected: int) -> list[Any]:
    """The task runs of a pass, as soon as the server has written down so many of them as over."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    state, _ = as_deployed(edit, options)
    found: list[Any] = []
    with get_client(sync_client=True) as client:

        def are_there() -> bool:
            found[:] = client.read_task_runs(
                flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
            )
            return len([run for run in found if run.state and run.state.is_final()]) >= expected

        wait_until(are_there, "the task runs of the pass")
    return found


def test_the_page_of_a_run_tells_what_was_done(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    engine.errors_by_media = {"b.mp4": MediaError("b.mp4 has no frame there")}
    cuts = [Cut(name=f"train {n}", media=movie("b.mp4" if n == 4 else "a.mp4"), first=n) for n in range(6)]
    found = task_runs_of(edit_of(*cuts), options, expected=14)
    by_name = {run.name: run for run in found}
    assert set(by_name) == {
        "plan_edit reel",
        *(f"encode_frames sh00{n}0" for n in range(1, 7)),
        *(f"detect_cues sh00{n}0" for n in (1, 2, 3, 4, 6)),
        *(name for name in by_name if name.startswith("generate_takes 5 cues")),
        "lay_tracks reel",
    }
    failed = {name: run.state.message for name, run in by_name.items() if not run.state.is_completed()}
    assert failed == {"encode_frames sh0050": "b.mp4 has no frame there"}
    # The arrows of its graph.
    (parent,) = by_name["detect_cues sh0010"].task_inputs["wait_for"]
    assert parent.id == by_name["encode_frames sh0010"].id
    (generated,) = (run for name, run in by_name.items() if name.startswith("generate_takes"))
    assert len(generated.task_inputs["wait_for"]) == 5


def test_what_failed_in_company_only_is_not_red_and_what_failed_alone_was_tried_again(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    engine.errors_by_label = {"bouncing ball": OutOfMemoryError("no memory for it")}
    names = ["train", "ball", "train"]
    cuts = [Cut(name=name, media=movie("a.mp4"), first=n) for n, name in enumerate(names)]
    found = task_runs_of(edit_of(*cuts), options, expected=10)
    failed = {run.name: run for run in found if not run.state.is_completed()}
    (alone,) = failed.values()
    assert alone.name == "generate_takes 1 cue (sh0020), attempt 2"
    assert alone.state.message == "set aside after 3 tries: no memory for it" and alone.run_count == 2
    (batch,) = (run for run in found if run.name.startswith("generate_takes 3 cues"))
    assert "1 of 3 are tried again alone" in batch.state.message


def test_options_nobody_knows_are_refused() -> None:
    from prefect.exceptions import ParameterTypeError

    from flows.foley_pass import foley_pass

    with pytest.raises(ParameterTypeError):
        foley_pass.validate_parameters({"edit": "reel.otio", "options": {"nonsense": 1}})


def test_tasks_carry_no_tags_and_keep_no_results() -> None:
    from prefect.cache_policies import NO_CACHE

    from flows import tasks

    for task in (tasks.plan_edit, tasks.encode_frames, tasks.detect_cues, tasks.generate_takes, tasks.lay_tracks):
        assert not task.tags
        assert task.persist_result is False
        assert task.cache_policy is NO_CACHE
