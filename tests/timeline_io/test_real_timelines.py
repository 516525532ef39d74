"""Real exports of real programs: known truths, and the promise that nothing in them is changed but our tracks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.laying import seven_takes
from timeline_io.edit import Edit, PlacedClip
from timeline_io.errors import EmptyEditError
from timeline_io.files import digest_of
from timeline_io.frames import FrameSpan, timecode
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.read import read_edit, require_shots

PATCHABLE = [
    "clip_example.otio",
    "effects.otio",
    "multitrack.otio",
    "nested_example.otio",
    "premiere_example.otio",
    "synopsis_Timeline_23.98.otio",
    "transition.otio",
    "hiero_xml_export.xml",
    "premiere_enable_property.xml",
    "premiere_example.xml",
    "premiere_generators.xml",
]


def _shots(edit: Edit) -> list[tuple[str, int, int, Fraction]]:
    return [(shot.name, shot.record.first, shot.record.count, shot.source_start_s) for shot in edit.shots]


@pytest.mark.parametrize("name", PATCHABLE)
def test_our_tracks_go_in_and_come_out_without_a_trace(real_timelines: Path, tmp_path: Path, name: str) -> None:
    edit = read_edit(real_timelines / name)
    clips = seven_takes(edit, tmp_path / "takes")
    tracks = plan_tracks({"FOLEY Ambience": clips})
    laid = lay_tracks(edit, tracks, tmp_path / name)
    assert len(laid.read_bytes()) > len(edit.path.read_bytes())
    again = replace(edit, path=laid, digest=digest_of(laid.read_bytes()))
    assert lay_tracks(again, tracks, tmp_path / f"again_{name}").read_bytes() == laid.read_bytes()
    assert remove_foley_tracks(laid, tmp_path / f"bare_{name}").read_bytes() == edit.path.read_bytes()


def test_premieres_xml_keeps_every_link_and_every_track(real_timelines: Path, tmp_path: Path) -> None:
    edit = read_edit(real_timelines / "premiere_example.xml")
    clip = PlacedClip(
        name="t", wav=tmp_path / "t.wav", record=FrameSpan(first=0, count=9, rate=edit.rate), shot_id="s", label="l"
    )
    root = ElementTree.parse(lay_tracks(edit, plan_tracks({"FOLEY Props": [clip]}), tmp_path / "laid.xml")).getroot()
    assert len(list(root.iter("link"))) == 57
    assert len(list(root.iter("track"))) == 21 + 1
    assert len(root.findall(".//clipitem/sequence/media/*/track/clipitem")) == 4


def test_premieres_xml_with_a_nested_sequence_and_transitions(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "premiere_example.xml")
    assert (edit.name, edit.rate, edit.start_frame) == ("sc01_sh010_layerA", 30, 0)
    assert _shots(edit) == [
        ("sc01_sh010_anim.mov", 13, 100, 0),
        ("sc01_sh020_anim.mov", 165, 157, 0),
        ("sc01_sh030_anim.mov", 322, 235, 0),
        ("sc01_sh010_anim.mov", 557, 79, Fraction(21, 30)),
        ("sc01_sh010_anim.mov", 636, 100, 0),
        ("sc01_sh030_anim.mov", 736, 220, 0),
        ("sc01_master_layerA_sh030_temp.mov", 956, 208, Fraction(34, 30)),
        ("sc01_sh010_anim.mov", 1164, 82, Fraction(18, 30)),
    ]
    assert edit.shots[2].notes == ("dsf", "fsfsfs")
    assert [item.name for item in edit.skipped] == ["test_title"]


def test_premieres_otio_with_newer_markers_agrees_with_its_xml(real_timelines: Path) -> None:
    xml, otio = (_shots(read_edit(real_timelines / f"premiere_example.{kind}")) for kind in ("xml", "otio"))
    # The .otio was made by a converter that lost the content of the nested sequence.
    assert otio == [shot for shot in xml if shot[1] not in (636, 736)]


def test_disabled_clips_and_tracks_of_premiere(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "premiere_enable_property.xml")
    assert [(shot.name, shot.track) for shot in edit.shots] == [
        ("source.mp4", "base"),
        ("source.mp4", "overlay_1"),
        ("source3.mp4", "base"),
    ]
    assert {item.name: item.reason for item in edit.skipped} == {
        "video_track_1_disabled_1": "disabled",
        "video_track_1_disabled_2": "disabled",
        "video_track_3_disabled_1": "disabled",
    }


def test_generators_are_no_shots(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "premiere_generators.xml")
    assert (edit.shots, len(edit.skipped), edit.frame_count) == ((), 6, 856)
    assert {item.reason for item in edit.skipped} == {
        "a generator, not a filmed picture",
        "a title, not a filmed picture",
    }
    with pytest.raises(EmptyEditError, match=r"Universal Counting Leader \(a generator.* and 1 more"):
        require_shots(edit)


def test_hieros_xml_starts_at_one_hour(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "hiero_xml_export.xml")
    assert _shots(edit)[0] == ("A160C005_171213_R0MN", 86400 + 14, 1055, 0)
    assert (edit.start_frame, edit.frame_count) == (86400, 1324)


def test_resolves_otio_with_stacked_layers(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "effects.otio")
    assert [(shot.record.first, shot.record.count) for shot in edit.shots] == [
        (86400, 500), (86900, 316), (87216, 211), (87427, 98),
    ]  # fmt: skip
    assert len(edit.skipped) == 16
    assert sum(shot.record.count for shot in edit.shots) == edit.frame_count == 1125


def test_overlays_of_three_tracks(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "multitrack.otio")
    assert _shots(edit) == [
        ("tech.fux (loop)-HD.mp4", 0, 482, 0),
        ("t-hawk (loop)-HD.mp4", 482, 480, 0),
        ("out-b (loop)-HD.mp4", 962, 236, Fraction(159, 24)),
        ("KOLL-HD.mp4", 1198, 640, 0),
        ("brokchrd (loop)-HD.mp4", 1957, 720, 0),
    ]


def test_nested_stacks_tracks_and_freezes(real_timelines: Path) -> None:
    shots = read_edit(real_timelines / "nested_example.otio").shots
    assert [(shot.name, shot.record.count) for shot in shots] == [
        ("Normal Clip 1", 238), ("Clip Inside A Stack 1", 31), ("Normal Clip 2", 33), ("Clip Inside A Stack 2", 28),
        ("Normal Clip 3", 63), ("Clip Inside A Track", 4), ("Normal Clip 4", 238),
    ]  # fmt: skip
    assert [shot.speed for shot in shots] == [1, 1, 1, Fraction(47, 55), 1, 0, 1]


def test_transitions_do_not_move_the_cuts(real_timelines: Path) -> None:
    shots = read_edit(real_timelines / "transition.otio").shots
    assert [(shot.record.first, shot.record.count) for shot in shots] == [(0, 3), (3, 6), (9, 4), (13, 6)]


def test_a_timeline_in_seconds_and_time_scales(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "synopsis_Timeline_23.98.otio")
    assert edit.rate == Fraction(24000, 1001)
    assert [(shot.record.count, shot.source_start_s) for shot in edit.shots] == [(60, 0), (96, Fraction(1401, 400))]


def test_every_shot_without_media_says_what_was_looked_for(real_timelines: Path) -> None:
    for name in PATCHABLE[:-1]:
        for shot in read_edit(real_timelines / name).shots:
            assert shot.media is None and shot.name
            assert not shot.media_ref or "looked for" in shot.offline_reason


# --- Edit decision lists --------------------------------------------------------------------------------------------

# name: (events, rate found, first frame, frames, frames of each shot)
LISTS = {
    "25fps.edl": (4, 25, 0, 496, [161, 200, 86, 49]),
    "avid_example.edl": (2, 24, 86243, 81, [31, 50]),
    "dissolve_test.edl": (4, 24, 86400, 20, [9, 11]),
    "gap_test.edl": (3, 24, 0, 126, [24, 24, 24]),
    "no_spaces_test.edl": (9, 24, 86243, 1049, [31, 50, 28, 115, 101, 161, 170, 136, 257]),
    "premiere_example.edl": (2, 24, 86243, 81, [31, 50]),
    "speed_effects_small.edl": (5, 24, 86400, 16636, [126, 17, 1, 18, 36]),
}


def _record_out_of_the_last_event(path: Path) -> str:
    """The last timecode of the last event, taken from the text by itself."""
    lines = [line.split() for line in path.read_text("utf-8").splitlines()]
    return [words[-1] for words in lines if words and words[0].isdigit() and len(words) >= 8][-1]


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_real_programs(real_timelines: Path, name: str) -> None:
    edit = read_edit(real_timelines / name)
    events, rate, start, count, lengths = LISTS[name]
    text = (real_timelines / name).read_text("utf-8")
    assert sum(line[:3].isdigit() for line in text.splitlines()) == events
    assert (edit.rate, edit.start_frame, edit.frame_count, edit.skipped) == (rate, start, count, ())
    assert [shot.record.count for shot in edit.shots] == lengths
    assert timecode(edit.start_frame + edit.frame_count, edit.rate) == _record_out_of_the_last_event(edit.path)
    assert len(edit.remarks) == 1 and "--rate" in edit.remarks[0]
    assert all(shot.start_unknown and "looked for" in shot.offline_reason for shot in edit.shots)


def test_the_retimes_and_freezes_of_avid(real_timelines: Path) -> None:
    shots = read_edit(real_timelines / "speed_effects_small.edl").shots
    assert [shot.speed for shot in shots] == [1, 0, 0, 1, Fraction(476, 240)]


def test_the_locators_and_paths_of_lists(real_timelines: Path) -> None:
    shots = read_edit(real_timelines / "no_spaces_test.edl").shots
    assert (shots[3].notes, shots[3].media_ref) == (("ANIM FIX NEEDED",), "ZZ100_504C.LAY1.02")
    path = read_edit(real_timelines / "avid_example.edl").shots[0].media_ref
    assert path == "S:\\path\\to\\ZZ100_501.take_1.0001.exr"
    dissolve = read_edit(real_timelines / "dissolve_test.edl").shots
    assert [(shot.name, shot.record.first) for shot in dissolve] == [("clip_A", 86400), ("clip_B", 86409)]
