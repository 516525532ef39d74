"""An editor works on the laid edit and exports it again: what lies on our tracks is read back, whatever the format."""

from __future__ import annotations

import json
import re
import shutil
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support import aaf_files
from tests.support.aaf_graph import graph
from tests.support.editors import Hand, exported_again
from tests.support.fcpxml import complaints
from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.errors import LayingError
from timeline_io.frames import FrameSpan
from timeline_io.laid import LaidTrack, laid_tracks, touched
from timeline_io.laid_pairs import moved_markers, placed_on
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.read import read_edit

Place = Callable[..., PlacedClip]
Change = Callable[[Hand], object]

WITH_MARKERS = ["golden.otio", "golden.xml", "golden.fcpxml"]
STEPS, TRAIN = "FOLEY Footsteps 1", "FOLEY Vehicles 1"
ON = {"step_1": [(12, 5), (22, 3)], "step_2": [(41, 4)], "train": [(65, 10)]}


@pytest.fixture(params=[*WITH_MARKERS, pytest.param("golden.aaf", marks=pytest.mark.steady)])
def edit(request: pytest.FixtureRequest, fixture_timelines: Path, tmp_path: Path) -> Edit:
    """The golden cut in one format."""
    return _golden(request.param, fixture_timelines, tmp_path / "export")


@pytest.fixture(params=WITH_MARKERS)
def marked_edit(request: pytest.FixtureRequest, fixture_timelines: Path, tmp_path: Path) -> Edit:
    """The golden cut in a format that holds our markers; an AAF does not."""
    return _golden(request.param, fixture_timelines, tmp_path / "export")


def _golden(name: str, fixtures: Path, folder: Path) -> Edit:
    folder.mkdir()
    path = folder / name
    return read_edit(aaf_files.golden(path) if path.suffix == ".aaf" else Path(shutil.copy(fixtures / name, path)))


@pytest.fixture
def sound(placed: Place) -> Place:
    """Makes placed clips with a WAV file behind each and their spans."""

    def make(edit: Edit, first: int, count: int, name: str) -> PlacedClip:
        clip = placed(edit, first, count, name)
        clip.wav.parent.mkdir(exist_ok=True)
        with wave.open(str(clip.wav), "wb") as writer:
            writer.setparams((1, 3, 48000, 0, "NONE", ""))
            writer.writeframes(name.encode()[:3] * clip.record.samples(48000)[1])
        return replace(clip, spans=tuple(_span(edit, *on) for on in ON.get(name, ())))

    return make


def _span(edit: Edit, first: int, count: int) -> FrameSpan:
    return FrameSpan(first=edit.start_frame + first, count=count, rate=edit.rate)


def _tracks(edit: Edit, sound: Place) -> tuple[FoleyTrack, ...]:
    steps = [sound(edit, 10, 20, "step_1"), sound(edit, 40, 20, "step_2")]
    return plan_tracks({"FOLEY Footsteps": steps, "FOLEY Vehicles": [sound(edit, 60, 30, "train")]})


def _found(edit: Edit, tmp_path: Path) -> tuple[LaidTrack, ...]:
    return laid_tracks(edit, [tmp_path / "takes"])


# --- As it was laid -------------------------------------------------------------------------------------------------


def test_what_was_laid_is_read_back(edit: Edit, sound: Place, tmp_path: Path) -> None:
    tracks = _tracks(edit, sound)
    assert _found(edit, tmp_path) == ()
    found = _found(exported_again(edit, tracks), tmp_path)
    names = ["lane -2", "lane -3"] if edit.format == "fcpxml" else [STEPS, TRAIN]
    assert [(track.name, track.foreign, track.enabled) for track in found] == [(name, (), True) for name in names]
    for track, laid in zip(found, tracks, strict=True):
        assert [(clip.name, clip.media, clip.record, clip.source_first, clip.enabled) for clip in track.clips] == [
            (clip.name, str(clip.wav), clip.record, 0, True) for clip in laid.clips
        ]
        spans = [() if edit.format == "aaf" else clip.spans for clip in laid.clips]
        assert [clip.spans for clip in track.clips] == spans
        assert touched(track, laid.clips) == ""
    assert moved_markers(found, [clip for track in tracks for clip in track.clips]) == {}


