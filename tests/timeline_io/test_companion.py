"""Companion timelines: our tracks alone, at the edit's clock, readable by others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio
import pytest

from timeline_io.companion import can_be_laid_into, write_companions
from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.errors import LayingError
from timeline_io.formats.fcp7.elements import choose_sequence, content, parse, rate_of, start_timecode
from timeline_io.formats.fcp7.place import places
from timeline_io.lay import plan_tracks
from timeline_io.read import read_edit

Place = Callable[..., PlacedClip]
EDITS = ["golden.otio", "golden.xml", "golden.edl"]


@pytest.fixture(params=EDITS)
def edit(request: pytest.FixtureRequest, fixture_timelines: Path) -> Edit:
    return read_edit(fixture_timelines / request.param)


def _tracks(edit: Edit, placed: Place) -> tuple[FoleyTrack, ...]:
    spans = {"sh0010_step": (0, 20), "sh0020_step": (12, 20), "日本 & Co #3": (40, 344)}
    return plan_tracks({"FOLEY Props": [placed(edit, *span, name) for name, span in spans.items()]})


def _spans(tracks: tuple[FoleyTrack, ...]) -> list[tuple[str, list[tuple[str, int, int]]]]:
    return [
        (track.name, [(clip.name, clip.record.first, clip.record.count) for clip in track.clips]) for track in tracks
    ]


def test_opentimelineio_reads_every_clip_where_it_lies(edit: Edit, placed: Place, tmp_path: Path) -> None:
    tracks = _tracks(edit, placed)
    out = write_companions(edit, tracks, tmp_path / "out", "cut")[0]
    assert out == tmp_path / "out" / "cut.foley-only.otio"
    timeline = opentimelineio.adapters.read_from_file(str(out))
    assert (timeline.name, timeline.global_start_time.to_frames()) == ("golden Foley", 86400)
    assert timeline.global_start_time.rate == 24000 / 1001
    assert timeline.duration().to_frames() == edit.frame_count
    assert [track.kind for track in timeline.tracks] == ["Video", "Audio", "Audio"]
    read = [
        (track.name, [(clip.name, 86400 + clip.range_in_parent().start_time.to_frames(), clip.duration().to_frames())
                      for clip in track.find_clips()])
        for track in timeline.audio_tracks()
    ]  # fmt: skip
    assert read == _spans(tracks)
    urls = [clip.media_reference.target_url for clip in timeline.find_clips()]
    assert urls == [str(clip.wav) for track in tracks for clip in track.clips]


def test_our_own_reader_of_fcp7_reads_every_clip_where_it_lies(edit: Edit, placed: Place, tmp_path: Path) -> None:
    tracks = _tracks(edit, placed)
    out = write_companions(edit, tracks, tmp_path / "out", "cut")[1]
    assert out == tmp_path / "out" / "cut.foley-only.xml"
    sequence = choose_sequence(parse(out.read_bytes(), out.name), out.name, None)
    rate = rate_of(sequence)
    assert (content(sequence, "name"), rate, content(sequence, "duration")) == ("golden Foley", edit.rate, "384")
    assert rate is not None and start_timecode(sequence, rate) == (86400, False)
    read = [
        (track.get("MZ.TrackName"), [(content(place.item, "name"), 86400 + place.start, place.end - place.start)
                                     for place in places(track)])
        for track in sequence.iterfind("media/audio/track")
    ]  # fmt: skip
    assert read == _spans(tracks)
    assert [track.get("totalExplodedTrackCount") for track in sequence.iter("track")] == [None, "1", "1"]
    urls = [content(file, "pathurl") for file in sequence.iter("file")]
    assert all(url.startswith("file://localhost/") for url in urls) and len(urls) == 3
    assert "%E6%97%A5%E6%9C%AC%20%26%20Co%20%233.wav" in urls[1]


def test_the_same_tracks_give_the_same_bytes_and_sources_stay_untouched(
    edit: Edit, placed: Place, tmp_path: Path
) -> None:
    before = edit.path.read_bytes()
    tracks = _tracks(edit, placed)
    first = [path.read_bytes() for path in write_companions(edit, tracks, tmp_path / "a", "cut")]
    assert [path.read_bytes() for path in write_companions(edit, tracks, tmp_path / "b", "cut")] == first
    assert edit.path.read_bytes() == before


def test_drop_frame_timecode_is_kept(fixture_timelines: Path, tmp_path: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.edl")
    edit = replace(edit, rate=Fraction(30000, 1001), start_frame=107892, drop_frame=True, frame_count=1800)
    out = write_companions(edit, (), tmp_path, "cut")[1]
    sequence = choose_sequence(parse(out.read_bytes(), out.name), out.name, None)
    assert content(sequence, "timecode/string") == "01:00:00;00"
    assert start_timecode(sequence, edit.rate) == (107892, True)


def test_a_sound_that_rings_on_makes_the_timeline_longer(edit: Edit, placed: Place, tmp_path: Path) -> None:
    tracks = plan_tracks({"FOLEY Props": [placed(edit, 380, 10)]})
    otio, xml = write_companions(edit, tracks, tmp_path, "cut")
    assert opentimelineio.adapters.read_from_file(str(otio)).duration().to_frames() == 390
    assert b"<duration>390</duration>" in xml.read_bytes()


def test_without_a_clip_there_is_still_a_timeline(edit: Edit, tmp_path: Path) -> None:
    otio, xml = write_companions(edit, (FoleyTrack(name="FOLEY Props 1", clips=()),), tmp_path, "cut")
    assert len(json.loads(otio.read_bytes())["tracks"]["children"]) == 1
    assert b"FOLEY" not in xml.read_bytes()


def test_sounds_are_named_as_the_editors_machine_sees_them(edit: Edit, placed: Place, tmp_path: Path) -> None:
    maps = (("D:\\foley", str(tmp_path)),)
    otio, xml = write_companions(edit, plan_tracks({"FOLEY P": [placed(edit, 0, 9)]}), tmp_path, "c", path_maps=maps)
    assert "D:\\\\foley\\\\takes\\\\sh0010_train.wav" in otio.read_text("utf-8")
    assert "file://localhost/D:/foley/takes/sh0010_train.wav" in xml.read_text("utf-8")


def test_tracks_that_do_not_fit_and_files_in_the_way_are_refused(edit: Edit, placed: Place, tmp_path: Path) -> None:
    with pytest.raises(LayingError, match="before the timeline"):
        write_companions(edit, plan_tracks({"FOLEY P": [placed(edit, -9, 5)]}), tmp_path, "cut")
    own = replace(edit, path=tmp_path / "cut.foley-only.xml")
    with pytest.raises(LayingError, match="name another file"):
        write_companions(own, (), tmp_path, "cut")
    assert list(tmp_path.iterdir()) == []


def test_only_a_list_has_no_place_for_our_tracks(edit: Edit) -> None:
    assert can_be_laid_into(edit) == (edit.format != "edl")
