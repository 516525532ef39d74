"""Fades and hidden handles of laid clips: read back as they were laid, and whose change it is when they are not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.support import aaf_files
from tests.support.aaf_graph import graph
from tests.support.editors import exported_again
from tests.support.fcpxml import complaints
from tests.support.laying import written_take
from timeline_io.edit import Edit, Fade, FoleyTrack, PlacedClip
from timeline_io.formats.safe_xml import parse_xml
from timeline_io.frames import FrameSpan
from timeline_io.laid import keeps_fades, laid_tracks, touched
from timeline_io.laid_pairs import moved_markers
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.read import read_edit

SHORT = Fade(frames=1, seconds=Fraction(1, 100))


@pytest.fixture(
    params=["golden.otio", "golden.xml", "golden.fcpxml", pytest.param("golden.aaf", marks=pytest.mark.steady)]
)
def edit(request: pytest.FixtureRequest, fixture_timelines: Path, tmp_path: Path) -> Edit:
    path = tmp_path / request.param
    return read_edit(
        aaf_files.golden(path) if path.suffix == ".aaf" else shutil.copy(fixture_timelines / path.name, path)
    )


@pytest.fixture
def tracks(edit: Edit, tmp_path: Path) -> tuple[FoleyTrack, ...]:
    """Two sounds on one track with handles and all fades, and a crossing one on another."""
    clips = [_take(edit, index, tmp_path) for index in (1, 3, 5)]
    crossing = Fade(frames=6, seconds=6 / edit.rate, crossing=True)
    clips[2] = replace(clips[2], fade_in=crossing)
    return plan_tracks({"FOLEY Ambience": clips[:2], "FOLEY Props": clips[2:]})


def _take(edit: Edit, index: int, folder: Path) -> PlacedClip:
    clip = written_take(edit, index, folder / "takes")
    return replace(clip, fade_in=SHORT, fade_out=SHORT)


def test_handles_and_fades_are_read_back_as_they_were_laid(
    edit: Edit, tracks: tuple[FoleyTrack, ...], tmp_path: Path
) -> None:
    found = laid_tracks(exported_again(edit, tracks), [tmp_path / "takes"])
    assert [track.foreign for track in found] == [(), ()]
    for track, laid in zip(found, tracks, strict=True):
        assert touched(track, laid.clips) == ""
        for clip, placed in zip(track.clips, laid.clips, strict=True):
            assert clip.record == placed.record
            fades = [
                fade.seconds if edit.format == "fcpxml" else fade.frames / edit.rate
                for fade in (placed.fade_in, placed.fade_out)
            ]
            assert [clip.fade_in_s, clip.fade_out_s] == fades
    assert moved_markers(found, [clip for track in tracks for clip in track.clips]) == {}


def test_a_fade_that_was_changed_is_the_editor_s(edit: Edit, tracks: tuple[FoleyTrack, ...], tmp_path: Path) -> None:
    found = laid_tracks(
        exported_again(edit, tracks, lambda hand: hand.change_fade_in("take 3", 4)), [tmp_path / "takes"]
    )
    assert touched(found[0], tracks[0].clips) == "take_3.wav got another fade-in"
    assert touched(found[1], tracks[1].clips) == ""


def test_fades_that_a_program_does_not_know_were_removed_by_nobody(
    edit: Edit, tracks: tuple[FoleyTrack, ...], tmp_path: Path
) -> None:
    kept = laid_tracks(exported_again(edit, tracks), [tmp_path / "takes"])
    lost = laid_tracks(exported_again(edit, tracks, lambda hand: hand.lose_fades()), [tmp_path / "takes"])
    assert (keeps_fades(kept), keeps_fades(lost)) == (True, False)
    for track, laid in zip(lost, tracks, strict=True):
        assert touched(track, laid.clips, with_fades=False) == ""
        assert "another fade" in touched(track, laid.clips)


def test_a_dragged_edge_is_a_trim_and_not_another_file(
    edit: Edit, tracks: tuple[FoleyTrack, ...], tmp_path: Path
) -> None:
    found = laid_tracks(exported_again(edit, tracks, lambda hand: hand.trim_head("take 3", -2)), [tmp_path / "takes"])
    assert touched(found[0], tracks[0].clips) == "take_3.wav was trimmed"


def test_laying_twice_is_laying_once_and_leaves_no_trace(
    edit: Edit, tracks: tuple[FoleyTrack, ...], tmp_path: Path
) -> None:
    suffix = edit.path.suffix
    once = exported_again(edit, tracks)
    twice = lay_tracks(once, tracks, tmp_path / f"twice{suffix}")
    bare = remove_foley_tracks(twice, tmp_path / f"bare{suffix}")
    if suffix == ".aaf":
        assert graph(twice) == graph(once.path) and graph(bare) == graph(edit.path)
    else:
        assert twice.read_bytes() == once.path.read_bytes() and bare.read_bytes() == edit.path.read_bytes()
    if suffix == ".fcpxml":
        assert list(complaints(parse_xml(once.path.read_bytes(), once.path.name))) == []
    assert once.shots == edit.shots


def test_a_clip_at_the_start_of_the_timeline_fades_in_as_well(edit: Edit, tmp_path: Path) -> None:
    """A clip at the very start of the timeline has no hole before it, and its fades hold all the same."""
    first = replace(
        _take(edit, 0, tmp_path), record=FrameSpan(first=edit.start_frame, count=20, rate=edit.rate), spans=()
    )
    tracks = plan_tracks({"FOLEY Ambience": [first]})
    (found,) = laid_tracks(exported_again(edit, tracks), [tmp_path / "takes"])
    assert found.foreign == () and touched(found, tracks[0].clips) == ""
    assert found.clips[0].fade_in_s > 0 and found.clips[0].fade_out_s > 0