def test_laying_with_markers_twice_is_laying_once_and_leaves_no_trace(
    marked_edit: Edit, sound: Place, tmp_path: Path
) -> None:
    tracks, suffix = _tracks(marked_edit, sound), marked_edit.path.suffix
    once = exported_again(marked_edit, tracks)
    twice = lay_tracks(once, tracks, tmp_path / f"twice{suffix}")
    assert twice.read_bytes() == once.path.read_bytes()
    assert once.shots == marked_edit.shots
    bare = remove_foley_tracks(twice, tmp_path / f"bare{suffix}")
    assert bare.read_bytes() == marked_edit.path.read_bytes()


def test_markers_are_all_that_spans_add(marked_edit: Edit, sound: Place, tmp_path: Path) -> None:
    tracks = _tracks(marked_edit, sound)
    plain = tuple(replace(t, clips=tuple(replace(clip, spans=()) for clip in t.clips)) for t in tracks)
    with_markers = exported_again(marked_edit, tracks).path.read_text("utf-8")
    without = exported_again(marked_edit, plain).path.read_text("utf-8")
    assert with_markers.count("on: train passing") == 4
    if marked_edit.format == "otio":
        document = json.loads(with_markers)
        for track in document["tracks"]["children"][-2:]:
            for item in track["children"]:
                item["markers"] = []
        assert document == json.loads(without)
    else:
        empty, full = r"<marker [^>]*heard it here[^>]*/>", r"<marker>\s*<comment>[^<]*heard it here(.|\n)*?</marker>"
        assert re.sub(rf"\s*({empty}|{full})", "", with_markers) == without


def test_markers_outside_their_clip_are_not_laid(marked_edit: Edit, sound: Place, tmp_path: Path) -> None:
    spans = [_span(marked_edit, *edges) for edges in ((0, 10), (5, 8), (25, 30), (30, 9))]
    clip = replace(sound(marked_edit, 10, 20, "step_1"), spans=tuple(spans))
    (track,) = _found(exported_again(marked_edit, plan_tracks({"FOLEY Footsteps": [clip]})), tmp_path)
    assert track.clips[0].spans == (_span(marked_edit, 10, 3), _span(marked_edit, 25, 5))


NOTE = "Smooth-Foley heard it here; move or trim this marker, then run again"


def test_every_program_finds_the_markers_where_it_looks(marked_edit: Edit, sound: Place) -> None:
    laid = exported_again(marked_edit, _tracks(marked_edit, sound)).path
    if laid.suffix == ".otio":
        steps = next(track for track in json.loads(laid.read_bytes())["tracks"]["children"] if track["name"] == STEPS)
        marker = steps["children"][1]["markers"][1]
        assert marker["OTIO_SCHEMA"] == "Marker.2"
        assert (marker["name"], marker["comment"]) == ("on: train passing", NOTE)
        assert marker["metadata"] == {"Resolve_OTIO": {"Keywords": [], "Note": NOTE}}
        times = marker["marked_range"]["start_time"], marker["marked_range"]["duration"]
        assert [time["value"] for time in times] == [86422, 3]
        return
    root = ElementTree.parse(laid).getroot()
    first = next(marker for marker in root.iter("marker") if "heard" in ElementTree.tostring(marker, "unicode"))
    if laid.suffix == ".xml":
        assert [(child.tag, child.text) for child in first] == [
            ("comment", NOTE), ("name", "on: train passing"), ("in", "2"), ("out", "7"),
        ]  # fmt: skip
    else:
        assert list(complaints(root)) == []
        # 12 frames after 01:00:00:00, which is where the clip's own clock stands on the timeline.
        place = {"start": "7208201/2000s", "duration": "1001/4800s"}
        assert first.attrib == {**place, "value": "on: train passing", "note": NOTE}


# --- What an editor does --------------------------------------------------------------------------------------------


