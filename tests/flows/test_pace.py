"""What a machine knows of its own speed, and how honest the remaining time is, on made-up clocks."""

import json
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from flows.desk import PassEvent
from flows.planning.plan import PassPlan
from flows.watching.pace import Amounts, Measured, Pace, PaceBook, amounts_of, estimate
from flows.watching.pace_keeper import PaceKeeper
from flows.watching.remaining import Left, duration, remaining, stages_left, time_left
from flows.watching.stopwatch import Stopwatch
from flows.work.footprint import Footprint
from pipeline.records import clip_features, feature_key
from tests.support.nights import MadeUpPass, heard_of, plan_of, studio_at, take_of

LENGTHS_S = list(islice(cycle([2.0, 3.0, 1.0, 4.0]), 120))


def learnt(made_up: MadeUpPass) -> dict[str, Measured]:
    watch = Stopwatch(listeners=made_up.listeners)
    for now_s, event in made_up.events():
        watch.note(event, now_s)
    return watch.seen()


def book(tmp_path: Path, **changes: str) -> PaceBook:
    return PaceBook(studio_at(tmp_path, **changes))


def test_nothing_is_known_before_the_first_pass(tmp_path: Path) -> None:
    assert book(tmp_path).pace() == Pace()
    assert not list(tmp_path.iterdir())


def test_a_pass_teaches_the_speeds_it_had() -> None:
    seen = learnt(MadeUpPass(plan=plan_of(LENGTHS_S), listen=0.5, make=2.0, lay=0.1, load_s=10.0))
    assert seen["listen"].value == pytest.approx(0.5, rel=0.05)
    assert seen["make"].value == pytest.approx(2.0)
    assert seen["make_wall"].value == pytest.approx(2.0)
    assert seen["lay"].value == pytest.approx(0.1)
    assert seen["sound"].value == pytest.approx(1.0)
    assert 10.0 <= seen["load_s"].value <= 13.0
    assert seen["memory_mb"].value > 10


def test_the_process_that_makes_the_takes_says_how_much_memory_it_took(tmp_path: Path) -> None:
    plan = plan_of([2.0, 2.0], store=tmp_path, label="train passing")
    heard = [heard_of(job) for job in plan.jobs]
    takes = [take_of(request) for one in heard for request in one.missing()]
    far = [Footprint(memory_mb=9e6, gpu_mb=2100.0), Footprint(gpu_mb=2300.0)]
    watch = Stopwatch()
    watch.note(PassEvent(stage="plan", plan=plan), 0)
    for number, one in enumerate(heard):
        watch.note(PassEvent(stage="listen", heard=one), 1 + number)
    for number, (take, size) in enumerate(zip(takes, far, strict=True)):
        watch.note(PassEvent(stage="make", takes=(replace(take, footprint=size),)), 5 + number)
    seen = watch.seen()
    assert (seen["memory_mb"].value, seen["gpu_mb"].value) == (9e6, 2300.0)


def test_a_pass_writes_down_what_it_learnt(tmp_path: Path) -> None:
    timed = list(MadeUpPass(plan=plan_of(LENGTHS_S, store=tmp_path), make=2.0).events())
    times = iter([now_s for now_s, _ in timed])
    keeper = PaceKeeper(clock=lambda: next(times))
    for _, event in timed:
        keeper.tell(event)
    keeper.keep()
    assert book(tmp_path).pace().make == pytest.approx(2.0)


def test_a_pass_with_nothing_to_do_writes_nothing(tmp_path: Path) -> None:
    keeper = PaceKeeper()
    keeper.keep()
    keeper.tell(PassEvent(stage="plan", plan=replace(plan_of([2.0], store=tmp_path), jobs=())))
    keeper.keep()
    assert not list(tmp_path.iterdir())


def test_a_pass_that_was_not_understood_teaches_nothing(tmp_path: Path) -> None:
    keeper = PaceKeeper()
    for _, event in MadeUpPass(plan=plan_of(LENGTHS_S[:20], store=tmp_path)).events():
        keeper.tell(event)
    keeper.tell(PassEvent(stage="laid", report="no report"))  # type: ignore[arg-type]
    keeper.keep()
    assert not list(tmp_path.iterdir())


def test_makers_that_wait_for_listeners_are_not_slow() -> None:
    seen = learnt(MadeUpPass(plan=plan_of(LENGTHS_S), listen=20.0, make=0.5))
    assert seen["listen"].value == pytest.approx(20.0, rel=0.05)
    assert seen["make_wall"].value == pytest.approx(0.5, rel=0.1)


