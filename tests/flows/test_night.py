"""A night's work: which edits, until when, what is left alone, how it is summed up."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, cast

import pytest
from prefect.client.schemas.objects import State
from prefect.states import AwaitingRetry, Completed, Crashed, Failed, Pending, Running, Scheduled
from prefect.types import DateTime
from pydantic import ValidationError

from flows import night as night_module
from flows.desk import nobody
from flows.errors import OutputFolderError, SettingError
from flows.night import Asked, deadline, ends_at, last_asked, orders_of, place_of, sum_up
from flows.options import NightOptions, PassOptions, SharedOptions
from flows.orders import Outcome
from flows.run import run_night
from flows.studio.watch import REVIVED
from flows.turn import LOCK_NAME, turn
from flows.work.slots import take_slot
from pipeline.errors import MediaError, WeightsError
from tests.support.passes import Cut, FakeEngine, shared_of
from timeline_io.errors import UnreadableEditError

Movie = Callable[[str], Path]
EditOf = Callable[..., Path]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An inbox with edits of all kinds, and what is none."""
    folder = tmp_path / "inbox"
    for name in ("b.xml", "a.otio", "show/c.edl", ".hidden/d.otio", "notes.txt", "e.otiod/content.otio"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))
    return folder


def test_the_inbox_gives_its_edits_in_order_each_with_a_folder(inbox: Path, tmp_path: Path) -> None:
    orders = orders_of(NightOptions(inbox=inbox, out=tmp_path / "out"))
    assert [order.edit.relative_to(inbox).as_posix() for order in orders] == [
        "a.otio",
        "b.xml",
        "e.otiod",
        "show/c.edl",
    ]
    assert [order.options.out for order in orders] == [tmp_path / "out" / f"{stem}_foley" for stem in "abec"]


def test_what_is_still_being_copied_waits_for_the_next_time(inbox: Path, tmp_path: Path) -> None:
    os.utime(inbox / "a.otio", (time.time(), time.time()))
    names = [order.edit.name for order in orders_of(NightOptions(inbox=inbox, out=tmp_path))]
    assert names == ["b.xml", "e.otiod", "c.edl"]


def test_what_a_pass_wrote_into_the_inbox_is_no_edit_of_it(inbox: Path, tmp_path: Path) -> None:
    (inbox / "a_foley").mkdir()
    (inbox / "a_foley" / "foley_manifest.json").write_text("{}")
    (inbox / "a_foley" / "a.foley.otio").write_text("x")
    os.utime(inbox / "a_foley" / "a.foley.otio", (0, 0))
    assert "a.foley.otio" not in [order.edit.name for order in orders_of(NightOptions(inbox=inbox, out=tmp_path))]


def edits_in(inbox: Path) -> list[str]:
    return [order.edit.name for order in orders_of(NightOptions(inbox=inbox, out=inbox.parent / "out"))]


def test_links_to_nothing_and_in_circles_are_no_edits(inbox: Path) -> None:
    (inbox / "gone.otio").symlink_to(inbox / "nowhere")
    (inbox / "self.otio").symlink_to("self.otio")
    (inbox / "circle").symlink_to(inbox)
    assert edits_in(inbox) == ["a.otio", "b.xml", "e.otiod", "c.edl"]


