"""Our tracks in a copy of the export, and nothing else changed: the same rules for every format."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import opentimelineio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.errors import LayingError
from timeline_io.frames import FrameSpan
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.read import read_edit

Place = Callable[..., PlacedClip]
FORMATS = ["golden.otio", "golden.xml", "golden.fcpxml", "small.otio", "small.xml"]


@pytest.fixture(params=FORMATS)
def edit(request: pytest.FixtureRequest, fixture_timelines: Path, tmp_path: Path) -> Edit:
    """A copy of a fixture, so that a test may look whether it was touched."""
    path = tmp_path / "export" / request.param
    path.parent.mkdir()
    path.write_bytes((fixture_timelines / request.param).read_bytes())
    return read_edit(path)


def _tracks(edit: Edit, placed: Place) -> tuple[FoleyTrack, ...]:
    spans = {"sh0010_step": (0, 20), "sh0020_step": (12, 20), "sh0030_step": (34, 4)}
    steps = [placed(edit, *span, name) for name, span in spans.items()]
    return plan_tracks({"FOLEY Footsteps": steps, "FOLEY Vehicles": [placed(edit, 5, 30, "日本 <train> & co")]})


def test_the_new_tracks_are_there_and_the_picture_is_the_same(edit: Edit, placed: Place, tmp_path: Path) -> None:
    tracks = _tracks(edit, placed)
    assert [track.name for track in tracks] == ["FOLEY Footsteps 1", "FOLEY Footsteps 2", "FOLEY Vehicles 1"]
    laid = lay_tracks(edit, tracks, tmp_path / "out" / f"cut.foley{edit.path.suffix}")
    again = read_edit(laid)
    assert again.shots == tuple(replace(shot, offline_reason=new.offline_reason) for shot, new in zip(
        edit.shots, again.shots, strict=True))  # fmt: skip
    assert (again.frame_count, again.start_frame, again.skipped) == (edit.frame_count, edit.start_frame, edit.skipped)


def test_laying_twice_is_laying_once(edit: Edit, placed: Place, tmp_path: Path) -> None:
    once = lay_tracks(edit, _tracks(edit, placed), tmp_path / f"once{edit.path.suffix}")
    twice = lay_tracks(read_edit(once), _tracks(edit, placed), tmp_path / f"twice{edit.path.suffix}")
    assert twice.read_bytes() == once.read_bytes()


def test_other_takes_replace_the_earlier_ones(edit: Edit, placed: Place, tmp_path: Path) -> None:
    many = lay_tracks(edit, _tracks(edit, placed), tmp_path / f"many{edit.path.suffix}")
    few = plan_tracks({"FOLEY Props": [placed(edit, 3, 9, "sh0010_door")]})
    replaced = lay_tracks(read_edit(many), few, tmp_path / f"few{edit.path.suffix}")
    assert replaced.read_bytes() == lay_tracks(edit, few, tmp_path / f"new{edit.path.suffix}").read_bytes()


def test_removing_gives_back_the_original_bytes(edit: Edit, placed: Place, tmp_path: Path) -> None:
    laid = lay_tracks(edit, _tracks(edit, placed), tmp_path / f"laid{edit.path.suffix}")
    bare = remove_foley_tracks(laid, tmp_path / f"bare{edit.path.suffix}")
    assert bare.read_bytes() == edit.path.read_bytes()
    with_takes = remove_foley_tracks(laid, tmp_path / f"too{edit.path.suffix}", takes=tmp_path / "takes")
    assert with_takes.read_bytes() == edit.path.read_bytes()


def test_takes_of_another_folder_are_left_alone(edit: Edit, placed: Place, tmp_path: Path) -> None:
    other = replace(placed(edit, 0, 9, "sh0010_rain"), wav=tmp_path / "other run" / "rain.wav")
    first = lay_tracks(edit, plan_tracks({"FOLEY Ambience": [other]}), tmp_path / f"first{edit.path.suffix}")
    second = lay_tracks(read_edit(first), _tracks(edit, placed), tmp_path / f"second{edit.path.suffix}")
    assert other.wav.name.encode() in second.read_bytes()
    cleared = remove_foley_tracks(second, tmp_path / f"third{edit.path.suffix}", takes=tmp_path / "takes")
    assert cleared.read_bytes() == first.read_bytes()


def test_nothing_to_lay_is_a_plain_copy(edit: Edit, tmp_path: Path) -> None:
    out = lay_tracks(edit, [FoleyTrack(name="FOLEY Props 1", clips=())], tmp_path / f"out{edit.path.suffix}")
    assert out.read_bytes() == edit.path.read_bytes()


def test_no_input_is_ever_overwritten(edit: Edit, placed: Place, tmp_path: Path) -> None:
    tracks = _tracks(edit, placed)
    link = tmp_path / f"link{edit.path.suffix}"
    os.link(edit.path, link)
    before = edit.path.read_bytes()
    for out in (edit.path, link, tracks[0].clips[0].wav):
        with pytest.raises(LayingError, match="made from"):
            lay_tracks(edit, tracks, out)
    with pytest.raises(LayingError, match="cannot be written"):
        lay_tracks(edit, tracks, tmp_path)
    with pytest.raises(LayingError, match="the edit itself"):
        remove_foley_tracks(edit.path, edit.path)
    assert edit.path.read_bytes() == before


def test_an_edit_that_changed_since_is_not_patched(edit: Edit, placed: Place, tmp_path: Path) -> None:
    edit.path.write_bytes(edit.path.read_bytes() + b"\n")
    with pytest.raises(LayingError, match="changed since it was read"):
        lay_tracks(edit, _tracks(edit, placed), tmp_path / "out.xml")


def test_an_unwritable_place_leaves_nothing_behind(edit: Edit, placed: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LayingError, match="cannot be written"):
        lay_tracks(edit, _tracks(edit, placed), tmp_path / "file" / "out.otio")
    with pytest.raises(LayingError, match="cannot be written"):
        lay_tracks(edit, _tracks(edit, placed), tmp_path / ("x" * 300))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("spans", "complaint"),
    [
        ([(0, 10), (9, 5)], "before the clip in front of it ends"),
        ([(-1, 10)], "before the timeline"),
        ([(0, 0)], "has no length"),
    ],
)
def test_impossible_places_are_refused(
    edit: Edit, placed: Place, tmp_path: Path, spans: list[tuple[int, int]], complaint: str
) -> None:
    clips = tuple(placed(edit, first, count, f"take{first}") for first, count in spans)
    with pytest.raises(LayingError, match=complaint):
        lay_tracks(edit, [FoleyTrack(name="FOLEY Props 1", clips=clips)], tmp_path / "out.otio")


def test_a_path_that_is_no_text_is_refused(edit: Edit, placed: Place, tmp_path: Path) -> None:
    clip = replace(placed(edit, 0, 10), wav=tmp_path / os.fsdecode(b"caf\xe9") / "a.wav")
    with pytest.raises(LayingError, match="cannot be written as text"):
        lay_tracks(edit, [FoleyTrack(name="FOLEY Props 1", clips=(clip,))], tmp_path / "out.otio")


def test_another_clock_is_refused(edit: Edit, placed: Place, tmp_path: Path) -> None:
    clip = replace(placed(edit, 0, 10), record=FrameSpan(first=edit.start_frame, count=10, rate=Fraction(99)))
    with pytest.raises(LayingError, match="99 frames per second"):
        lay_tracks(edit, [FoleyTrack(name="FOLEY Props 1", clips=(clip,))], tmp_path / "out.otio")


def test_the_laid_otio_holds_what_editors_look_for(fixture_timelines: Path, placed: Place, tmp_path: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.otio")
    laid = lay_tracks(edit, _tracks(edit, placed), tmp_path / "cut.otio")
    timeline = opentimelineio.adapters.read_from_file(str(laid))
    ours = [track for track in timeline.tracks if track.name.startswith("FOLEY")]
    assert [track.kind for track in ours] == ["Audio"] * 3
    clip = ours[1][1]
    assert clip.media_reference.target_url == str(tmp_path / "takes" / "sh0020_step.wav")
    assert clip.trimmed_range() == clip.media_reference.available_range
    assert clip.trimmed_range().start_time.value == 86412
    assert clip.trimmed_range().start_time.rate == 24000 / 1001
    assert ours[1].range_of_child(clip).start_time.value == 12
    assert clip.metadata["smooth_foley"]["shot_id"] == "sh0010"
    assert clip.metadata["Resolve_OTIO"]["Channels"][0]["Source Channel ID"] == 0
    assert clip.metadata["PremierePro_OTIO"]["AudioChannels"]["ChannelType"] == "Mono"


def test_the_laid_fcp7_holds_what_editors_look_for(fixture_timelines: Path, placed: Place, tmp_path: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.xml")
    root = ElementTree.parse(lay_tracks(edit, _tracks(edit, placed), tmp_path / "cut.xml")).getroot()
    track = root.findall("sequence/media/audio/track")[2]
    assert track.attrib == {
        "MZ.TrackName": "FOLEY Footsteps 2",
        "currentExplodedTrackIndex": "0",
        "totalExplodedTrackCount": "1",
        "premiereTrackType": "Mono",
    }
    # The first output channel alone would be the left one.
    assert track.find("outputchannelindex") is None
    (item,) = track.findall("clipitem")
    texts = {path: item.findtext(path) for path in ("start", "end", "in", "out", "sourcetrack/trackindex")}
    assert texts == {"start": "12", "end": "32", "in": "0", "out": "20", "sourcetrack/trackindex": "1"}
    assert item.findtext("file/pathurl", "").startswith("file://localhost/")
    assert item.findtext("file/timecode/frame") == "86412"
    assert item.findtext("file/timecode/string") == "01:00:00:12"
    assert (item.findtext("file/rate/timebase"), item.findtext("file/rate/ntsc")) == ("24", "TRUE")
    assert item.findtext("file/media/audio/channelcount") == "1"
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))


@given(spans=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=30))
def test_no_two_clips_of_a_planned_track_overlap_or_touch(spans: list[tuple[int, int]]) -> None:
    clips = [
        PlacedClip(
            name=f"c{index}",
            wav=Path(f"/takes/c{index}.wav"),
            record=FrameSpan(first=first, count=count, rate=Fraction(24)),
            shot_id="sh0010",
            label="x",
        )
        for index, (first, count) in enumerate(spans)
    ]
    tracks = plan_tracks({"FOLEY Props": clips})
    assert sorted(clip.name for track in tracks for clip in track.clips) == sorted(clip.name for clip in clips)
    for track in tracks:
        for before, after in pairwise(track.clips):
            assert before.record.end < after.record.first
    crowd = max((sum(a <= at <= a + n for a, n in spans) for at in range(262)), default=0)
    assert len(tracks) == crowd
