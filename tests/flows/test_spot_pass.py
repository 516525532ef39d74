"""Spotting without making: the sheet says what sounds in each shot and when, and goes back into a pass."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.errors import OutputFolderError
from flows.options import PassOptions
from flows.planning.plan import plan_pass
from flows.run import run_pass
from flows.spot_pass import spot_pass, write_sheet
from pipeline.errors import MediaError
from tests.support.passes import Cut, FakeEngine
from timeline_io.cue_sheet import read_cues

pytestmark = pytest.mark.usefixtures("card")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]


def test_every_shot_is_spotted_and_nothing_is_made(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    cuts = [Cut(name="A001", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4")), Cut(name="x", media=None)]
    engine.errors_by_media = {"d.mp4": MediaError("d.mp4 is damaged.")}
    plan = plan_pass(edit_of(*cuts, Cut(name="ball", media=movie("d.mp4"))), options)
    shots = spot_pass(plan)
    assert engine.made == []
    assert [(s.shot_id, [cue.label for cue in s.cues]) for s in shots] == [
        ("sh0010", ["train passing"]),
        ("sh0020", ["bouncing ball"]),
        ("sh0030", []),
        ("sh0040", []),
    ]
    assert "gone.mov" in shots[2].failure and "damaged" in shots[3].failure
    # Heard from 0.6 to 1 s of the take, which begins twelve frames of handle before the second shot.
    heard = [(span.first, span.end) for span in shots[1].cues[0].heard]
    assert heard == [(86424 + 2, 86424 + 12)]
    sheet = write_sheet(tmp_path / "cues.csv", plan, shots)
    assert [cue.shot_id for cue in read_cues(sheet, plan.edit)] == ["sh0010", "sh0020"]


def test_the_sheet_goes_back_into_a_pass_and_gives_the_same_takes(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    edit = edit_of(Cut(name="A001", media=movie("a.mp4")))
    plan = plan_pass(edit, options)
    sheet = write_sheet(tmp_path / "cues.csv", plan, spot_pass(plan))
    with_sheet = run_pass(edit, options.model_copy(update={"labels": sheet}), with_prefect=False)
    without = run_pass(edit, options.model_copy(update={"out": tmp_path / "other"}), with_prefect=False)
    assert with_sheet.shots[0].cues[0].key == without.shots[0].cues[0].key
    assert len(engine.made) == 1


def test_a_silent_shot_has_a_row_to_fill_in(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    engine.hears = ()
    (shot,) = spot_pass(plan_pass(edit_of(Cut(name="A001", media=movie("a.mp4"))), options))
    assert [(cue.label, cue.heard) for cue in shot.cues] == [("", ())]


def test_a_sheet_that_is_there_is_never_replaced(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    plan = plan_pass(edit_of(Cut(name="A001", media=movie("a.mp4"))), options)
    mine = tmp_path / "cues.csv"
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputFolderError, match="exists"):
        write_sheet(mine, plan, spot_pass(plan))
    assert mine.read_text(encoding="utf-8") == "mine"
