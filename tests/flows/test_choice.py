"""Of several takes the best is laid, unless a person picked one; the same choice every time, whatever comes between."""

import csv
import json
import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from flows.options import PassOptions
from flows.output.choice import Choice, choose_takes, in_words
from flows.planning.plan import plan_pass
from flows.records import CueReport, PassReport
from flows.run import run_pass
from flows.shot_job import CueJob, Spotted, cue_seed, seed_of_take
from flows.spot_pass import spot_pass, write_sheet
from flows.work.ledger import Ledger
from flows.work.steps import Heard, Take
from pipeline.errors import OutOfMemoryError
from pipeline.records import ClipReceipt, FoleyRequest, MediaSpan, TakeScore
from tests.support.passes import Cut, FakeEngine

pytestmark = pytest.mark.usefixtures("card")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
TOTALS = (0.5, 0.8, 0.6, 0.7, 0.9)  # of takes 1 to 5: of three the second is best, of five the fifth


def go(edit: Path, options: PassOptions, **changed: object) -> PassReport:
    return run_pass(edit, options.model_copy(update=changed), with_prefect=False)


def laid(report: PassReport) -> CueReport:
    (cue,) = (cue for shot in report.shots for cue in shot.cues if cue.laid)
    return cue


def on_timeline(report: PassReport) -> list[str]:
    """The sound files that the new edit plays."""
    assert report.outputs.edit
    timeline = otio.adapters.read_from_file(str(report.outputs.edit))
    clips = [clip for track in timeline.audio_tracks() for clip in track.find_clips()]
    return [Path(clip.media_reference.target_url).name for clip in clips]


def row_of(report: PassReport) -> dict[str, str]:
    assert report.outputs.cues
    with report.outputs.cues.open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    return row


def sheet_of(report: PassReport, **cells: str) -> Path:
    """The sheet of a pass, handed back with other words in its row."""
    row = row_of(report) | cells
    path = report.outputs.folder / f"mine{random.getrandbits(60):x}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, row)
        writer.writeheader()
        writer.writerow(row)
    return path


def seeds_of(edit: Path, options: PassOptions, label: str = "train passing") -> list[int]:
    """The seeds of takes 1 to 5 of the first shot."""
    first = cue_seed(plan_pass(edit, options).jobs[0], label)
    return [seed_of_take(first, take) for take in range(1, 6)]


def score(total: float) -> TakeScore:
    return TakeScore(total=total, presence=total, label=0.88)


@pytest.fixture
def cut(movie: Movie) -> Cut:
    return Cut(name="train", media=movie("a.mp4"))


@pytest.fixture
def edit(cut: Cut, edit_of: EditOf, engine: FakeEngine, options: PassOptions) -> Path:
    """An edit of one shot, whose takes are known to be as good as TOTALS says."""
    path = edit_of(cut)
    engine.scores_by_seed = dict(zip(seeds_of(path, options), map(score, TOTALS), strict=True))
    return path


def test_the_best_is_laid_and_the_others_are_files_beside_it(edit: Path, options: PassOptions) -> None:
    report = go(edit, options, takes=3)
    cues = report.shots[0].cues
    assert [(cue.take, cue.laid, cue.rank, cue.rank_of, cue.picked) for cue in cues] == [
        (1, False, 3, 3, None),
        (2, True, 1, 3, None),
        (3, False, 2, 3, None),
    ]
    assert all(cue.wav and cue.wav.is_file() and cue.wav.parent.name == "takes" for cue in cues)
    assert on_timeline(report) == [cues[1].wav.name if cues[1].wav else ""]
    assert [bool(cue.track) for cue in cues] == [False, True, False]


def test_rank_and_score_are_told_in_words_and_numbers(edit: Path, options: PassOptions) -> None:
    report = go(edit, options, takes=3)
    assert [cue.verdict for cue in report.shots[0].cues] == [
        "no. 3 of 3: presence .50, label .88",
        "best of 3: presence .80, label .88",
        "no. 2 of 3: presence .60, label .88",
    ]
    assert row_of(report)["score"] == "best of 3: presence .80, label .88"
    assert report.outputs.report and report.outputs.manifest
    page = report.outputs.report.read_text(encoding="utf-8")
    assert "take 2, best of 3: presence .80, label .88;" in page
    assert "take 3, no. 2 of 3: presence .60, label .88, not on the timeline" in page
    cue = json.loads(report.outputs.manifest.read_text())["shots"][0]["cues"][1]
    assert (cue["rank"], cue["rank_of"], cue["score"]["total"], cue["score"]["level"]) == (1, 3, 0.8, None)


