"""Another family of models goes through a whole pass: it is one package, and one line in FAMILIES."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
import soundfile

from flows.errors import SettingError
from flows.options import PassOptions
from flows.output.names import Naming
from flows.planning.plan import plan_pass
from flows.records import PassReport
from flows.run import run_pass
from pipeline.registries import FAMILIES
from tests.support.passes import Cut
from tests.support.sine_family import SINE, write_model

EditOf = Callable[..., Path]
Movie = Callable[[str], Path]


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PassOptions:
    monkeypatch.setitem(FAMILIES, "sine", SINE)
    model = write_model(tmp_path / "sine-model")
    return PassOptions(model=str(model), store=tmp_path / "store", device="cpu", preview=False, stems=True, takes=2)


@pytest.fixture
def edit(movie: Movie, edit_of: EditOf) -> Path:
    return edit_of(
        Cut(name="A001", media=movie("a.mp4"), note="foley: low hum"),
        Cut(name="A002", media=movie("b.mp4"), note="foley: bell"),
    )


def go(edit: Path, options: PassOptions, **changed: object) -> PassReport:
    return run_pass(edit, options.model_copy(update=changed), with_prefect=False)


def states(report: PassReport) -> list[str]:
    return [str(shot.state) for shot in report.shots]


def test_a_whole_pass(edit: Path, options: PassOptions) -> None:
    report = go(edit, options, names=Naming.NETFLIX)
    assert states(report) == ["made", "made"] and report.exit_code == 0
    cues = [cue for shot in report.shots for cue in shot.cues]
    assert all(cue.score is not None and cue.score.presence == 1 for cue in cues)
    takes = sorted((report.outputs.folder / "takes").glob("*.wav"))
    assert len(takes) == 4 and all("_stereo_48k" in take.name for take in takes)
    for take in takes:
        samples, rate_hz = soundfile.read(take, always_2d=True)
        assert (rate_hz, samples.shape[1]) == (48_000, 2)
        left, right = (np.abs(np.fft.rfft(side)).argmax() / (len(side) / rate_hz) for side in samples.T)
        assert right == pytest.approx(2 * left, rel=0.01)


def test_what_is_laid_and_written_beside_it_is_stereo(edit: Path, options: PassOptions) -> None:
    report = go(edit, options)
    laid = otio.adapters.read_from_file(str(report.outputs.edit))
    tracks = [track for track in laid.audio_tracks() if track.name.startswith("FOLEY")]
    assert {track.metadata["Resolve_OTIO"]["Audio Type"] for track in tracks} == {"Stereo"}
    xml = next(path for path in report.outputs.companions if path.suffix == ".xml").read_text()
    assert xml.count("<channelcount>2</channelcount>") == 2 and 'premiereChannelType="stereo"' in xml
    assert report.outputs.stems
    for sound in (*report.outputs.stems, *report.outputs.folder.glob("players/*.flac")):
        samples, _ = soundfile.read(sound, always_2d=True)
        assert samples.shape[1] == 2 and np.abs(samples[:, 0] - samples[:, 1]).max() > 0.1
    assert report.outputs.report is not None and "low hum" in report.outputs.report.read_text()


def test_a_second_pass_makes_nothing_and_a_sheet_decides(edit: Path, options: PassOptions, tmp_path: Path) -> None:
    first = go(edit, options)
    assert states(go(edit, options)) == ["cached", "cached"]
    assert first.outputs.cues is not None
    with first.outputs.cues.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[0]["label"] = "high bell"
    with (tmp_path / "mine.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    changed = go(edit, options, labels=tmp_path / "mine.csv")
    assert next(cue.label for cue in changed.shots[0].cues) == "high bell"
    assert states(changed)[1] == "cached"


def test_a_recut_keeps_its_takes(edit: Path, options: PassOptions, movie: Movie, edit_of: EditOf) -> None:
    first = go(edit, options)
    recut = edit_of(
        Cut(name="A002", media=movie("b.mp4"), note="foley: bell"),
        Cut(name="A001", media=movie("a.mp4"), note="foley: low hum"),
        name="v2.otio",
    )
    after = go(recut, options, conform=first.outputs.folder)
    assert states(after) == ["cached", "cached"]


def test_its_settings_are_its_own(edit: Path, options: PassOptions) -> None:
    lower, higher = (
        plan_pass(edit, options.model_copy(update={"settings": (("octave", str(octave)),)})).studio for octave in (0, 1)
    )
    assert lower.settings_digest != higher.settings_digest
    with pytest.raises(SettingError, match="there is no setting 'steps'; there are octave, "):
        plan_pass(edit, options.model_copy(update={"settings": (("steps", "3"),)}))
    with pytest.raises(SettingError, match="octave is 9, it must be 0 to 3"):
        plan_pass(edit, options.model_copy(update={"settings": (("octave", "9"),)}))


def test_a_card_of_a_family_that_is_not_there_is_one_sentence(edit: Path, options: PassOptions) -> None:
    card = Path(options.model) / "model.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "family": "cosine"}))
    with pytest.raises(Exception, match="there is no family of models called 'cosine'; there are auffusion, sine"):
        plan_pass(edit, options)
