"""An editor works on our tracks and exports again: what was done by hand stays, and moved markers are obeyed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from flows.options import PassOptions
from flows.records import PassReport
from flows.run import run_pass
from tests.support.passes import Cut, FakeEngine
from timeline_io.read import read_edit

pytestmark = pytest.mark.usefixtures("card")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
RATE = 24


def go(edit: Path, options: PassOptions, **changed: object) -> PassReport:
    return run_pass(edit, options.model_copy(update=changed), with_prefect=False)


def our_tracks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {track["name"]: track for track in document["tracks"]["children"] if track["name"].startswith("FOLEY")}


@pytest.fixture
def exported(engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions) -> tuple[Path, PassReport]:
    """The export of an editor who took our edit in under the old name; and the pass that made it."""
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4")))
    report = go(edit, options)
    assert report.outputs.edit
    edit.write_bytes(report.outputs.edit.read_bytes())
    return edit, report


def change(edit: Path, track: str, how: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(edit.read_text())
    how(our_tracks(document)[track])
    edit.write_text(json.dumps(document))


def test_tracks_left_as_they_were_are_replaced(
    exported: tuple[Path, PassReport], engine: FakeEngine, options: PassOptions
) -> None:
    edit, first = exported
    again = go(edit, options)
    assert again.tracks == first.tracks == ("FOLEY Vehicles 1", "FOLEY Props 1")
    assert again.outputs.edit and again.outputs.edit.read_bytes() == edit.read_bytes()
    assert not any("by hand" in warning for warning in again.warnings)


def test_a_track_that_was_worked_on_stays_and_its_sounds_are_not_laid_twice(
    exported: tuple[Path, PassReport], engine: FakeEngine, options: PassOptions
) -> None:
    edit, _ = exported

    def later(track: dict[str, Any]) -> None:
        gap = next(child for child in track["children"] if child["OTIO_SCHEMA"].startswith("Gap"))
        gap["source_range"]["duration"]["value"] += 3

    change(edit, "FOLEY Props 1", later)
    for _ in range(2):
        report = go(edit, options)
        assert report.tracks == ("FOLEY Vehicles 1",)
        assert [warning for warning in report.warnings if "FOLEY Props 1 was changed by hand" in warning]
        assert report.outputs.edit
        before, after = (our_tracks(json.loads(path.read_text())) for path in (edit, report.outputs.edit))
        assert after["FOLEY Props 1"] == before["FOLEY Props 1"]
        assert set(after) == {"FOLEY Props 1", "FOLEY Vehicles 1"}
        ball = report.shots[1].cues[0]
        assert ball.wav and ball.wav.is_file() and ball.track == "FOLEY Props 1"
        assert report.exit_code == 0
    assert report.outputs.edit and read_edit(edit).shots == read_edit(report.outputs.edit).shots


def test_a_marker_that_was_moved_says_when_it_sounds(
    exported: tuple[Path, PassReport], engine: FakeEngine, options: PassOptions
) -> None:
    edit, first = exported
    before = first.shots[0].cues[0]
    assert [(span.first, span.end) for span in before.heard_spans] == [(86402, 86412)]

    def shorter(track: dict[str, Any]) -> None:
        clip = next(child for child in track["children"] if child["OTIO_SCHEMA"].startswith("Clip"))
        (marker,) = clip["markers"]
        marker["marked_range"]["duration"]["value"] = 4

    change(edit, "FOLEY Vehicles 1", shorter)
    report = go(edit, options)
    told = report.shots[0].cues[0].told_spans
    assert told and [(span.first, span.end) for span in told] == [(86402, 86406)]
    assert report.shots[0].cues[0].key != before.key
    assert report.shots[1].cues[0].told_spans is None
    # Its own markers now lie where the sound was told to be: nothing changes any more.
    edit.write_bytes(Path(str(report.outputs.edit)).read_bytes())
    made = len(engine.made)
    assert go(edit, options).shots[0].cues[0].key == report.shots[0].cues[0].key
    assert len(engine.made) == made


def test_markers_that_were_lost_on_the_way_leave_it_to_the_detector(
    exported: tuple[Path, PassReport], engine: FakeEngine, options: PassOptions
) -> None:
    edit, first = exported

    def none(track: dict[str, Any]) -> None:
        for child in track["children"]:
            child["markers"] = []

    change(edit, "FOLEY Vehicles 1", none)
    assert go(edit, options).shots[0].cues[0].key == first.shots[0].cues[0].key


def test_stems_play_a_sound_where_the_editor_put_it(
    exported: tuple[Path, PassReport], engine: FakeEngine, options: PassOptions
) -> None:
    edit, first = exported
    ball = first.shots[1].cues[0]

    def later(track: dict[str, Any]) -> None:
        gap = next(child for child in track["children"] if child["OTIO_SCHEMA"].startswith("Gap"))
        gap["source_range"]["duration"]["value"] -= 6

    change(edit, "FOLEY Props 1", later)
    report = go(edit, options, stems=True)
    props = next(path for path in report.outputs.stems if "props" in path.name)
    stem, sound = (soundfile.read(path, dtype="float32")[0] for path in (props, ball.wav))
    begin, count = (24 - 6) * 2000, 24 * 2000
    head = (ball.laid_first - ball.record_first) * 2000
    middle = slice(2400, count - 2400)
    np.testing.assert_allclose(stem[begin:][middle], sound[head:][middle], atol=2**-22)
    assert not stem[:begin].any() and not stem[begin + count :].any()