def test_markers_that_an_editor_moved_are_read_where_they_are(marked_edit: Edit, sound: Place, tmp_path: Path) -> None:
    tracks = _tracks(marked_edit, sound)
    exported = exported_again(marked_edit, tracks, lambda hand: hand.shift_markers("step_1", 6))
    steps, train = _found(exported, tmp_path)
    moved = (_span(marked_edit, 18, 5), _span(marked_edit, 28, 2))
    assert steps.clips[0].spans == moved
    assert [touched(*pair) for pair in zip((steps, train), [t.clips for t in tracks], strict=True)] == ["", ""]
    placed = [clip for track in tracks for clip in track.clips]
    assert moved_markers([steps, train], placed) == {placed[0]: moved}


def test_markers_that_an_editor_deleted(marked_edit: Edit, sound: Place, tmp_path: Path) -> None:
    tracks = _tracks(marked_edit, sound)
    placed = [clip for track in tracks for clip in track.clips]
    found = _found(exported_again(marked_edit, tracks, lambda hand: hand.drop_markers("train")), tmp_path)
    assert found[1].clips[0].spans == ()
    assert moved_markers(found, placed) == {placed[2]: ()}

    def lose_all(hand: Hand) -> None:
        for name in ON:
            hand.drop_markers(name)

    # A program that writes no markers is not an editor who deleted them all.
    assert moved_markers(_found(exported_again(marked_edit, tracks, lose_all), tmp_path), placed) == {}