def test_of_equals_the_first_is_laid(edit: Path, engine: FakeEngine, options: PassOptions) -> None:
    for seed in engine.scores_by_seed:
        engine.scores_by_seed[seed] = score(0.7)
    assert laid(go(edit, options, takes=4)).take == 1


def test_takes_from_before_scores_stand_behind_those_that_have_one(
    edit: Path, engine: FakeEngine, options: PassOptions
) -> None:
    first, second, *_ = seeds_of(edit, options)
    del engine.scores_by_seed[first], engine.scores_by_seed[second]
    cues = go(edit, options, takes=3).shots[0].cues
    assert [(cue.laid, cue.rank, cue.rank_of) for cue in cues] == [(False, None, 1), (False, None, 1), (True, 1, 1)]
    assert [cue.verdict for cue in cues] == ["", "", "presence .60, label .88"]
    engine.scores_by_seed.clear()
    assert laid(go(edit, options, takes=3, seed=4)).take == 1


def test_a_sheet_that_comes_back_unchanged_decides_nothing(
    edit: Path, engine: FakeEngine, options: PassOptions
) -> None:
    first = go(edit, options, takes=3)
    assert (row_of(first)["best"], row_of(first)["take"]) == ("2", "2")
    again = go(edit, options, labels=first.outputs.cues)
    assert (laid(again).take, laid(again).picked, len(engine.made)) == (2, None, 3)
    more = go(edit, options, labels=sheet_of(again), takes=5)
    assert (laid(more).take, laid(more).picked) == (5, None)
    assert len(engine.made) == 5
    assert (row_of(more)["best"], row_of(more)["take"]) == ("5", "5")


def test_a_sheet_that_names_another_take_is_a_pick_and_stays_one(
    edit: Path, engine: FakeEngine, options: PassOptions
) -> None:
    first = go(edit, options, takes=3)
    picked = go(edit, options, takes=3, labels=sheet_of(first, take="1"))
    assert (laid(picked).take, laid(picked).picked) == (1, 1)
    assert laid(picked).verdict == "picked, no. 3 of 3: presence .50, label .88"
    assert on_timeline(picked) == [first.shots[0].cues[0].wav.name if first.shots[0].cues[0].wav else ""]
    assert (row_of(picked)["best"], row_of(picked)["take"]) == ("", "1")
    for changed in ({}, {"takes": 5}, {"labels": sheet_of(picked)}, {"takes": 5, "labels": sheet_of(picked)}):
        again = go(edit, options, **changed)
        assert (laid(again).take, laid(again).picked) == (1, 1)
    freed = go(edit, options, takes=5, labels=sheet_of(again, take=""))
    assert (laid(freed).take, laid(freed).picked) == (5, None)


def test_a_lock_holds_on_to_what_was_chosen(edit: Path, options: PassOptions) -> None:
    first = go(edit, options, takes=3)
    locked = go(edit, options, labels=sheet_of(first, lock="yes"))
    assert (laid(locked).take, laid(locked).picked) == (2, 2)
    assert laid(go(edit, options, takes=5)).take == 2
    assert laid(go(edit, options, takes=5, seed=9)).key == laid(first).key


def test_a_sheet_written_by_hand_picks_with_its_take(edit: Path, options: PassOptions, tmp_path: Path) -> None:
    sheet = tmp_path / "by_hand.csv"
    sheet.write_text("shot,label,take\nsh0010,train passing,3\n")
    assert (laid(go(edit, options, labels=sheet)).take, laid(go(edit, options)).picked) == (3, 3)
    sheet.write_text("shot,label\nsh0010,train passing\n")
    assert laid(go(edit, options, labels=sheet, takes=3)).take == 2