def test_a_folder_that_cannot_be_looked_into_is_told_and_the_others_are_read(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = os.scandir

    def refuse(folder: str) -> object:
        if folder == str(inbox / "show"):
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    monkeypatch.setattr("os.scandir", refuse)
    with caplog.at_level(logging.WARNING):
        assert edits_in(inbox) == ["a.otio", "b.xml", "e.otiod"]
    assert f"{inbox / 'show'} cannot be looked into (Permission denied)" in caplog.text


def test_an_inbox_that_a_pass_wrote_into_still_has_its_edits(inbox: Path) -> None:
    (inbox / "a.foley.otio").write_text("x")
    (inbox / "e.foley.otiod").mkdir()
    (inbox / "e.foley.otiod" / "content.otio").write_text("x")
    os.utime(inbox / "e.foley.otiod" / "content.otio", (0, 0))
    files = {"a.foley.otio": "0", "e.foley.otiod/content.otio": "0"}
    manifest = {"what": "smooth-foley manifest", "files": files, "writing": ["a.foley-only.xml"]}
    (inbox / "foley_manifest.json").write_text(json.dumps(manifest))
    for path in inbox.iterdir():
        os.utime(path, (0, 0))
    assert edits_in(inbox) == ["a.otio", "b.xml", "e.otiod", "c.edl"]


def test_an_edit_from_a_machine_whose_clock_is_ahead_is_read(inbox: Path) -> None:
    os.utime(inbox / "a.otio", (time.time() + 7200, time.time() + 7200))
    assert "a.otio" in edits_in(inbox)


def test_an_edit_that_is_named_twice_is_made_once(inbox: Path, tmp_path: Path) -> None:
    edits = (inbox / "b.xml", inbox / "a.otio", inbox / "show" / ".." / "a.otio", inbox / "a.otio")
    night = NightOptions(edits=edits, inbox=inbox, out=tmp_path / "out")
    assert [order.options.out for order in orders_of(night)] == [tmp_path / "out" / f"{stem}_foley" for stem in "baec"]


def test_names_that_differ_in_case_alone_get_folders_that_do_not(tmp_path: Path) -> None:
    edits = (tmp_path / "Reel.otio", tmp_path / "reel.xml")
    folders = {str(order.options.out).casefold() for order in orders_of(NightOptions(edits=edits, out=tmp_path))}
    assert len(folders) == 2


def test_edits_of_one_name_get_folders_of_their_own(tmp_path: Path) -> None:
    edits = (tmp_path / "one/reel.otio", tmp_path / "two/reel.otio", tmp_path / "reel.xml")
    folders = [order.options.out for order in orders_of(NightOptions(edits=edits, out=tmp_path / "out"))]
    assert len(set(folders)) == 3
    again = [order.options.out for order in orders_of(NightOptions(edits=edits[::-1], out=tmp_path / "out"))]
    assert again == folders[::-1]


def test_a_night_without_edits_or_without_its_inbox_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="name an inbox folder"):
        orders_of(NightOptions(out=tmp_path))
    with pytest.raises(SettingError, match="gone is not there"):
        orders_of(NightOptions(inbox=tmp_path / "gone", out=tmp_path))