def test_what_was_learnt_is_there_for_the_next_pass(tmp_path: Path) -> None:
    book(tmp_path).learn({"listen": Measured(value=0.5, amount=100), "memory_mb": Measured(value=900)})
    assert book(tmp_path).pace() == Pace(listen=0.5, memory_mb=900)


@pytest.mark.parametrize("changes", [{"model": "n" * 64}, {"device": "cuda"}])
def test_another_model_or_device_has_figures_of_its_own(tmp_path: Path, changes: dict[str, str]) -> None:
    book(tmp_path).learn({"listen": Measured(value=0.5)})
    assert book(tmp_path, **changes).pace() == Pace()


def test_other_settings_have_figures_of_their_own(tmp_path: Path) -> None:
    book(tmp_path).learn({"listen": Measured(value=0.5)})
    studio = studio_at(tmp_path)
    assert PaceBook(replace(studio, settings=studio.settings.changed({"steps": "50"}))).pace() == Pace()


def test_newer_passes_count_more_and_an_odd_one_does_not(tmp_path: Path) -> None:
    for value in (1.0, 1.0, 2.0, 2.0, 2.0):
        book(tmp_path).learn({"make": Measured(value=value)})
    assert book(tmp_path).pace().make == 2.0
    book(tmp_path).learn({"make": Measured(value=90.0)})
    assert book(tmp_path).pace().make == 2.0


def test_a_short_pass_says_less_than_a_long_one(tmp_path: Path) -> None:
    book(tmp_path).learn({"make": Measured(value=2.0, amount=100)})
    book(tmp_path).learn({"make": Measured(value=50.0, amount=1.0)})
    assert book(tmp_path).pace().make == 2.0


def test_the_highest_memory_is_kept_and_old_passes_go(tmp_path: Path) -> None:
    for megabytes in (900, 1200, *[800] * 5):
        book(tmp_path).learn({"memory_mb": Measured(value=megabytes)})
    assert book(tmp_path).pace().memory_mb == 1200
    for _ in range(4):
        book(tmp_path).learn({"memory_mb": Measured(value=800)})
    assert book(tmp_path).pace().memory_mb == 800
    assert len(json.loads(book(tmp_path).path.read_text())["passes"]) == 8


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"what": "something else", "passes": [{"make": {"value": 1, "amount": 1}}]}',
        b'{"what": "smooth-foley pace", "passes": 7}',
        b'{"what": "smooth-foley pace", "passes": [3, {"make": 1, "lay": {"value": "x"}}]}',
        b'{"what": "smooth-foley pace", "passes": [{"make": {"value": NaN, "amount": 1}}]}',
        b'{"what": "smooth-foley pace", "passes": [{"make": {"value": -1, "amount": 1}}]}',
    ],
)
def test_a_damaged_file_is_as_good_as_none_and_is_mended(tmp_path: Path, damage: bytes) -> None:
    ours = book(tmp_path)
    ours.path.parent.mkdir(parents=True)
    ours.path.write_bytes(damage)
    assert ours.pace() == Pace()
    ours.learn({"make": Measured(value=3.0)})
    assert ours.pace().make == 3.0


