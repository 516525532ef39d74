"""What a person said holds, and is known from what the program decided."""

from __future__ import annotations

import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from flows.options import PassOptions
from flows.records import CueReport, PassReport
from flows.run import run_pass
from tests.support.passes import Cut, FakeEngine
from tests.support.renderer import heard_clips

pytestmark = pytest.mark.usefixtures("card")
EditOf = Callable[..., Path]
Movie = Callable[[str], Path]
Row = dict[str, str]


def go(edit: Path, options: PassOptions, **changed: object) -> PassReport:
    return run_pass(edit, options.model_copy(update=changed), with_prefect=False)


def rows_of(report: PassReport) -> list[Row]:
    assert report.outputs.cues
    with report.outputs.cues.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def sheet_of(rows: list[Row], path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def cues_of(report: PassReport) -> list[CueReport]:
    return [cue for shot in report.shots for cue in shot.cues]


def states(report: PassReport) -> list[str]:
    return [str(shot.state) for shot in report.shots]


@pytest.fixture
def edit(movie: Movie, edit_of: EditOf) -> Path:
    """A shot whose name says what it is, one that CLIP is asked about, one with a note."""
    return edit_of(
        Cut(name="train_01", media=movie("a.mp4")),
        Cut(name="A002", media=movie("b.mp4")),
        Cut(name="A003", media=movie("c.mp4"), note="foley: bouncing ball"),
    )


# --- What was ordered is heard ---------------------------------------------------------------------------------------


def test_an_order_that_the_picture_does_not_show_is_made_over_the_whole_shot_and_told(
    edit: Path, engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    engine.silent_labels = {"train passing", "bouncing ball", "rain"}
    sheet = tmp_path / "mine.csv"
    sheet.write_text("shot,label\nsh0020,rain\n")
    report = go(edit, options, labels=sheet)
    assert states(report) == ["silent", "made", "made"]
    assert [(cue.label, cue.unseen, bool(cue.wav)) for cue in cues_of(report)] == [
        ("train passing", False, False), ("rain", True, True), ("bouncing ball", True, True),
    ]  # fmt: skip
    told = [warning for warning in report.warnings if "write when it sounds in `spans`" in warning]
    assert len(told) == 2
    assert "sh0020-1" in told[0] and "'rain'" in told[0] and "sh0030_01" in told[1] and "'bouncing ball'" in told[1]
    for cue in cues_of(report)[1:]:
        assert [(span.first, span.count) for span in cue.heard_spans] == [(cue.laid_first, cue.laid_count)]


def test_spans_are_asked_for_to_the_frame_and_told_of_no_warning(
    edit: Path, engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    engine.silent_labels = {"rain"}
    sheet = tmp_path / "mine.csv"
    sheet.write_text("shot,label,spans\nsh0020,rain,01:00:01:03-01:00:01:10\n")
    report = go(edit, options, labels=sheet)
    (told,) = [cue for cue in cues_of(report) if cue.label == "rain"]
    assert told.told_s == ((Fraction(12 + 3, 24), Fraction(12 + 10, 24)),)
    assert not [warning for warning in report.warnings if "spans" in warning]


# --- Silence can be said ---------------------------------------------------------------------------------------------


def test_silence_is_said_in_a_sheet_and_stays_said(
    edit: Path, engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    sheet = tmp_path / "mine.csv"
    sheet.write_text("shot,label\nsh0010,Silence\nsh0020,\n")
    report = go(edit, options, labels=sheet)
    assert states(report) == ["silent", "silent", "made"]
    assert [shot.reason for shot in report.shots[:2]] == ["the cue sheet leaves it silent"] * 2
    assert [(row["shot"], row["label"], row["source"]) for row in rows_of(report)] == [
        ("sh0010", "silence", "sheet"), ("sh0020", "silence", "sheet"), ("sh0030", "bouncing ball", "note"),
    ]  # fmt: skip
    for again in (go(edit, options, labels=report.outputs.cues), go(edit, options)):
        assert states(again) == ["silent", "silent", "cached"]
        assert rows_of(again) == rows_of(report)


def test_silence_is_said_in_a_note_and_ends_with_it(
    movie: Movie, edit_of: EditOf, engine: FakeEngine, options: PassOptions
) -> None:
    cut = Cut(name="train_01", media=movie("a.mp4"), note="foley: silence")
    offline = Cut(name="gone", media=None, note="Foley: silence")
    report = go(edit_of(cut, offline), options)
    assert states(report) == ["silent", "silent"]
    assert report.shots[0].reason == "a note on the clip leaves it silent"
    assert states(go(edit_of(cut, offline), options, labels=report.outputs.cues)) == ["silent", "silent"]
    cut.note = offline.note = ""
    assert states(go(edit_of(cut, offline), options)) == ["made", "failed"]


def test_a_shot_in_which_nothing_was_heard_is_asked_about_again(
    edit: Path, engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    engine.hears = ()
    report = go(edit, options)
    (row,) = [row for row in rows_of(report) if row["shot"] == "sh0020"]
    assert (row["label"], row["spotted"], row["source"]) == ("", "", "heard")
    again = go(edit, options, labels=report.outputs.cues)
    assert (str(again.shots[1].state), again.shots[1].reason) == ("silent", "nothing was heard in its picture")
    row["label"] = "rain"
    filled = go(edit, options, labels=sheet_of([row], tmp_path / "mine.csv"))
    assert [(cue.label, cue.source) for cue in filled.shots[1].cues] == [("rain", "sheet")]


# --- What the program decided stays the program's --------------------------------------------------------------------


def test_a_sheet_that_is_handed_back_untouched_changes_nothing(
    edit: Path, engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    report = go(edit, options)
    assert report.outputs.cues
    before, made = report.outputs.cues.read_bytes(), len(engine.made)
    assert [row["source"] for row in rows_of(report)] == ["name", "heard", "note"]
    elsewhere = go(edit, options, labels=report.outputs.cues, out=tmp_path / "elsewhere")
    again = go(edit, options, labels=report.outputs.cues)
    for handed in (again, elsewhere):
        assert handed.outputs.cues and handed.outputs.cues.read_bytes() == before
        assert [cue.key for cue in cues_of(handed)] == [cue.key for cue in cues_of(report)]
        assert [cue.confidence for cue in cues_of(handed)] == [cue.confidence for cue in cues_of(report)]
    assert len(engine.made) == made


def test_only_a_label_that_was_changed_is_the_sheet_s(
    edit: Path, engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    rows = rows_of(go(edit, options))
    rows[0]["take"], rows[1]["label"], rows[2]["lock"] = "2", "train passing; door slamming", "yes"
    report = go(edit, options, labels=sheet_of(rows, tmp_path / "mine.csv"))
    assert [(cue.label, cue.source) for cue in cues_of(report)] == [
        ("train passing", "name"), ("train passing", "heard"), ("door slamming", "sheet"), ("bouncing ball", "note"),
    ]  # fmt: skip
    assert [cue.take for cue in cues_of(report)] == [2, 1, 1, 1]
    assert [row["source"] for row in rows_of(report)] == ["name", "heard", "sheet", "note"]


def test_a_sheet_from_before_there_was_a_column_spotted_is_a_person_s_word(
    edit: Path, engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    rows = [{key: row[key] for key in ("shot", "label", "source")} for row in rows_of(go(edit, options))]
    report = go(edit, options, labels=sheet_of(rows, tmp_path / "old.csv"))
    assert {cue.source for cue in cues_of(report)} == {"sheet"}


# --- A tail ----------------------------------------------------------------------------------------------------------


def test_a_tail_that_was_asked_for_is_laid_and_kept(
    edit: Path, engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    rows = rows_of(go(edit, options))
    rows[1]["tail"], rows[2]["tail"] = "5", "30"
    made = len(engine.made)
    report = go(edit, options, labels=sheet_of(rows, tmp_path / "mine.csv"))
    for laid in (report, go(edit, options)):
        assert [cue.laid_count for cue in cues_of(laid)] == [24, 24 + 5, 24 + 12]
        (warning,) = [warning for warning in laid.warnings if "tail" in warning]
        assert "12 of the 30 frames" in warning and "--handles 30" in warning
        assert laid.outputs.edit
        lengths = sorted(round(clip.length_s * 24) for clip in heard_clips(laid.outputs.edit))
        assert lengths == [24, 29, 36]
    assert len(engine.made) == made
    with pytest.raises(Exception, match=r"mine\.csv, row 2, column 'tail': 'long' is not a whole number of frames"):
        rows[0]["tail"] = "long"
        go(edit, options, labels=sheet_of(rows, tmp_path / "mine.csv"))