@pytest.mark.parametrize("until", ["7", "25:00", "07:60", "seven"])
def test_a_deadline_that_is_no_time_is_refused(until: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        NightOptions(out=tmp_path, inbox=tmp_path, until=until)


@pytest.mark.parametrize(
    ("begun", "until", "now", "closed"),
    [
        ((24, 22, 0), "07:00", (25, 6, 59), False),
        ((24, 22, 0), "07:00", (25, 7, 0), True),
        ((24, 1, 0), "07:00", (24, 6, 59), False),
        ((24, 1, 0), "07:00", (24, 7, 1), True),
        ((24, 1, 0), None, (29, 7, 1), False),
    ],
)
def test_the_deadline_is_the_next_one(
    begun: tuple[int, int, int],
    until: str | None,
    now: tuple[int, int, int],
    closed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = deadline(ends_at(until, datetime(2026, 11, *begun)))
    monkeypatch.setattr(night_module, "datetime", clock_at(datetime(2026, 11, *now).astimezone()))
    assert over() is closed


@pytest.mark.parametrize(("hours", "closed"), [(0, False), (7, False), (9, True), (30, True)])
def test_a_night_that_begins_late_or_again_ends_when_it_was_to_end(
    hours: int, closed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.runtime import flow_run

    from flows.overnight import overnight

    told: list[bool] = []

    def not_now(out: Path, tell: Any, *, wait: bool, closed: Callable[[], bool]) -> None:
        told.append(closed())
        raise OutputFolderError("not now")

    due = datetime.now().astimezone() - timedelta(hours=hours)
    monkeypatch.setitem(flow_run.FIELDS, "scheduled_start_time", lambda: due)
    monkeypatch.setattr("flows.overnight.turn", not_now)
    monkeypatch.setattr("flows.overnight.wait_for_server", lambda tell: None)
    monkeypatch.setattr("flows.overnight.get_client", None)  # no server says anything
    overnight.fn(NightOptions(inbox=tmp_path, out=tmp_path / "out", until=f"{due + timedelta(hours=8):%H:%M}"))
    assert told == [closed]


def clock_at(moment: datetime) -> type[datetime]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return moment.astimezone(tz)

    return Clock


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that changes its clock at night: on 2026-10-25 it is 02:30 twice, on 2026-03-29 never."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_a_night_that_is_over_stays_over_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    over = deadline(ends_at("02:30", datetime(2026, 10, 24, 22)))
    told = []
    for hour, minute in ((0, 29), (0, 30), (1, 0), (1, 29)):  # 02:29 and 02:30 of summer, 02:00 and 02:29 of winter
        monkeypatch.setattr(night_module, "datetime", clock_at(datetime(2026, 10, 25, hour, minute, tzinfo=UTC)))
        told.append(over())
    assert told == [False, True, True, True]


@pytest.mark.usefixtures("berlin")
def test_a_time_that_does_not_come_because_the_clock_is_set_forward_ends_the_night_all_the_same() -> None:
    assert ends_at("02:30", datetime(2026, 3, 28, 22)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert ends_at("07:00", datetime(2026, 3, 28, 22)) == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)


def revived() -> State[None]:
    return Scheduled().model_copy(update={"name": REVIVED})


@pytest.mark.parametrize(
    ("states", "asked", "begun"),
    [
        ([Scheduled(), Pending(), Running()], 0, False),
        ([Scheduled(), Pending(), Running(), Crashed(), revived(), Pending(), Running()], 0, True),
        ([Scheduled(), Pending(), Crashed(), revived(), Pending(), Running()], 0, False),
        ([Scheduled(), Running(), Crashed(), revived(), Running(), Crashed(), revived(), Running()], 0, True),
        # The studio was stopped in the middle of it, and started again.
        ([Scheduled(), Pending(), Running(), AwaitingRetry(), Pending(), Running()], 0, True),
        # A person pressed Retry.
        ([Scheduled(), Running(), Crashed(), revived(), Running(), Failed(), AwaitingRetry(), Running()], 6, False),
        ([Scheduled(), Running(), Completed(), AwaitingRetry(), Running(), Crashed(), revived(), Running()], 3, True),
    ],
)
def test_what_the_studio_goes_on_with_was_asked_for_when_a_schedule_or_a_person_wanted_it(
    states: list[State[None]], asked: int, begun: bool
) -> None:
    for second, state in enumerate(states):
        state.timestamp = datetime(2026, 11, 24, 22, 0, second, tzinfo=UTC)
        # A schedule plans ahead: the time that it wants counts, not that of the planning.
        planned = state.timestamp + timedelta(hours=1) if state.is_scheduled() else None
        state.state_details.scheduled_time = cast(DateTime | None, planned)
    assert last_asked(states) == Asked(moment=states[asked].timestamp + timedelta(hours=1), begun=begun)


def test_a_night_is_called_by_the_folder_of_its_edits(tmp_path: Path) -> None:
    one, other = tmp_path / "show" / "reel1.otio", tmp_path / "show" / "reel2.otio"
    assert place_of(NightOptions(inbox=tmp_path / "inbox", edits=(one,), out=tmp_path / "out")).name == "inbox"
    assert place_of(NightOptions(edits=(one, other), out=tmp_path / "out")).name == "show"
    assert place_of(NightOptions(edits=(one, tmp_path / "a.otio"), out=tmp_path / "out")).name == "out"


def test_a_night_that_nobody_scheduled_is_asked_for_now() -> None:
    asked = last_asked([Pending(), Running()])
    assert abs((asked.moment - datetime.now(UTC)).total_seconds()) < 60 and not asked.begun


def test_a_night_that_waits_for_its_gpu_goes_when_its_time_is_up(
    engine: FakeEngine,
    movie: Movie,
    edit_of: EditOf,
    options: PassOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FOLEY_SLOTS", str(tmp_path / "slots"))
    slot, told = take_slot("mps", pytest.fail), list[str]()
    monkeypatch.setattr("flows.run.deadline", lambda end: lambda: any("waiting for mps" in text for text in told))
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    shared = SharedOptions(store=options.store, device="mps", preview=False)
    night = NightOptions(edits=(edit,), out=tmp_path / "out", until="07:00", options=shared)
    (outcome,) = run_night(night, tell=lambda event: told.append(event.text), with_prefect=False)
    assert slot and (outcome.shots_left, outcome.error, engine.loads) == (1, None, 0)
    slot.release()


def files_in(out: Path) -> dict[Path, tuple[int, bytes]]:
    """What lies there but the lock: a file that is written anew is another one, whatever it holds."""
    files = [path for path in out.rglob("*") if path.is_file() and path.name != LOCK_NAME]
    return {path: (path.stat().st_ino, path.read_bytes()) for path in files}


def go(options: PassOptions, out: Path, *edits: Path, **more: Any) -> list[Outcome]:
    return run_night(NightOptions(edits=edits, out=out, options=shared_of(options), **more), with_prefect=False)


@pytest.mark.usefixtures("card")
class TestNights:
    def test_all_edits_share_one_load_and_their_batches(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        edits = [
            edit_of(*(Cut(name="train", media=movie("a.mp4"), first=3 * n + e) for n in range(3)), name=f"r{e}.otio")
            for e in range(3)
        ]
        outcomes = go(options, tmp_path / "out", *edits)
        assert engine.loads == 1
        assert [len(batch) for batch in engine.batches] == [8, 1]
        for edit, outcome in zip(edits, outcomes, strict=True):
            assert outcome.report and outcome.report.outputs.edit == tmp_path / "out" / f"{edit.stem}_foley" / (
                f"{edit.stem}.foley.otio"
            )
            assert outcome.report.summary == "3 shots made; 3 cues laid"

    def test_a_night_makes_what_single_passes_make(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        edits = [edit_of(Cut(name="train", media=movie(m)), name=f"{m}.otio") for m in ("a.mp4", "b.mp4")]
        go(options, tmp_path / "night", *edits)
        for edit in edits:
            alone = options.model_copy(update={"store": tmp_path / "s2"})
            go(alone, tmp_path / "alone", edit)
            names = [path.relative_to(tmp_path / "alone") for path in (tmp_path / "alone").rglob("*.foley.otio")]
            for name in names:
                night = (tmp_path / "night" / name).read_text().replace("/night/", "/alone/")
                assert night == (tmp_path / "alone" / name).read_text()

    def test_the_next_night_touches_nothing_that_is_finished(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        edits = [edit_of(Cut(name="train", media=movie(m)), name=f"{m}.otio") for m in ("a.mp4", "b.mp4")]
        go(options, tmp_path / "out", *edits)
        before = files_in(tmp_path / "out")
        again = go(options, tmp_path / "out", *edits)
        assert [outcome.unchanged for outcome in again] == [True, True]
        assert files_in(tmp_path / "out") == before
        ending = sum_up(again)
        assert (ending.name, ending.text) == ("NothingToDo", "2 edits, 0 finished, 2 unchanged")

    def test_an_edit_in_which_nothing_sounds_is_no_failure_and_is_not_touched_again(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        engine.hears = ()
        edit = edit_of(Cut(name="nothing", media=movie("a.mp4")))
        first = sum_up(go(options, tmp_path / "out", edit))
        assert (first.name, first.text, first.exit_code) == ("Completed", "1 edit, 1 finished", 0)
        again = go(options, tmp_path / "out", edit)
        assert [outcome.unchanged for outcome in again] == [True]

    def test_what_changes_the_outcome_is_done_again(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        edit = edit_of(Cut(name="train", media=movie("a.mp4")))
        (first,) = go(options, tmp_path / "out", edit)
        (other,) = go(options.model_copy(update={"handles": 3}), tmp_path / "out", edit)
        assert not other.unchanged
        assert other.report and first.report and other.report.outputs.edit
        other.report.outputs.edit.unlink()
        (mended,) = go(options.model_copy(update={"handles": 3}), tmp_path / "out", edit)
        assert not mended.unchanged and other.report.outputs.edit.exists()

    def test_a_bad_edit_does_not_stop_the_others(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        bad = tmp_path / "bad.otio"
        bad.write_text("no edit")
        engine.errors_by_media = {"b.mp4": MediaError("b.mp4 has no frame there")}
        good = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4")))
        first, second = go(options, tmp_path / "out", bad, good)
        assert isinstance(first.error, UnreadableEditError)
        assert second.report and second.report.summary == "1 shot made, 1 failed; 1 cue laid"
        ending = sum_up([first, second])
        assert (ending.name, ending.exit_code) == ("CompletedWithFailures", 3)
        assert "bad.otio" in ending.text and "reel: 1 shot made, 1 failed; 1 cue laid" in ending.text

    def test_after_the_deadline_the_rest_is_for_the_next_night(
        self,
        engine: FakeEngine,
        movie: Movie,
        edit_of: EditOf,
        options: PassOptions,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        edits = [
            edit_of(
                *(Cut(name="train", media=movie("a.mp4"), first=n) for n in range(8 * e, 8 * e + 8)), name=f"r{e}.otio"
            )
            for e in range(3)
        ]
        monkeypatch.setattr("flows.run.deadline", lambda end: lambda: len(engine.made) >= 8)
        stopped = go(options, tmp_path / "out", *edits, until="07:00")
        ending = sum_up(stopped)
        assert (ending.name, ending.exit_code) == ("ToBeContinued", 3)
        assert 8 <= len(engine.made) < 24
        monkeypatch.setattr("flows.run.deadline", lambda end: lambda: False)
        finished = go(options, tmp_path / "out", *edits, until="07:00")
        assert sum_up(finished).exit_code == 0
        assert len(engine.made) == 24

    def test_one_edit_that_fails_in_a_way_nobody_expected_does_not_end_the_night(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        bad, good = (edit_of(Cut(name="train", media=movie("a.mp4")), name=f"{n}.otio") for n in ("bad", "good"))
        (tmp_path / "out" / "bad_foley").mkdir(parents=True)
        manifest = {"what": "smooth-foley manifest", "files": ["no digests"]}
        (tmp_path / "out" / "bad_foley" / "foley_manifest.json").write_text(json.dumps(manifest))
        outcomes = go(options, tmp_path / "out", bad, good)
        assert [outcome.exit_code for outcome in outcomes] == [4, 0]
        assert outcomes[0].how_it_ended.startswith("unexpected ValueError: ")
        assert sum_up(outcomes).exit_code == 3

    def test_media_that_became_again_what_it_was_is_laid_again(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        media, laid, made = tmp_path / "m.mp4", [], []
        edit = edit_of(Cut(name="train", media=media), name="r.otio")
        for number, name in enumerate(("a.mp4", "b.mp4", "a.mp4", "a.mp4")):
            media.write_bytes(movie(name).read_bytes())
            os.utime(media, (number, number))
            (outcome,) = go(options, tmp_path / "out", edit)
            manifest = json.loads((tmp_path / "out" / "r_foley" / "foley_manifest.json").read_text())
            laid.append(manifest["shots"][0]["cues"][0]["sha256"])
            made.append(len(engine.made))
        assert laid[0] != laid[1] and laid[0] == laid[2] == laid[3]
        assert made == [1, 2, 2, 2] and outcome.unchanged

    def test_media_that_is_away_for_a_night_leaves_what_was_laid(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        media = tmp_path / "m.mp4"
        media.write_bytes(movie("a.mp4").read_bytes())
        edit = edit_of(Cut(name="train", media=media), name="r.otio")
        go(options, tmp_path / "out", edit)
        media.unlink()
        (outcome,) = go(options, tmp_path / "out", edit)
        assert outcome.unchanged

    def test_weights_that_turn_out_to_be_broken_end_the_night_with_their_own_words(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        engine.errors_by_label["train passing"] = WeightsError("the vocoder is damaged; install the model again")
        cuts = (Cut(name="train", media=movie("a.mp4"), first=n) for n in range(24))
        with pytest.raises(WeightsError, match="vocoder is damaged"):
            go(options, tmp_path / "out", edit_of(*cuts))
        assert len(engine.batches) == 1

    def test_who_waits_for_another_night_past_the_deadline_begins_nothing(
        self, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
    ) -> None:
        edit = edit_of(Cut(name="train", media=movie("a.mp4")))
        past = datetime.now(UTC) - timedelta(seconds=1)
        with pytest.MonkeyPatch.context() as patched, turn(tmp_path / "out", nobody, wait=False):
            patched.setattr("flows.run.ends_at", lambda until, now: past)
            outcomes = go(options, tmp_path / "out", edit, until="07:00")
        assert (sum_up(outcomes).name, sum_up(outcomes).exit_code) == ("ToBeContinued", 3)
        assert not engine.loads
