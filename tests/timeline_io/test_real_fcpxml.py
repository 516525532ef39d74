"""Real exports of Final Cut Pro X: known truths, and the promise that nothing in them is changed but our clips."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.fcpxml import complaints
from tests.support.laying import seven_takes
from timeline_io.files import digest_of
from timeline_io.formats.fcpxml.reader import read_fcpxml
from timeline_io.frames import timecode
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.read import read_edit
from timeline_io.shots import flatten

NTSC_24 = Fraction(24000, 1001)

# name: seconds, shots, what is not seen; three files show nothing but titles and generators.
FILES = {
    "fcpx_23.98": ("223.06", 11, 1),
    "fcpx_24With25Media": ("162.96", 2, 0),
    "fcpx_25i": ("29.52", 14, 0),
    "fcpx_29.97d": ("29.60", 14, 0),
    "fcpx_AuditionMarkers": ("10.01", 0, 2),
    "fcpx_CompoundClips": ("30.08", 0, 3),
    "fcpx_DisabledClips": ("851.58", 1, 3),
    "fcpx_Occlusion": ("130.04", 0, 5),
    "ofk_CutSample": ("147.95", 2, 0),
    "ofk_GeneralDemo": ("89.29", 27, 14),
    "ofk_TimelineWithSecondaryStoryline": ("274.73", 46, 1),
}


@pytest.mark.parametrize("name", FILES)
def test_lengths_and_counts(real_timelines: Path, name: str) -> None:
    path = real_timelines / f"{name}.fcpxml"
    seconds, shots, unseen = FILES[name]
    data = path.read_bytes()
    whole = read_fcpxml(data, path.name, None)
    assert f"{float(whole.length_s):.2f}" == seconds
    written = re.findall(r'<sequence [^>]*duration="(\d+)/(\d+)s"', data.decode("utf-8"))
    assert whole.length_s in [Fraction(int(dividend), int(divisor)) for dividend, divisor in written]
    edit = read_edit(path)
    assert (len(edit.shots), len(edit.skipped)) == (shots, unseen)
    assert edit.frame_count == round(whole.length_s * whole.rate)
    for shot in edit.shots:
        assert shot.media is None and "looked for" in shot.offline_reason and shot.source_start_s >= 0


@pytest.mark.parametrize("name", FILES)
def test_our_clips_go_in_and_come_out_without_a_trace(real_timelines: Path, tmp_path: Path, name: str) -> None:
    edit = read_edit(real_timelines / f"{name}.fcpxml")
    clips = seven_takes(edit, tmp_path / "takes")
    tracks = plan_tracks({"FOLEY Ambience": clips})
    laid = lay_tracks(edit, tracks, tmp_path / "laid.fcpxml")
    root = ElementTree.parse(laid).getroot()
    assert list(complaints(root)) == []
    assert len([item for item in root.iter("asset-clip") if item.get("audioRole") == "effects.Foley"]) == 7
    again = replace(edit, path=laid, digest=digest_of(laid.read_bytes()))
    assert lay_tracks(again, tracks, tmp_path / "again.fcpxml").read_bytes() == laid.read_bytes()
    bare = remove_foley_tracks(laid, tmp_path / "bare.fcpxml")
    assert bare.read_bytes() == edit.path.read_bytes()
    # Made pictures, the clips tell where they lie.
    laid.write_bytes(laid.read_bytes().replace(b'hasAudio="1" audioSources="1" audioC', b'hasVideo="1" x="1" audioC'))
    tracks_of = read_fcpxml(laid.read_bytes(), "laid.fcpxml", None).tracks
    places = [
        (item.name, item.start_s, item.length_s)
        for track in tracks_of
        for item in track.items
        if item.name.startswith("take ")
    ]
    expected = [
        (clip.name, index * (edit.frame_count // 8) / edit.rate, clip.record.duration_s)
        for index, clip in enumerate(clips)
    ]
    assert sorted(places) == expected


def test_retimes_conforming_transitions_and_storylines(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "fcpx_23.98.fcpxml")
    assert (edit.name, edit.rate, edit.start_frame, edit.frame_count) == ("23.98_V1", NTSC_24, 0, 5348)
    assert [(shot.name, shot.record.first, shot.record.count, shot.track) for shot in edit.shots] == [
        ("TestVideo", 0, 760, "primary storyline"),
        ("TestVideo2", 760, 646, "primary storyline"),
        ("TestVideo", 1406, 624, "primary storyline"),
        ("TestVideo", 2030, 694, "primary storyline"),
        ("TestVideo", 2724, 280, "primary storyline"),
        ("TestVideo", 3004, 89, "lane 1"),
        ("TestVideo", 3093, 374, "lane 1"),
        ("TestVideo", 3467, 705, "primary storyline"),
        ("TestVideo", 4172, 623, "primary storyline"),
        ("TestVideo", 4795, 178, "primary storyline"),
        ("TestVideo", 4973, 375, "lane 1"),
    ]
    assert edit.shots[1].speed == NTSC_24 / 25
    # 182.978 s of the retimed clip play the 416.166 s of the file.
    retimed = Fraction(149819760, 65872008)
    assert (edit.shots[3].speed, edit.shots[3].source_start_s) == (retimed, Fraction(1192711, 24000) * retimed)
    assert [(item.name, item.reason) for item in edit.skipped] == [("TestVideo", "another pick of its audition")]


# Where Final Cut itself shows the markers, as the makers of these files wrote down.
SHOWN = {
    "fcpx_23.98": {
        "Audition 1": "00:00:39:01", "Audition 2": "00:00:46:00", "Audition 3": "00:00:54:14", "Shot_03": "00:01:15:22",
        "Shot_04": "00:01:42:21", "Shot_05": "00:01:59:21", "Shot_06": "00:02:07:13", "Shot_07": "00:02:13:06",
        "Shot_08": "00:03:06:06", "Shot_09": "00:03:25:07", "Shot_10": "00:03:34:06",
    },
    "fcpx_24With25Media": {"Marker 1": "01:00:10:01", "Marker 2": "01:02:09:17", "Marker 3": "01:02:28:18"},
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_markers_lie_where_final_cut_shows_them(real_timelines: Path, name: str) -> None:
    whole = read_fcpxml((real_timelines / f"{name}.fcpxml").read_bytes(), name, None)
    found = {
        marker.texts[0]: timecode(whole.start_frame + int(marker.at_s * whole.rate), whole.rate)
        for piece in flatten(whole.tracks).pieces
        for marker in piece.markers
    }
    assert {text: found[text] for text in SHOWN[name]} == SHOWN[name]


def test_interlaced_mixed_rates_and_compound_clips(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "fcpx_25i.fcpxml")
    assert (edit.rate, edit.frame_count, edit.drop_frame) == (25, 738, False)
    assert [shot.name for shot in edit.shots] == [
        "Clip 1", "Clip 2", "Media Clip", "Clip 4", "Clip 5", "Clip 5.1", "Clip 5.2", "Clip 5.3", "Clip 5.4", "Clip 5",
        "Clip 6", "Clip 7", "Media Clip", "Clip 7",
    ]  # fmt: skip
    assert (edit.shots[2].source_start_s, edit.shots[2].speed) == (Fraction(452452, 30000), 1)
    assert edit.shots[2].notes == ("Marker 5", "Marker 6")
    assert read_edit(real_timelines / "fcpx_29.97d.fcpxml").drop_frame is True


def test_disabled_clips(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "fcpx_DisabledClips.fcpxml")
    assert [(item.name, item.reason) for item in edit.skipped] == [
        ("Basic Title", "a title, not a filmed picture"), ("Basic Title 2", "disabled"), ("TestVideo", "disabled"),
    ]  # fmt: skip
    assert (edit.shots[0].record.count, edit.shots[0].speed) == (9978, Fraction(1001, 1000))


def test_multicam_angles(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "ofk_GeneralDemo.fcpxml")
    by_start = {shot.record.first: (shot.name, shot.source_start_s) for shot in edit.shots}
    assert by_start[354] == ("BUSKING PERFORMANCE-CAM A", Fraction(1274, 24))
    assert by_start[472] == ("BUSKING PERFORMANCE-CAM B", Fraction(1393, 24))
    assert by_start[607] == ("STUDIO INTV-CAM-C", Fraction(942, 24))


def test_media_that_starts_at_its_own_timecode(real_timelines: Path) -> None:
    edit = read_edit(real_timelines / "ofk_TimelineWithSecondaryStoryline.fcpxml")
    (shot,) = [shot for shot in edit.shots if shot.name.startswith("0001IL")]
    assert shot.source_timecode_s == Fraction(1841198359, 24000)
    assert 0 <= shot.source_start_s < 60
    assert (shot.record.first, shot.record.count, shot.track) == (4390, 134, "lane 1")