def test_a_store_that_cannot_be_written_costs_the_pass_nothing(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    lost = PaceBook(studio_at(tmp_path / "store"))
    lost.learn({"make": Measured(value=3.0)})
    assert lost.pace() == Pace()


KNOWN = Pace(listen=0.5, make=2.0, make_wall=2.0, sound=1.5, lay=0.1, load_s=10.0, memory_mb=900)


def test_an_estimate_adds_up() -> None:
    amounts = Amounts(edit_shots=100, to_hear=80, shot_s=160.0, job_s=160.0, takes=80, sound_s=160.0)
    found = estimate(KNOWN, amounts, listeners=2, devices=1)
    assert (found.listen_s, found.make_s, found.lay_s, found.memory_mb) == (80.0, 320.0, 10.0, 900)
    # 10 s load, 320 s making, the first of ten batches of listening (40 s) before it, 10 s laying.
    assert found.wall_s == pytest.approx(10 + 320 + 4 + 10)


def test_two_devices_halve_the_making() -> None:
    amounts = Amounts(edit_shots=0, to_hear=80, shot_s=160.0, job_s=160.0, takes=80, sound_s=160.0)
    found = estimate(KNOWN, amounts, listeners=2, devices=2)
    assert found.make_s == 320.0
    assert found.wall_s == pytest.approx(10 + 160 + 4)


def test_shots_that_are_still_to_be_heard_count_with_what_shots_asked_for_before() -> None:
    amounts = Amounts(edit_shots=10, to_hear=10, shot_s=20.0, job_s=20.0, takes=0, sound_s=0.0, open_s=20.0)
    assert estimate(KNOWN, amounts, listeners=2, devices=1).make_s == 60.0
    never = estimate(replace(KNOWN, sound=None), amounts, listeners=2, devices=1)
    assert (never.make_s, never.wall_s) == (None, None)


def test_what_was_never_measured_is_not_invented() -> None:
    amounts = Amounts(edit_shots=10, to_hear=10, shot_s=20.0, job_s=20.0, takes=10, sound_s=20.0)
    found = estimate(Pace(), amounts, listeners=2, devices=1)
    assert (found.listen_s, found.make_s, found.lay_s, found.wall_s) == (None, None, None, None)


def test_nothing_to_do_takes_no_time_on_any_machine() -> None:
    amounts = Amounts(edit_shots=0, to_hear=0, shot_s=0.0, job_s=0.0, takes=0, sound_s=0.0)
    assert estimate(Pace(), amounts, listeners=2, devices=1).wall_s == 0.0


def test_amounts_count_what_the_store_lacks(tmp_path: Path) -> None:
    told = amounts_of(plan_of([2.0, 4.0], store=tmp_path, label="train passing", takes=3))
    assert (told.to_hear, told.shot_s, told.takes, told.sound_s, told.open_s) == (2, 6.0, 6, 18.0, 0.0)
    unknown = amounts_of(plan_of([2.0, 4.0], store=tmp_path))
    assert (unknown.takes, unknown.sound_s, unknown.open_s) == (0, 0.0, 6.0)


def looked_at(store: Path, plan: PassPlan) -> None:
    features = clip_features(np.zeros((1, 2), np.float32), np.array([0.5]))
    for job in plan.jobs:
        key = feature_key(job.span, plan.studio.model_digest, plan.studio.settings.encode_digest())
        plan.studio.features.put(key, features)


def test_shots_that_were_looked_at_before_are_no_work_and_no_measure_of_listening(tmp_path: Path) -> None:
    plan = plan_of([2.0] * 40, store=tmp_path, label="train passing")
    assert amounts_of(plan).shot_s == 80.0
    looked_at(tmp_path, plan)
    assert (amounts_of(plan).shot_s, amounts_of(plan).job_s) == (0.0, 80.0)
    seen = learnt(MadeUpPass(plan=plan, listen=0.001, make=2.0))
    assert "listen" not in seen
    assert seen["make_wall"].value == pytest.approx(2.0)


PASSES = {
    "making is slower": MadeUpPass(plan=plan_of(LENGTHS_S), listen=0.5, make=2.0),
    "listening is slower": MadeUpPass(plan=plan_of(LENGTHS_S), listen=8.0, make=0.5),
    "three sounds a shot": MadeUpPass(plan=plan_of(LENGTHS_S), listen=1.0, make=1.0, cues=3),
    "told what sounds": MadeUpPass(plan=plan_of(LENGTHS_S, label="train passing"), listen=0.2, make=3.0),
    "quick": MadeUpPass(plan=plan_of(LENGTHS_S[:60]), listen=0.02, make=0.05, lay=0.001, load_s=1.0),
    "hours": MadeUpPass(plan=plan_of(LENGTHS_S * 20), listen=0.5, make=12.0),
}


def course(made_up: MadeUpPass, past: Pace) -> tuple[float, list[tuple[float, Left]]]:
    """How long it takes, and what is told at every hundredth of it."""
    timed = list(made_up.events())
    end_s = timed[-1][0]
    watch, told, events = Stopwatch(listeners=made_up.listeners), [], iter(timed)
    following = next(events, None)
    for step in range(101):
        now_s = end_s * step / 100
        while following and following[0] <= now_s:
            watch.note(following[1], following[0])
            following = next(events, None)
        told.append((now_s, remaining(past, watch, now_s)))
    return end_s, told


def require_honest(made_up: MadeUpPass, past: Pace, from_percent: int) -> None:
    end_s, told = course(made_up, past)
    for now_s, left in told[from_percent:]:
        assert left.wall_s == pytest.approx(end_s - now_s, rel=0.15, abs=0.03 * end_s), f"at {now_s / end_s:.0%}"


def past_of(made_up: MadeUpPass, wrong: float = 1.0) -> Pace:
    """What a pass like this one taught, but for a factor; laying comes last, so nothing can put its figure right."""
    seen = learnt(made_up)
    return Pace(**{key: measured.value * (1.0 if key == "lay" else wrong) for key, measured in seen.items()})


@pytest.mark.parametrize("name", PASSES)
def test_after_a_tenth_the_remaining_time_is_right(name: str) -> None:
    require_honest(PASSES[name], past_of(PASSES[name]), 10)


@pytest.mark.parametrize("wrong", [0.4, 2.5])
@pytest.mark.parametrize("name", PASSES)
def test_a_wrong_past_is_forgotten_once_two_batches_were_made(name: str, wrong: float) -> None:
    two_batches_at = {"hours": 10, "quick": 40}
    require_honest(PASSES[name], past_of(PASSES[name], wrong), two_batches_at.get(name, 25))


@pytest.mark.parametrize("name", PASSES)
def test_without_a_past_it_is_right_once_a_batch_was_made(name: str) -> None:
    a_batch_at = 10 if name == "hours" else 25
    require_honest(PASSES[name], Pace(lay=PASSES[name].lay), a_batch_at)


@pytest.mark.parametrize("name", PASSES)
def test_it_never_jumps_to_absurd_values(name: str) -> None:
    made_up = PASSES[name]
    end_s, told = course(made_up, Pace())
    known = [left.wall_s for _, left in told if left.wall_s is not None]
    assert max(known) < 2 * end_s
    assert told[-1][1].wall_s == 0.0


def test_speeds_that_change_are_followed() -> None:
    plan = plan_of([2.0] * 400, label="train passing")
    slow = MadeUpPass(plan=plan, listen=0.01, make=4.0, lay=0.0)
    quick = replace(slow, make=1.0)
    watch = Stopwatch(listeners=2)
    slow_events, quick_events = list(slow.events()), list(quick.events())
    half = next(n for n, (_, event) in enumerate(slow_events) if event.stage == "make" and event.done >= 200)
    at_s = slow_events[half][0]
    for now_s, event in slow_events[: half + 1]:
        watch.note(event, now_s)
    later = [(t, e) for t, e in quick_events if e.stage == "make" and e.done > 200]
    shift_s = at_s - later[0][0] + 16.0
    for now_s, event in later[:19]:
        watch.note(event, now_s + shift_s)
    last_s = later[18][0] + shift_s
    left = remaining(Pace(), watch, last_s).make_s
    truth_s, mean_over_the_pass_s = 96.0, 96.0 * (200 * 4 + 152 * 1) / 352
    assert left is not None
    assert truth_s < left < (truth_s + mean_over_the_pass_s) / 2


def test_a_result_that_is_late_takes_nothing_more_off() -> None:
    made_up = PASSES["making is slower"]
    watch = Stopwatch(listeners=2)
    for now_s, event in list(made_up.events())[:80]:
        watch.note(event, now_s)
    soon, later = (remaining(Pace(), watch, now_s + wait) for wait in (600.0, 60_000.0))
    assert soon.make_s == later.make_s
    assert soon.make_s and soon.make_s > 0


def test_a_shot_the_store_knew_is_no_measure_of_speed() -> None:
    plan = plan_of(LENGTHS_S[:4])
    watch = Stopwatch()
    watch.note(PassEvent(stage="plan", plan=replace(plan, jobs=())), 0.0)
    for now_s, event in MadeUpPass(plan=plan).events():
        if event.stage == "listen":
            watch.note(event, now_s)
    assert watch.seen() == {}


def test_many_edits_with_the_same_shot_names_are_kept_apart() -> None:
    watch = Stopwatch()
    for stem in ("reel1", "reel2"):
        plan = plan_of([2.0, 2.0], edit=Path(f"/shows/{stem}.otio"))
        watch.note(PassEvent(stage="plan", plan=plan, edit=stem), 0.0)
    first = plan_of([2.0, 2.0], edit=Path("/shows/reel1.otio"))
    for now_s, event in MadeUpPass(plan=first).events():
        if event.heard:
            watch.note(replace(event, edit="reel1"), now_s)
    assert (watch.heard_s, watch.unheard_s) == (4.0, 4.0)


def test_the_words() -> None:
    def words(listen: float | None, make: float | None, lay: float | None, wall: float | None) -> str:
        left = Left(listen_s=listen, make_s=make, lay_s=lay, wall_s=wall)
        return time_left(left) + stages_left(left)

    assert words(120, 600, 0, 720) == "about 12 min left (listening 2 min, making 10 min)"
    assert words(0, 30, 10, 40) == "about 40 s left (making 30 s, laying 10 s)"
    assert words(0, 600, None, 600) == "about 10 min left until the laying"
    assert words(None, 600, 20, None) == "time left not known yet"
    told = [duration(seconds) for seconds in (0.2, 89, 90, 5399, 12000)]
    assert told == ["0 s", "89 s", "2 min", "1 h 30 min", "3 h 20 min"]