def test_another_seed_or_label_in_the_sheet_starts_from_its_first_take(edit: Path, options: PassOptions) -> None:
    first = go(edit, options, takes=3)
    typed = laid(go(edit, options, labels=sheet_of(first, seed="77")))
    assert (typed.take, typed.seed) == (1, 77)
    first = go(edit, options, takes=3, labels=sheet_of(first))
    other = laid(go(edit, options, labels=sheet_of(first, label="bouncing ball")))
    assert (other.take, other.label) == (1, "bouncing ball")


def test_without_takes_what_was_laid_stays_and_nothing_is_made(
    edit: Path, engine: FakeEngine, options: PassOptions
) -> None:
    first = go(edit, options, takes=5)
    again = go(edit, options)
    assert (laid(again).take, laid(again).sha256) == (5, laid(first).sha256)
    assert [cue.take for cue in again.shots[0].cues] == [5]
    assert laid(go(edit, options, takes=3)).take == 5
    assert len(engine.made) == 5


def test_a_re_cut_keeps_the_choice_and_makes_one_take_where_it_must(
    cut: Cut, edit: Path, edit_of: EditOf, engine: FakeEngine, options: PassOptions
) -> None:
    options = options.model_copy(update={"handles": 6})
    first = go(edit, options, takes=3)
    cut.first, cut.count = 14, 20
    trimmed = go(edit_of(cut, name="v2.otio"), options, conform=first.outputs.folder)
    assert (laid(trimmed).take, laid(trimmed).key, len(engine.made)) == (2, laid(first).key, 3)
    cut.first, cut.count = 2, 44
    longer = go(edit_of(cut, name="v3.otio"), options, conform=first.outputs.folder)
    assert (laid(longer).take, laid(longer).seed, len(engine.made)) == (2, laid(first).seed, 4)


def test_another_seed_of_the_pass_starts_from_its_first_take(edit: Path, options: PassOptions) -> None:
    go(edit, options, takes=3)
    assert laid(go(edit, options, seed=6)).take == 1


@pytest.mark.parametrize("older", [True, False])
def test_picks_of_a_manifest_from_before_scores_hold(edit: Path, options: PassOptions, older: bool) -> None:
    first = go(edit, options, takes=3, labels=sheet_of(go(edit, options, takes=3), take="3" if older else ""))
    assert first.outputs.manifest
    document = json.loads(first.outputs.manifest.read_text())
    for cue in document["shots"][0]["cues"]:
        for name in ("picked", "rank", "rank_of", "score", "verdict"):
            del cue[name]
        cue["laid"] = cue["take"] == (3 if older else 1)
    first.outputs.manifest.write_text(json.dumps(document))
    assert laid(go(edit, options, takes=5)).take == (3 if older else 5)


def test_a_take_that_failed_is_not_laid_while_another_is_there(
    edit: Path, engine: FakeEngine, options: PassOptions
) -> None:
    engine.errors_by_seed[seeds_of(edit, options)[1]] = OutOfMemoryError("full")
    report = go(edit, options, takes=3)
    assert [(cue.laid, cue.rank) for cue in report.shots[0].cues] == [(False, 2), (False, None), (True, 1)]
    assert (str(report.shots[0].state), len(on_timeline(report)), report.exit_code) == ("failed", 1, 3)
    engine.errors_by_seed.clear()
    assert laid(go(edit, options, takes=3)).take == 2


def test_a_pick_that_failed_is_still_a_pick(edit: Path, engine: FakeEngine, options: PassOptions) -> None:
    first = go(edit, options, takes=3)
    engine.errors_by_seed[seeds_of(edit, options)[3]] = OutOfMemoryError("full")
    failed = go(edit, options, takes=3, labels=sheet_of(first, take="4"))
    assert (laid(failed).take, laid(failed).picked, row_of(failed)["take"]) == (2, 4, "4")
    engine.errors_by_seed.clear()
    assert laid(go(edit, options, takes=3)).take == 4


def test_where_every_take_failed_nothing_is_laid(edit: Path, engine: FakeEngine, options: PassOptions) -> None:
    engine.errors_by_label["train passing"] = OutOfMemoryError("full")
    report = go(edit, options, takes=3)
    assert (laid(report).wav, report.exit_code, report.outputs.edit) == (None, 4, None)


