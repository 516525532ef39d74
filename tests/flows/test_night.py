"""A night's work: which edits, until when, what is left alone, how it is summed up."""

import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows import night as night_module
from flows.errors import SettingError
from flows.night import deadline, orders_of, sum_up
from flows.options import NightOptions, PassOptions, SharedOptions
from flows.orders import Outcome
from flows.run import run_night
from pipeline.errors import MediaError
from tests.support.passes import Cut, FakeEngine
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
    begun: tuple[int, ...], until: str | None, now: tuple[int, ...], closed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = deadline(until, datetime(2026, 11, *begun))

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Clock":
            return cls(2026, 11, *now)

    monkeypatch.setattr(night_module, "datetime", Clock)
    assert over() is closed


def go(options: PassOptions, out: Path, *edits: Path, **more: object) -> list[Outcome]:
    shared = {name: value for name, value in options if name in SharedOptions.model_fields}
    return run_night(NightOptions(edits=edits, out=out, options=SharedOptions(**shared), **more), with_prefect=False)


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
            assert outcome.report.summary == "3 made"

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
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
        again = go(options, tmp_path / "out", *edits)
        assert [outcome.unchanged for outcome in again] == [True, True]
        assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before
        assert sum_up(again).text == "2 edits, 0 finished, 2 unchanged"

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
        assert second.report and second.report.summary == "1 made, 1 failed"
        ending = sum_up([first, second])
        assert (ending.name, ending.exit_code) == ("CompletedWithFailures", 3)
        assert "bad.otio" in ending.text and "reel: 1 made, 1 failed" in ending.text

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
        monkeypatch.setattr("flows.run.deadline", lambda until, now: lambda: len(engine.made) >= 8)
        stopped = go(options, tmp_path / "out", *edits, until="07:00")
        ending = sum_up(stopped)
        assert (ending.name, ending.exit_code) == ("ToBeContinued", 3)
        assert 8 <= len(engine.made) < 24
        monkeypatch.setattr("flows.run.deadline", lambda until, now: lambda: False)
        finished = go(options, tmp_path / "out", *edits, until="07:00")
        assert sum_up(finished).exit_code == 0
        assert len(engine.made) == 24