CHANGES: dict[str, tuple[Change, str]] = {
    "moved": (lambda hand: hand.shift("step_2", 3), "step_2.wav was moved by 3 frames"),
    "moved a frame": (lambda hand: hand.shift("step_2", 1), "step_2.wav was moved by 1 frame"),
    "trimmed": (lambda hand: hand.trim_head("step_2", 4), "step_2.wav was trimmed"),
    "removed": (lambda hand: hand.remove("step_2"), "step_2.wav was removed"),
    "switched off": (lambda hand: hand.switch_off("step_2"), "step_2.wav is switched off"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGES)
def test_a_track_that_an_editor_touched_is_known(edit: Edit, sound: Place, tmp_path: Path, kind: str) -> None:
    tracks = _tracks(edit, sound)
    change, clause = CHANGES[kind]
    steps, train = _found(exported_again(edit, tracks, change), tmp_path)
    assert touched(steps, tracks[0].clips) == clause
    assert touched(train, tracks[1].clips) == ""


def test_markers_go_with_their_clip(marked_edit: Edit, sound: Place, tmp_path: Path) -> None:
    tracks = _tracks(marked_edit, sound)
    moved = _found(exported_again(marked_edit, tracks, lambda hand: hand.shift("step_2", 3)), tmp_path)[0].clips[1]
    assert (moved.record, moved.source_first) == (_span(marked_edit, 43, 20), 0)
    assert moved.spans == (_span(marked_edit, 44, 4),)
    trimmed = _found(exported_again(marked_edit, tracks, lambda hand: hand.trim_head("step_2", 3)), tmp_path)[0].clips[
        1
    ]
    assert (trimmed.record, trimmed.source_first) == (_span(marked_edit, 43, 17), 3)
    assert trimmed.spans == (_span(marked_edit, 43, 2),)


def test_a_changed_level_and_a_clip_of_the_editors_own(edit: Edit, sound: Place, tmp_path: Path) -> None:
    tracks = _tracks(edit, sound)
    steps, _ = _found(exported_again(edit, tracks, lambda hand: hand.change_level("step_2")), tmp_path)
    level = {"otio": "Fairlight Clip Volume and Fades", "fcpxml": "volume"}.get(edit.format, "Audio Levels")
    assert touched(steps, tracks[0].clips) == f"step_2.wav got {level}"
    steps, _ = _found(exported_again(edit, tracks, lambda hand: hand.add_beside("step_2")), tmp_path)
    own = "step_2.wav got a clip connected to it (own.wav)" if edit.format == "fcpxml" else "it holds own.wav"
    assert touched(steps, tracks[0].clips) == own


def test_several_changes_are_counted(edit: Edit, sound: Place, tmp_path: Path) -> None:
    def change(hand: Hand) -> None:
        hand.trim_head("step_2", 4)
        hand.remove("step_1")
        hand.add_beside("step_2")

    tracks = _tracks(edit, sound)
    steps, _ = _found(exported_again(edit, tracks, change), tmp_path)
    assert touched(steps, tracks[0].clips).endswith(", and 2 more")


# --- Which tracks stay ----------------------------------------------------------------------------------------------


def test_tracks_are_known_by_their_sounds_when_all_names_are_lost(edit: Edit, sound: Place, tmp_path: Path) -> None:
    tracks, suffix = _tracks(edit, sound), edit.path.suffix
    exported = exported_again(edit, tracks, lambda hand: hand.forget_names())
    found = _found(exported, tmp_path)
    placed = placed_on(found, tracks[::-1])
    assert [placed[track.key] for track in found] == [track.clips for track in tracks]
    assert [touched(track, placed[track.key]) for track in found] == ["", ""]
    # Nobody has looked, so they may be the editor's own.
    careful = _found(read_edit(lay_tracks(exported, tracks, tmp_path / f"careful{suffix}")), tmp_path)
    assert len([clip for track in careful for clip in track.clips]) == 6
    again = _found(read_edit(lay_tracks(exported, tracks, tmp_path / f"sure{suffix}", keep=())), tmp_path)
    assert [[clip.name for clip in track.clips] for track in again] == [["step_1", "step_2"], ["train"]]


@pytest.mark.steady
def test_a_kept_track_stays_byte_for_byte_while_the_others_are_replaced(
    edit: Edit, sound: Place, tmp_path: Path
) -> None:
    tracks, suffix = _tracks(edit, sound), edit.path.suffix
    exported = exported_again(edit, tracks)
    steps, train = _found(exported, tmp_path)
    door = plan_tracks({"FOLEY Props": [sound(edit, 3, 9, "door")]})
    for kept, gone in ((steps, train), (train, steps)):
        out = read_edit(lay_tracks(exported, door, tmp_path / f"out{suffix}", keep=[kept.key]))
        left = _found(out, tmp_path)
        assert [[clip.name for clip in track.clips] for track in left] == [[c.name for c in kept.clips], ["door"]]
        assert replace(left[0], key=kept.key) == kept
        assert _own_text(exported.path, kept) and _own_text(out.path, kept) == _own_text(exported.path, kept)
        assert not _own_text(out.path, gone)
        again = lay_tracks(out, door, tmp_path / f"again{suffix}", keep=[left[0].key])
        assert _content(again) == _content(out.path)
        nothing = lay_tracks(out, (), tmp_path / f"none{suffix}", takes=[tmp_path / "takes"], keep=())
        assert _content(nothing) == _content(edit.path)


def _content(path: Path) -> object:
    return graph(path) if path.suffix == ".aaf" else path.read_bytes()


def _own_text(path: Path, track: LaidTrack) -> list[object]:
    """Everything in a file that makes up a track, as it is written."""
    if path.suffix == ".aaf":
        slots = [slot for mob in graph(path)["mobs"].values() for slot in mob.get("Slots", ())]
        return [slot for slot in slots if slot.get("SlotName") == track.name.encode("utf-16-le").hex() + "0000"]
    text = path.read_text("utf-8")
    if path.suffix == ".fcpxml":
        names = "|".join(clip.name for clip in track.clips)
        return re.findall(rf'<asset-clip [^>]*name="(?:{names})".*?</asset-clip>', text, re.DOTALL)
    end = "</track>" if path.suffix == ".xml" else '"kind": "Audio"'
    return re.findall(rf'"{track.name}".*?{end}', text, re.DOTALL)


def test_a_track_of_the_editors_that_holds_our_sounds_was_not_laid(edit: Edit, sound: Place, tmp_path: Path) -> None:
    tracks = _tracks(edit, sound)
    found = _found(exported_again(edit, tracks), tmp_path)
    placed = placed_on(found, tracks[:1])
    assert placed == {found[0].key: tracks[0].clips, found[1].key: ()}
    assert touched(found[1], placed[found[1].key]) == "it holds train.wav, which was not laid there"


def test_an_edit_that_changed_since_is_not_looked_at(edit: Edit, tmp_path: Path) -> None:
    with pytest.raises(LayingError, match="changed since it was read"):
        _found(replace(edit, digest="0" * 64), tmp_path)


def test_an_edit_decision_list_holds_no_tracks_of_ours(fixture_timelines: Path, tmp_path: Path) -> None:
    assert _found(read_edit(fixture_timelines / "golden.edl"), tmp_path) == ()
