"""A re-cut keeps what was made: takes that still cover the picture, seeds, picked takes, spans told by a person."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
import soundfile

from flows.errors import OutputFolderError
from flows.options import PassOptions
from flows.records import CueReport, PassReport
from flows.run import run_pass
from tests.support.passes import Cut, FakeEngine

pytestmark = pytest.mark.usefixtures("card")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
FRAME = 2000  # samples of a frame at 24 per second


def go(edit: Path, options: PassOptions, **changed: object) -> PassReport:
    return run_pass(edit, options.model_copy(update=changed), with_prefect=False)


def only_cue(report: PassReport) -> CueReport:
    (cue,) = (cue for shot in report.shots for cue in shot.cues if cue.laid)
    return cue


def sound_of(cue: CueReport) -> np.ndarray:
    assert cue.wav
    samples: np.ndarray = soundfile.read(cue.wav, dtype="int32")[0]
    return samples


def change_sheet(report: PassReport, **cells: str) -> Path:
    """The sheet of a pass with other words in its first row."""
    assert report.outputs.cues
    with report.outputs.cues.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[0] |= cells
    path = report.outputs.cues.with_name("mine.csv")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize(("first", "count"), [(17, 19), (12, 15), (8, 30), (20, 8)])
@pytest.mark.parametrize("name", ["train", "A001"])
def test_a_trim_inside_the_handles_makes_nothing(
    name: str, first: int, count: int, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    other = Cut(name="ball", media=movie("b.mp4"))
    cut = Cut(name=name, media=movie("a.mp4"), first=12, count=24)
    before = go(edit_of(other, cut, other), options).shots[1].cues[0]
    was, made = sound_of(before), len(engine.made)
    cut.first, cut.count = first, count
    after = go(edit_of(other, cut, other), options).shots[1].cues[0]
    assert len(engine.made) == made
    assert (after.seed, after.key) == (before.seed, before.key)
    # What is heard at a picture is what was heard there before; the handles are what the take has left.
    seen_at = (86400 + 24 - after.record_first) * FRAME
    old_at, now = first * FRAME, sound_of(after)
    np.testing.assert_array_equal(now[seen_at : seen_at + count * FRAME], was[old_at : old_at + count * FRAME])
    assert after.samples == len(now) == after.record_count * FRAME
    assert after.record_count == min(12, first) + count + min(12, 48 - first - count)


def test_a_shot_that_reaches_further_is_made_anew_with_its_seed(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    cut = Cut(name="train", media=movie("a.mp4"), first=20, count=10)
    before = only_cue(go(edit_of(cut), options))
    cut.first, cut.count = 6, 38
    after = only_cue(go(edit_of(cut), options))
    assert len(engine.made) == 2
    assert after.seed == before.seed and after.key != before.key


def test_only_the_changed_shots_of_a_re_cut_are_made(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    cuts = [Cut(name="train", media=movie(f"{n}.mp4")) for n in "abc"]
    first = go(edit_of(*cuts), options)
    recut = edit_of(cuts[2], Cut(name="train", media=movie("d.mp4")), cuts[0], name="reel_v2.otio")
    after = go(recut, options, conform=first.outputs.folder)
    assert [str(shot.state) for shot in after.shots] == ["cached", "made", "cached"]
    assert len(engine.made) == 4


def test_takes_are_made_side_by_side_and_the_picked_one_is_laid_and_stays(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    cut = Cut(name="train", media=movie("a.mp4"))
    edit = edit_of(cut)
    first = go(edit, options, takes=3)
    cues = first.shots[0].cues
    assert [(cue.take, cue.laid, bool(cue.wav)) for cue in cues] == [
        (1, True, True),
        (2, False, True),
        (3, False, True),
    ]
    assert len({cue.sha256 for cue in cues}) == 3
    picked = go(edit, options, labels=change_sheet(first, take="2"))
    assert (only_cue(picked).take, only_cue(picked).sha256) == (2, cues[1].sha256)
    cut.first, cut.count = 14, 20
    again = go(edit_of(cut), options)
    assert (only_cue(again).take, only_cue(again).key) == (2, cues[1].key)
    assert len(engine.made) == 3


def test_a_lock_keeps_the_seed_when_the_pass_asks_for_another(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    first = go(edit, options)
    seed, sheet = only_cue(first).seed, change_sheet(first, lock="yes")
    assert only_cue(go(edit, options, seed=5)).seed != seed
    go(edit, options, labels=sheet)
    locked = only_cue(go(edit, options, seed=5))
    assert (locked.seed, locked.locked) == (seed, True)


def test_told_spans_follow_their_picture(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    other = Cut(name="ball", media=movie("b.mp4"))
    cut = Cut(name="train", media=movie("a.mp4"))
    first = go(edit_of(cut, other), options)
    told = change_sheet(first, spans="01:00:00:06-01:00:00:18")
    cue = go(edit_of(cut, other), options, labels=told).shots[0].cues[0]
    assert cue.told_spans and [(s.first, s.end) for s in cue.told_spans] == [(86406, 86418)]
    made = len(engine.made)
    cut.first, cut.count = 14, 22
    moved = go(edit_of(other, cut), options).shots[1].cues[0]
    assert moved.told_spans and [(s.first, s.end) for s in moved.told_spans] == [(86400 + 24 + 4, 86400 + 24 + 16)]
    assert (moved.key, len(engine.made)) == (cue.key, made)


def test_a_manifest_of_an_older_kind_counts_as_none(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    first = go(edit, options)
    manifest = first.outputs.folder / "foley_manifest.json"
    manifest.write_text(manifest.read_text().replace('"start_s": "', '"start_s": "x'))
    assert only_cue(go(edit, options)).key == only_cue(first).key


def test_what_a_sheet_decided_holds_without_it(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    cut = Cut(name="A001", media=movie("a.mp4"))
    edit = edit_of(cut)
    first = go(edit, options, takes=2)
    told = change_sheet(first, label="bouncing ball", take="2", lock="yes", spans="01:00:00:06-01:00:00:18")
    decided = only_cue(go(edit, options, labels=told))
    again = only_cue(go(edit, options, seed=5))
    assert (again.label, again.take, again.locked, again.key) == ("bouncing ball", 2, True, decided.key)
    assert again.told_spans == decided.told_spans
    recut = only_cue(go(edit_of(cut, name="v2.otio"), options, conform=first.outputs.folder, seed=7))
    assert (recut.label, recut.take, recut.key) == ("bouncing ball", 2, decided.key)


def test_a_re_cut_that_is_run_again_has_each_track_once(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4")))
    first = go(edit, options)
    assert first.outputs.edit
    recut = edit.with_name("reel_v2.otio")
    recut.write_bytes(first.outputs.edit.read_bytes())
    followed = go(recut, options, conform=first.outputs.folder)
    for changed in ({}, {"conform": first.outputs.folder}):
        again = go(recut, options, **changed)
        assert again.outputs.edit and followed.outputs.edit
        names = [track.name for track in otio.adapters.read_from_file(str(again.outputs.edit)).audio_tracks()]
        assert names == ["FOLEY Vehicles 1", "FOLEY Props 1"]
        assert not any("by hand" in warning for warning in again.warnings)


def test_two_edits_of_one_name_do_not_share_a_folder(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    go(edit_of(Cut(name="train", media=movie("a.mp4"))), options)
    film = tmp_path / "reel.mp4"
    film.write_bytes(movie("a.mp4").read_bytes())
    with pytest.raises(OutputFolderError, match=r"reel_foley holds what was made for reel\.otio"):
        go(film, options)
    assert go(film, options, out=tmp_path / "film").exit_code == 0


def test_a_name_too_long_for_the_new_files_is_refused_at_once(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    for length in (225, 245):
        edit = edit_of(Cut(name="train", media=movie("a.mp4")), name=f"{'x' * length}.otio")
        with pytest.raises(OutputFolderError, match="too long"):
            go(edit, options)
    assert engine.made == []


def test_a_shot_that_a_sheet_made_silent_stays_silent_until_a_sheet_says_otherwise(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    cut, other = Cut(name="A001", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4"))
    edit = edit_of(cut, other)
    first = go(edit, options)
    silent = change_sheet(first, label="")
    for changed in ({"labels": silent}, {}, {"seed": 3}):
        report = go(edit, options, **changed)
        assert str(report.shots[0].state) == "silent"
        assert report.shots[0].reason == "the cue sheet leaves it silent"
    recut = go(edit_of(other, cut, name="v2.otio"), options, conform=first.outputs.folder)
    assert str(recut.shots[1].state) == "silent"
    loud = change_sheet(go(edit, options), label="train passing")
    assert str(go(edit, options, labels=loud).shots[0].state) == "made"


def test_of_two_shots_that_overlap_each_finds_its_own_takes_again(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    cuts = [Cut(name="train", media=movie("a.mp4"), first=12, count=count) for count in (15, 16)]
    first = go(edit_of(*cuts, Cut(name="ball", media=movie("b.mp4"))), options)
    made = len(engine.made)
    again = go(edit_of(*cuts, Cut(name="ball", media=movie("b.mp4"))), options)
    assert [shot.cues[0].key for shot in again.shots] == [shot.cues[0].key for shot in first.shots]
    assert [shot.cues[0].samples for shot in again.shots] == [shot.cues[0].samples for shot in first.shots]
    assert len(engine.made) == made
