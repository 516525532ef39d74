"""What comes in decides what comes out: a patched copy where there can be one, and always our tracks alone."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
import soundfile

from flows.options import PassOptions
from flows.output.names import Naming
from flows.records import PassReport
from flows.run import run_pass
from pipeline.errors import MediaError
from pipeline.scenes.catalogue import source_named
from pipeline.scenes.scene import make_scene
from tests.support.movies import write_movie
from tests.support.passes import Cut, FakeEngine
from timeline_io.errors import TimelineError
from timeline_io.lay import remove_foley_tracks
from timeline_io.read import read_edit

pytestmark = pytest.mark.usefixtures("card")
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
EDL = """TITLE: reel
FCM: NON-DROP FRAME
001  A001 V C 00:00:00:12 00:00:01:12 01:00:00:00 01:00:01:00
* FROM CLIP NAME: a.mp4
* COMMENT: foley: train passing
002  B001 V C 00:00:00:00 00:00:01:00 01:00:01:00 01:00:02:00
* FROM CLIP NAME: b.mp4
"""


def go(edit: Path, options: PassOptions, **changed: object) -> PassReport:
    return run_pass(edit, options.model_copy(update=changed), with_prefect=False)


def laid_ranges(companion: Path) -> list[tuple[int, int]]:
    """Where our clips lie in an OTIO file, in frames from its start."""
    timeline = otio.adapters.read_from_file(str(companion))
    clips = [clip for track in timeline.audio_tracks() for clip in track.find_clips()]
    found = [clip.range_in_parent() for clip in clips]
    return sorted((int(r.start_time.value), int(r.duration.value)) for r in found)


def test_an_edit_decision_list_is_answered_with_our_tracks_alone(
    engine: FakeEngine, movie: Movie, options: PassOptions, tmp_path: Path
) -> None:
    edit = tmp_path / "reel.edl"
    edit.write_text(EDL, encoding="utf-8")
    roots = (movie("a.mp4").parent,)
    movie("b.mp4")
    report = go(edit, options, media_roots=roots, rate="24")
    assert [str(shot.state) for shot in report.shots] == ["made", "made"]
    assert [shot.cues[0].source for shot in report.shots] == ["note", "heard"]
    assert report.outputs.edit is None
    assert [path.name for path in report.outputs.companions] == ["reel.foley-only.otio", "reel.foley-only.xml"]
    assert laid_ranges(report.outputs.companions[0]) == [(0, 24), (24, 24)]
    assert report.exit_code == 0
    found = go(edit, options, media_roots=roots)
    assert any("24" in warning for warning in found.warnings)


def test_a_movie_is_cut_where_its_picture_cuts(engine: FakeEngine, options: PassOptions, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    rate = Fraction(24000, 1001)
    frames = []
    for seed, name, count in ((1, "train", 40), (2, "rain", 55), (3, "door", 30)):
        scene = make_scene(seed, 4.0, target=source_named(name))
        frames += list(scene.frames(np.arange(count) / float(rate) + 0.5, 96))
    write_movie(film, frames, rate=rate, size=(96, 96))
    report = go(film, options)
    assert [(shot.first_frame, shot.frame_count) for shot in report.shots] == [(0, 40), (40, 55), (95, 30)]
    assert report.outputs.edit is None
    assert laid_ranges(report.outputs.companions[0]) == [(0, 40), (40, 55), (95, 30)]
    assert "2 cuts" in report.warnings[0]


def test_what_is_called_a_movie_and_is_none_is_refused(options: PassOptions, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"no movie")
    with pytest.raises(MediaError, match=r"film\.mp4"):
        go(film, options)


@pytest.mark.parametrize("suffix", [".otioz", ".otiod"])
def test_a_bundle_is_answered_with_a_bundle(
    suffix: str, engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    timeline = otio.adapters.read_from_file(str(edit_of(Cut(name="train", media=movie("a.mp4")))))
    bundle = tmp_path / f"reel{suffix}"
    otio.adapters.write_to_file(timeline, str(bundle))
    for _ in range(2):
        report = go(bundle, options)
        assert [str(shot.state) for shot in report.shots] in (["made"], ["cached"])
        laid = report.outputs.edit
        assert laid and laid.name == f"reel.foley{suffix}"
    assert laid
    assert [shot.media_ref for shot in read_edit(laid).shots] == [shot.media_ref for shot in read_edit(bundle).shots]
    stripped = remove_foley_tracks(laid, tmp_path / f"bare{suffix}")
    assert read_edit(stripped).digest == read_edit(bundle).digest


def test_sounds_are_named_as_the_editor_s_machine_sees_them(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions, tmp_path: Path
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")))
    report = go(edit, options, path_maps=(("Z:\\show", str(tmp_path)),))
    assert report.outputs.edit and "Z:\\\\show\\\\reel_foley\\\\takes\\\\" in report.outputs.edit.read_text()


def test_stems_are_as_long_as_the_edit_and_hold_every_take_in_its_place(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(
        Cut(name="train", media=movie("a.mp4")),
        Cut(name="ball", media=movie("b.mp4")),
        Cut(name="train", media=movie("c.mp4")),
    )
    report = go(edit, options, stems=True)
    assert [path.name for path in report.outputs.stems] == ["reel_vehicles.wav", "reel_props.wav"]
    vehicles, rate_hz = soundfile.read(report.outputs.stems[0], dtype="float32")
    assert (len(vehicles), rate_hz) == (72 * 2000, 48_000)
    expected = np.zeros(72 * 2000, np.float32)
    rising = (np.arange(480) + 0.5) / 480
    for shot in (report.shots[0], report.shots[2]):
        cue = shot.cues[0]
        assert cue.wav
        begin, count = (cue.laid_first - cue.record_first) * 2000, cue.laid_count * 2000
        heard = soundfile.read(cue.wav, dtype="float32")[0][begin : begin + count]
        heard[:480] *= rising
        heard[-480:] *= rising[::-1]
        expected[(cue.laid_first - 86400) * 2000 :][:count] += heard
    np.testing.assert_allclose(vehicles, expected, atol=2**-22)
    assert (86400 * 2000).to_bytes(8, "little") in report.outputs.stems[0].read_bytes()[:1024]
    assert [str(shot.state) for shot in go(edit, options, stems=True).shots] == ["cached"] * 3


def test_names_follow_the_pattern_that_was_asked_for(
    engine: FakeEngine, movie: Movie, edit_of: EditOf, options: PassOptions
) -> None:
    edit = edit_of(Cut(name="train", media=movie("a.mp4")), Cut(name="ball", media=movie("b.mp4")))
    report = go(edit, options, names=Naming.UCS)
    assert report.tracks == ("VEHMisc 1", "FOLYProp 1")
    assert report.shots[0].cues[0].wav and report.shots[0].cues[0].wav.name.startswith("TRNMisc_train-passing_FOLEY_")
    assert report.shots[1].cues[0].wav and report.shots[1].cues[0].wav.name.startswith("FOLYProp_bouncing-ball_FOLEY_")
    again = go(edit, options, names=Naming.UCS)
    assert again.tracks == report.tracks


def test_a_rate_that_is_none_is_named(edit_of: EditOf, movie: Movie, options: PassOptions) -> None:
    with pytest.raises(TimelineError, match="--rate fast"):
        go(edit_of(Cut(name="train", media=movie("a.mp4"))), options, rate="fast")