def test_resumed_and_in_pieces_the_choice_is_the_same(
    edit: Path, engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    at_once = laid(go(edit, options, takes=5, store=tmp_path / "other", out=tmp_path / "at_once"))
    for takes in (2, 4, 3, 5):
        in_pieces = laid(go(edit, options, takes=takes))
    assert (in_pieces.take, in_pieces.rank_of, in_pieces.sha256) == (5, 5, at_once.sha256)


def test_a_take_on_a_track_worked_on_by_hand_is_not_joined_by_a_better_one(
    edit: Path, engine: FakeEngine, options: PassOptions
) -> None:
    first = go(edit, options, takes=3)
    assert first.outputs.edit
    document = json.loads(first.outputs.edit.read_text())
    (track,) = (track for track in document["tracks"]["children"] if track["name"] == "FOLEY Vehicles 1")
    clip = next(child for child in track["children"] if child["OTIO_SCHEMA"].startswith("Clip"))
    clip["source_range"]["start_time"]["value"] += 2
    clip["source_range"]["duration"]["value"] -= 2
    edit.write_text(json.dumps(document))
    for changed in ({"takes": 5}, {"takes": 5, "labels": sheet_of(first, take="1")}):
        report = go(edit, options, **changed)
        assert laid(report).take == 2
        assert on_timeline(report) == on_timeline(first)


def test_a_spotted_sheet_leaves_the_take_open(edit: Path, engine: FakeEngine, options: PassOptions) -> None:
    plan = plan_pass(edit, options)
    sheet = write_sheet(edit.with_name("spotted.csv"), plan, spot_pass(plan))
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["best"], row["take"], row["score"]) == ("", "", "")
    assert laid(go(edit, options, labels=sheet, takes=3)).take == 2


def _ledger(receipts: list[tuple[int, ClipReceipt | None]]) -> Ledger:
    """One cue whose takes came out in this order."""
    span = MediaSpan(path=Path("a.mov"), digest="d", start_s=Fraction(0), duration_s=Fraction(1))
    request = FoleyRequest(span=span, label="train", seed=0, settings_digest="s", model_digest="m")
    spotted = Spotted(label="train", category="vehicles", confidence=1.0, source="name")
    ledger = Ledger()
    cues = tuple(
        CueJob(cue_id="c", spotted=spotted, request=replace(request, seed=take), seed=0, take=take)
        for take in sorted(take for take, _ in receipts)
    )
    ledger.note_heard(Heard(shot_id="sh0010", cues=cues))
    keys = {cue.take: cue.request.key() for cue in cues}
    ledger.note_takes(Take(key=keys[take], receipt=receipt) for take, receipt in receipts)
    return ledger


def _receipt(total: float | None, *, silent: bool = False) -> ClipReceipt:
    spans = () if silent else ((0.0, 1.0),)
    told = None if total is None else score(total)
    return ClipReceipt(
        key="", wav=Path("x"), sha256="", samples=1, sample_rate_hz=1, peak=0.1, active_spans_s=spans, score=told
    )


def test_the_order_in_which_takes_come_out_does_not_matter() -> None:
    receipts = [
        (1, None),
        (2, _receipt(None)),
        (3, _receipt(0.4)),
        (4, _receipt(1.0, silent=True)),
        (5, _receipt(0.6)),
        (6, _receipt(0.6)),
    ]
    expected = {1: (False, None), 2: (False, None), 3: (False, 3), 4: (False, None), 5: (True, 1), 6: (False, 2)}
    for number in range(20):
        random.Random(number).shuffle(receipts)
        found = choose_takes(_ledger(receipts))
        assert {take: (choice.laid, choice.rank) for (_, _, take), choice in found.items()} == expected


def test_faults_are_told_only_where_there_are_some() -> None:
    choice = Choice(laid=True, rank=1, rank_of=1)
    good = TakeScore(total=0.9, presence=0.972, level=1.0)
    assert in_words(choice, good, picked=False) == "presence .97, level 1.00"
    bad = replace(good, silent=1.0, clipping=0.021, offset=0.3, speech=0.001, music=0.4)
    assert in_words(choice, bad, picked=True) == (
        "picked: presence .97, level 1.00, silent 1.00, clipped .02, DC .30, music .40"
    )
    assert in_words(Choice(laid=False), None, picked=False) == ""
