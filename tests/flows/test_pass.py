"""Whole passes on threads with the made-up engine: what is made, what is kept, what is reported."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest
import soundfile

from flows.desk import PassEvent
from flows.errors import OutputFolderError
from flows.options import PassOptions
from flows.records import PassReport
from flows.run import run_pass
from flows.work.engine import use_engine
from pipeline.errors import LabelError, MediaError, OutOfMemoryError, WeightsError
from pipeline.weights.registry import ModelCard
from tests.support.passes import Cut, FakeEngine
from timeline_io.errors import CueSheetError, TimelineError

pytestmark = pytest.mark.usefixtures("card")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]


def go(edit: Path, options: PassOptions, **changed: object) -> PassReport:
    return run_pass(edit, options.model_copy(update=changed), with_prefect=False)


def states(report: PassReport) -> list[str]:
    return [str(shot.state) for shot in report.shots]


def manifest_of(report: PassReport) -> dict[str, object]:
    assert report.outputs.manifest
    document: dict[str, object] = json.loads(report.outputs.manifest.read_text(encoding="utf-8"))
    return document


def test_a_pass_leaves_the_edit_the_sounds_and_the_papers(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train_01", media=movie("a.mp4")), Cut(name="A002", media=movie("b.mp4")))
    before = edit.read_bytes()
    report = go(edit, options)
    assert states(report) == ["made", "made"]
    assert [shot.cues[0].source for shot in report.shots] == ["name", "heard"]
    assert report.exit_code == 0
    out = edit.parent / "reel_foley"
    assert {file.name for file in out.iterdir()} == {
        "reel.foley.otio",
        "reel.foley-only.otio",
        "reel.foley-only.xml",
        "takes",
        "players",
        "cues.csv",
        "report.html",
        "foley_manifest.json",
    }
    assert edit.read_bytes() == before
    tracks = otio.adapters.read_from_file(str(out / "reel.foley.otio")).audio_tracks()
    assert [track.name for track in tracks] == ["FOLEY Vehicles 1", "FOLEY Vehicles 2"]


def test_the_delivered_file_has_the_samples_of_its_place(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    report = go(edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="train", media=movie("b.mp4"))), options)
    first, second = (shot.cues[0] for shot in report.shots)
    assert first.wav and second.wav
    assert (first.record_first, first.record_count) == (86400 - 12, 48)
    assert (first.laid_first, first.laid_count) == (86400, 24)
    assert soundfile.info(first.wav).frames == first.samples == 48 * 2000
    assert (second.first_sample, second.samples) == ((86400 + 12) * 2000, 48 * 2000)
    assert first.first_sample.to_bytes(8, "little") in first.wav.read_bytes()[:1024]


def test_one_look_per_shot_and_one_load_per_pass(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    go(edit_of(*(Cut(name=f"A{n:03}", media=movie("a.mp4"), first=n) for n in range(20))), options)
    assert (engine.loads, len(engine.listened)) == (1, 20)
    assert [len(batch) for batch in engine.batches] == [8, 8, 4]


def test_a_second_pass_makes_nothing_and_loads_nothing(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="A002", media=movie("b.mp4")))
    first = go(edit, options)
    again = go(edit, options)
    assert states(again) == ["cached", "cached"]
    assert again.exit_code == 0
    assert (engine.loads, len(engine.made)) == (1, 2)
    assert [cue.sha256 for shot in again.shots for cue in shot.cues] == [
        cue.sha256 for shot in first.shots for cue in shot.cues
    ]


@pytest.mark.parametrize("harm", [lambda wav: wav.unlink(), lambda wav: wav.write_bytes(wav.read_bytes()[:-9])])
def test_a_lost_or_damaged_take_in_the_store_is_made_again(
    harm: Callable[[Path], None], engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4")))
    go(edit, options)
    assert options.store
    harm(sorted((options.store / "clips").rglob("*.wav"))[0])
    assert sorted(states(go(edit, options))) == ["cached", "made"]
    assert len(engine.made) == 3


def test_reordering_and_trimming_the_out_point_keep_the_seeds(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    one, two = Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4"))
    before = {cue.label: cue.seed for shot in go(edit_of(one, two), options).shots for cue in shot.cues}
    two.count = 20
    after = go(edit_of(two, one, name="recut.otio"), options)
    assert {cue.label: cue.seed for shot in after.shots for cue in shot.cues} == before


def test_another_seed_gives_another_take(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    keys = {go(edit, options, seed=seed).shots[0].cues[0].key for seed in (0, 1)}
    assert len(keys) == 2


def test_the_same_picture_twice_is_made_once(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    cut = Cut(name="train", media=movie("a.mp4"))
    report = go(edit_of(cut, Cut(name="A", media=movie("b.mp4")), cut), options, handles=0)
    assert engine.made.count("train passing") == 2
    assert report.shots[0].cues[0].key == report.shots[2].cues[0].key
    assert report.shots[0].cues[0].wav != report.shots[2].cues[0].wav


def test_offline_media_fails_its_shot_alone_and_says_what_was_looked_for(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    report = go(edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="train", media=None)), options)
    assert states(report) == ["made", "failed"]
    assert "gone.mov" in report.shots[1].reason
    assert report.exit_code == 3


def test_a_broken_movie_fails_its_shot_alone(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no movie at all")
    report = go(edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="train", media=broken)), options)
    assert states(report) == ["made", "failed"]
    assert "broken.mp4" in report.shots[1].reason


@pytest.mark.parametrize(
    ("error", "word"),
    [(MediaError("a.mp4 has no frame there"), "no frame"), (KeyError("cuda"), "unexpected KeyError")],
)
def test_whatever_goes_wrong_while_looking_stays_with_its_shot(
    error: Exception, word: str, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    engine.errors_by_media = {"a.mp4": error}
    report = go(edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4"))), options)
    assert states(report) == ["failed", "made"]
    assert word in report.shots[0].reason


@pytest.mark.parametrize("error", [LabelError("too long"), RuntimeError("what"), OutOfMemoryError("full")])
def test_a_take_that_fails_does_not_take_its_batch_with_it(
    error: Exception, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    engine.errors_by_label = {"bouncing ball": error}
    cuts = [Cut(name=name, media=movie("a.mp4"), first=n) for n, name in enumerate(("train", "ball", "train"))]
    report = go(edit_of(*cuts), options)
    assert states(report) == ["made", "failed", "made"]
    assert str(error) in report.shots[1].reason
    assert sorted(engine.batches[0]) == ["bouncing ball", "train passing", "train passing"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory."), "ran out of memory"),
        (
            RuntimeError("CUDA error: device-side assert triggered\nmore"),
            "the GPU failed (CUDA error: device",
        ),
    ],
)
def test_what_a_device_says_is_tried_again_before_a_shot_is_set_aside(
    error: Exception,
    reason: str,
    engine: FakeEngine,
    movie: Movie,
    edit_of: EditOf,
    options: PassOptions,
) -> None:
    engine.errors_by_media["b.mp4"] = error
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4")))
    report = go(edit, options)
    assert states(report) == ["made", "failed"]
    assert report.shots[1].reason.startswith("set aside after 3 tries: ") and reason in report.shots[1].reason


def test_one_failed_cue_of_two_fails_the_shot_but_the_other_is_laid(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    engine.errors_by_label = {"rain": LabelError("no rain today")}
    report = go(edit_of(Cut(name="A", media=movie("a.mp4"), note="foley: train passing; rain")), options)
    assert states(report) == ["failed"]
    assert [bool(cue.wav) for cue in report.shots[0].cues] == [True, False]
    assert report.exit_code == 3
    assert report.outputs.edit


def test_nothing_made_writes_no_edit_and_says_why(engine: FakeEngine, edit_of: EditOf, options: PassOptions) -> None:
    report = go(edit_of(Cut(name="train", media=None)), options)
    assert report.exit_code == 4
    assert report.outputs.edit is None
    assert not (report.outputs.folder / "reel.foley.otio").exists()
    assert (report.outputs.folder / "report.html").exists()
    assert engine.loads == 0


def test_silence_is_no_failure(engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions) -> None:
    engine.hears = ()
    engine.silent_labels = {"bouncing ball"}
    cuts = [Cut(name=name, media=movie("a.mp4"), first=n) for n, name in enumerate(("train", "A002", "ball"))]
    report = go(edit_of(*cuts), options)
    assert states(report) == ["made", "silent", "silent"]
    assert report.exit_code == 0
    assert "'bouncing ball'" in report.shots[2].reason
    assert report.outputs.takes
    assert len(list(report.outputs.takes.iterdir())) == 1


def test_a_model_that_cannot_be_loaded_stops_the_pass(movie: Movie, edit_of: EditOf, options: PassOptions) -> None:
    def fail(studio: object) -> FakeEngine:
        raise WeightsError("the weights were changed")

    with use_engine(fail), pytest.raises(WeightsError, match="were changed"):
        go(edit_of(Cut(name="train", media=movie("a.mp4"))), options)


def test_the_sheet_that_was_written_may_be_handed_back(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    engine.hears = ()
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="A002", media=movie("b.mp4")))
    first = go(edit, options)
    again = go(edit, options, labels=first.outputs.cues)
    assert states(again) == ["cached", "silent"]
    assert again.shots[1].reason == first.shots[1].reason == "nothing was heard in its picture"
    assert [cue.source for cue in again.shots[0].cues] == ["name"]
    assert again.outputs.cues and first.outputs.cues
    assert again.outputs.cues.read_bytes() == first.outputs.cues.read_bytes()


def test_an_edited_sheet_is_never_overwritten(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    sheet = go(edit, options).outputs.cues
    assert sheet
    mine = sheet.read_text(encoding="utf-8-sig").replace("train passing", "bouncing ball")
    sheet.write_text(mine, encoding="utf-8-sig")
    report = go(edit, options, labels=sheet)
    assert sheet.read_text(encoding="utf-8-sig") == mine
    assert report.outputs.cues == sheet.with_name("cues.foley.csv")
    assert report.shots[0].cues[0].label == "bouncing ball"
    assert go(edit, options, labels=sheet).outputs.cues == report.outputs.cues


def test_a_wrong_sheet_stops_before_anything_is_written(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    sheet = tmp_path / "cues.csv"
    sheet.write_text("shot,label\nno such shot,rain\n")
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    with pytest.raises(CueSheetError):
        go(edit, options, labels=sheet)
    assert not (tmp_path / "reel_foley").exists()


@pytest.mark.parametrize("name", ["reel.foley.otio", "report.html", "foley_manifest.json"])
def test_a_foreign_file_is_never_overwritten(
    name: str, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    foreign = tmp_path / "reel_foley" / name
    foreign.parent.mkdir()
    foreign.write_text("mine")
    with pytest.raises(OutputFolderError, match=name):
        go(edit_of(Cut(name="train", media=movie("a.mp4"))), options)
    assert foreign.read_text() == "mine"
    assert engine.loads == 0


def test_a_new_edit_that_was_worked_on_is_never_overwritten(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    laid = go(edit, options).outputs.edit
    assert laid
    laid.write_text(laid.read_text() + " ")
    with pytest.raises(OutputFolderError, match="changed since"):
        go(edit, options)


def test_a_changed_take_fails_its_shot_and_stays(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4")))
    wav = go(edit, options).shots[0].cues[0].wav
    assert wav
    wav.write_bytes(b"my own mix")
    report = go(edit, options)
    assert states(report) == ["failed", "cached"]
    assert wav.read_bytes() == b"my own mix"
    assert report.exit_code == 3


def test_a_pass_killed_while_writing_finds_its_own_files(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))

    def killed(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("flows.output.laying.report_page", killed)
        go(edit, options)
    assert states(go(edit, options)) == ["cached"]


def test_the_output_folder_may_not_be_a_file(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    with pytest.raises(OutputFolderError, match="is a file"):
        go(edit_of(Cut(name="train", media=movie("a.mp4"))), options, out=movie("a.mp4"))


def test_a_moved_output_folder_is_told_in_relative_paths(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    report = go(edit_of(Cut(name="train", media=movie("a.mp4"))), options)
    document = manifest_of(report)
    assert isinstance(document["shots"], list)
    wav = document["shots"][0]["cues"][0]["wav"]
    assert wav.startswith("takes/")
    assert document["writing"] == []
    assert isinstance(document["files"], dict)
    assert document["files"][wav] == document["shots"][0]["cues"][0]["sha256"]
    assert str(report.outputs.folder) not in (report.outputs.folder / "report.html").read_text(encoding="utf-8")


def test_names_of_any_kind_survive(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    media = tmp_path / "media 100% #1 'q' \"d\" & 列車.mp4"
    shutil.copy(movie("a.mp4"), media)
    name = 'train <script>alert("x")</script> [bold] 列車 é'
    note = "foley: 列車 & <b>通過</b>"
    edit = edit_of(
        Cut(name=name, media=media, note=note), name="reel 50% #2 'é' 編集.otio", folder=tmp_path / "a b&c #"
    )
    report = go(edit, options)
    assert states(report) == ["made"]
    wav = report.shots[0].cues[0].wav
    assert wav and wav.name.isascii() and " " not in wav.name
    page = (report.outputs.folder / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in page and "列車" in page
    assert report.outputs.cues
    rows = list(csv.DictReader(report.outputs.cues.read_text(encoding="utf-8-sig").splitlines()))
    assert (rows[0]["clip"], rows[0]["label"]) == (name, "列車 & <b>通過</b>")


def test_the_page_asks_nothing_of_the_network(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    report = go(edit_of(Cut(name="train", media=movie("a.mp4"))), options)
    page = (report.outputs.folder / "report.html").read_text(encoding="utf-8")
    assert "http" not in page
    assert 'src="players/' in page and 'src="takes/' not in page


def test_one_honest_warning_per_kind(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, card: ModelCard
) -> None:
    cuts = [Cut(name="A", media=movie("a.mp4"), first=n, note="foley: dog barking") for n in range(3)]
    report = go(edit_of(*cuts), options)
    labels, media = report.warnings
    assert labels == (
        "mini was trained on two labels (train passing, bouncing ball); "
        "'dog barking' is not one of them, so its sound will not fit"
    )
    assert "1 of 1 media file is real footage" in media
    assert all(cue.warning for shot in report.shots for cue in shot.cues)


@pytest.mark.parametrize(
    ("label", "meant"),
    [("train pasing", "train passing"), ("Bouncing  bal", "bouncing ball"), ("trains", "train passing"), ("dogs", "")],
)
def test_a_label_that_is_mistyped_is_asked_about(
    label: str, meant: str, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, card: ModelCard
) -> None:
    report = go(edit_of(Cut(name="A", media=movie("a.mp4"), note=f"foley: {label}")), options)
    assert ("did you mean" in report.warnings[0]) == bool(meant)
    assert f"(did you mean '{meant}'?)" in report.warnings[0] or not meant


def test_progress_is_told_in_order(engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions) -> None:
    told: list[PassEvent] = []
    run_pass(edit_of(Cut(name="train", media=movie("a.mp4"))), options, tell=told.append, with_prefect=False)
    stages = list(dict.fromkeys(event.stage for event in told))
    assert stages == ["plan", "load", "listen", "make", "lay", "laid"]
    assert [(event.done, event.total) for event in told if event.stage == "make"][-1] == (1, 1)


def test_a_preview_is_written_beside_it(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    cuts = (Cut(name="train", media=movie("a.mp4")), Cut(name="gone", media=None))
    report = go(edit_of(*cuts), options, preview=True)
    assert report.outputs.preview
    assert report.outputs.preview.stat().st_size > 1000
    assert 'src="preview.mp4"' in (report.outputs.folder / "report.html").read_text(encoding="utf-8")


def test_a_preview_that_fails_is_only_a_warning(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Path:
        raise MediaError("no codec")

    monkeypatch.setattr("flows.output.reporting.write_preview", fail)
    report = go(edit_of(Cut(name="train", media=movie("a.mp4"))), options, preview=True)
    assert report.exit_code == 0
    assert report.outputs.preview is None
    assert any("no codec" in warning for warning in report.warnings)


def test_a_missing_edit_is_one_sentence(engine: FakeEngine, options: PassOptions, tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match=r"gone\.otio"):
        go(tmp_path / "gone.otio", options)
