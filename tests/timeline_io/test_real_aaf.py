"""Real AAF files of Media Composer: known truths, and the promise that nothing in them is changed but our tracks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.aaf_graph import graph
from tests.support.laying import written_take
from timeline_io.edit import Edit
from timeline_io.files import digest_of
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.read import read_edit

# Frames of the sequence, shots, and what is left out.
FILES = {
    "linear_speed_effects.aaf": (50, 20, 0),
    "multiple_markers.aaf": (2275, 12, 11),
    "nested_stack.aaf": (65, 7, 1),
    "simple.aaf": (3282, 5, 0),
    "timecode_test.aaf": (48, 2, 0),
    "transitions.aaf": (521, 4, 0),
    "utf8.aaf": (10, 1, 0),
}
MUTED = "test_muted_clip.aaf"


def _facts(edit: Edit) -> list[tuple[str, int, int, Fraction]]:
    """Name, first frame and frames on the timeline, first frame in the media; all at 24 per second."""
    return [(s.name, s.record.first - edit.start_frame, s.record.count, s.source_start_s * 24) for s in edit.shots]


@pytest.mark.parametrize("name", FILES)
def test_every_file_reads_with_its_own_length(real_timelines: Path, name: str) -> None:
    edit = read_edit(real_timelines / name)
    assert (edit.rate, edit.start_frame, edit.drop_frame, edit.remarks) == (24, 86400, False, ())
    assert (edit.frame_count, len(edit.shots), len(edit.skipped)) == FILES[name]
    assert all(shot.media is None and "looked for" in shot.offline_reason for shot in edit.shots)
    assert all(".mxf" in shot.media_ref for shot in edit.shots)


def test_a_muted_clip_is_no_shot(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / MUTED)
    assert (edit.shots, [(item.name, item.reason) for item in edit.skipped]) == (
        (),
        [("Frame Debugger 0h.mov", "disabled")],
    )
    assert edit.frame_count == 120


def test_constant_speeds_of_all_kinds(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "linear_speed_effects.aaf")
    assert [shot.speed for shot in edit.shots] == [
        Fraction(shown, length) for shown in (1, 2, 3, 4, 5) for length in (1, 2, 3, 4)
    ]
    assert [shot.record.count for shot in edit.shots] == [1, 2, 3, 4] * 5


def test_transitions_with_black_and_with_each_other(real_timelines: Path) -> None:
    assert _facts(read_edit(real_timelines / "transitions.aaf")) == [
        ("tech.fux (loop)-HD.mp4", 0, 117, 0),
        ("t-hawk (loop)-HD.mp4", 117, 77, 75 + 48),
        ("KOLL-HD.mp4", 247, 144, 31 + 24),
        ("brokchrd (loop)-HD.mp4", 391, 130, 0),
    ]


def test_layers_inside_a_submaster(real_timelines: Path) -> None:
    assert _facts(read_edit(real_timelines / "nested_stack.aaf")) == [
        ("Frame Debugger 0h.mov", 0, 15, 24),
        ("Frame Debugger 1h.mov", 16, 8, 24),
        ("Frame Debugger 0h.mov", 24, 1, 48),
        ("Frame Debugger 1h.mov", 25, 15, 23),
        ("Frame Debugger 0h.mov", 40, 8, 54),
        ("Frame Debugger 0h.mov", 48, 1, 39),
        ("Frame Debugger 1h.mov", 49, 16, 32),
    ]


def test_the_timecode_of_the_media(real_timelines: Path) -> None:
    shots = read_edit(real_timelines / "timecode_test.aaf").shots
    assert [(shot.source_start_s, shot.source_timecode_s) for shot in shots] == [(1, 1), (1, 3601)]


def test_markers_of_every_track_reach_what_is_seen(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "multiple_markers.aaf")
    assert edit.shots[1].notes == ("GREEN: V1: zts02_1010: f1104: seq.f1104",)
    assert edit.shots[8].notes == ("GREEN: TC1: zts02_1080: f1206: seq.f2604",)
    assert edit.skipped[0].name == "Mask" and edit.skipped[0].reason.startswith("an effect over the tracks below")


def test_names_and_comments_in_every_script(real_timelines: Path) -> None:
    (shot,) = read_edit(real_timelines / "utf8.aaf").shots
    assert shot.name.startswith("Clip_ABCXYZñçêœ•∑") and shot.name.endswith("≥÷")
    assert shot.notes[0] == "Spinning cube" and shot.notes[1] == shot.name.replace("Clip", "Comments")


@pytest.mark.steady
@pytest.mark.parametrize("name", [*FILES, MUTED])
def test_our_tracks_go_in_and_come_out_without_a_trace(real_timelines: Path, tmp_path: Path, name: str) -> None:
    edit = read_edit(real_timelines / name)
    before = graph(edit.path)
    tracks = plan_tracks({"FOLEY Ambience": [written_take(edit, index, tmp_path / "takes") for index in range(7)]})
    laid = lay_tracks(edit, tracks, tmp_path / name)
    after = graph(laid)
    (composition,) = [mob_id for mob_id, mob in before["mobs"].items() if after["mobs"][mob_id] != mob]
    old, new = (held["mobs"][composition] for held in (before, after))
    assert new["Slots"][: len(old["Slots"])] == old["Slots"] and len(new["Slots"]) == len(old["Slots"]) + len(tracks)
    assert len(after["mobs"]) == len(before["mobs"]) + 3 * 7
    again = replace(edit, path=laid, digest=digest_of(laid.read_bytes()))
    assert graph(lay_tracks(again, tracks, tmp_path / f"again_{name}")) == after
    assert graph(remove_foley_tracks(laid, tmp_path / f"bare_{name}")) == before
