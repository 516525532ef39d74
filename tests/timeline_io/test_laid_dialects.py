"""Our tracks as programs write them anew: other spellings of paths, other clocks, markers without a length."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.fcpxml import clip, document, project
from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.formats.target import is_take
from timeline_io.frames import FrameSpan
from timeline_io.laid import LaidTrack, is_sound_of, laid_tracks, touched
from timeline_io.laid_pairs import moved_markers, placed_on
from timeline_io.lay import lay_tracks, plan_tracks
from timeline_io.read import read_edit

Place = Callable[..., PlacedClip]
Write = Callable[..., Path]


def _changed(laid: Path, *changes: tuple[str, str]) -> Edit:
    """The laid file after all replacements of regular expressions, each of which must find something."""
    text = laid.read_text("utf-8")
    for old, new in changes:
        text, count = re.subn(old, new, text)
        assert count, old
    path = laid.with_name(f"exported{laid.suffix}")
    path.write_text(text, encoding="utf-8")
    return read_edit(path)


def _laid(edit: Edit, tmp_path: Path, *clips: PlacedClip) -> Path:
    return lay_tracks(edit, plan_tracks({"FOLEY Props": clips}), tmp_path / f"laid{edit.path.suffix}")


def _only(edit: Edit, tmp_path: Path) -> LaidTrack:
    (track,) = laid_tracks(edit, [tmp_path / "takes"])
    return track


# --- Paths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ref",
    [
        r"D:\foley\takes\a.wav",
        "d:/Foley/takes/a.wav",
        "file://localhost/D%3a/foley/takes/a.wav",
        "file:///D:/foley/takes/a.wav",
        "D:/elsewhere/media/smooth-foley-0123456789ab-a.wav",
        "/home/ann/takes/caf\u00e9/a.wav",
        "file:///home/ann/takes/cafe%CC%81/a.wav",
        "file://localhost/home/ann/takes/caf%C3%A9/a.wav",
    ],
)
def test_every_spelling_of_a_folder_is_that_folder(ref: str) -> None:
    folders = frozenset({Path("D:/foley/takes"), Path("/home/ann/takes/cafe\u0301")})
    assert is_take(ref, folders)
    assert not is_take(ref, frozenset())


OTHERS = [
    "",
    "a.wav",
    "D:/foley/a.wav",
    "/D:/foley/takes/a.wav",
    "/home/ann/TAKES/caf\u00e9/a.wav",
    "smooth-foley-a.wav",
]


@pytest.mark.parametrize("ref", OTHERS)
def test_another_folder_is_not(ref: str) -> None:
    assert not is_take(ref, frozenset({Path("D:/foley/takes"), Path("/home/ann/takes/caf\u00e9")}))


def test_sounds_are_known_by_the_path_of_the_editors_machine(
    fixture_timelines: Path, placed: Place, tmp_path: Path
) -> None:
    edit = read_edit(fixture_timelines / "golden.xml")
    maps = (("D:\\foley", str(tmp_path)),)
    tracks = plan_tracks({"FOLEY Props": [placed(edit, 0, 20, "a")]})
    laid = lay_tracks(edit, tracks, tmp_path / "laid.xml", path_maps=maps)
    exported = _changed(laid, ("file://localhost/D:/foley", "file://localhost/d%3a/Foley"), ("smooth-foley-", "r"))
    (track,) = laid_tracks(exported, [tmp_path / "takes"], path_maps=maps)
    assert track.clips[0].media == "d:/Foley/takes/a.wav"
    assert touched(track, tracks[0].clips) == ""
    assert laid_tracks(exported, [tmp_path / "takes"]) == ()


def test_a_sound_that_was_linked_to_another_folder(fixture_timelines: Path, placed: Place, tmp_path: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.xml")
    one, two = placed(edit, 0, 20, "one"), placed(edit, 30, 20, "two")
    exported = _changed(_laid(edit, tmp_path, one, two), ("takes/two.wav", "archive/two.wav"))
    track = _only(exported, tmp_path)
    assert [(c.name, c.elsewhere) for c in track.clips] == [("one", False), ("two", True)]
    assert touched(track, [one, two]) == "two.wav was linked to another folder"


def test_the_sounds_of_a_bundle(otio_file: Write, otio: SimpleNamespace, placed: Place, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cut.otioz", "w") as bundle:
        bundle.writestr("version.txt", "1.0.0")
        bundle.write(otio_file(otio.track(otio.clip("a.mov", 0, 48))), "content.otio")
    edit = read_edit(tmp_path / "cut.otioz")
    clips = [placed(edit, 0, 5, "st\u00e9p"), placed(edit, 10, 5, "door")]
    for sound in clips:
        sound.wav.parent.mkdir(exist_ok=True)
        sound.wav.write_bytes(sound.name.encode())
    laid = _laid(edit, tmp_path, *clips)
    track = _only(read_edit(laid), tmp_path)
    assert [sound.media.partition("-")[0] for sound in track.clips] == ["media/smooth"] * 2
    assert [[is_sound_of(one, other) for one in track.clips] for other in clips] == [[True, False], [False, True]]
    assert touched(track, clips) == ""
    # Unpacked by an editor, the sounds lie anywhere.
    with zipfile.ZipFile(laid) as bundle:
        text = bundle.read("content.otio").decode().replace("media/smooth", "D:/unpacked/media/smooth")
    exported = tmp_path / "exported.otio"
    exported.write_text(text, encoding="utf-8")
    again = read_edit(exported)
    assert touched(_only(again, tmp_path), clips) == ""
    bare = lay_tracks(again, (), tmp_path / "bare.otio", takes=[tmp_path / "takes"], keep=())
    assert laid_tracks(read_edit(bare), [tmp_path / "takes"]) == ()


# --- Clocks ---------------------------------------------------------------------------------------------------------


def _spans(edit: Edit, *edges: tuple[int, int]) -> tuple[FrameSpan, ...]:
    return tuple(FrameSpan(first=edit.start_frame + first, count=count, rate=edit.rate) for first, count in edges)


def test_a_clip_that_counts_from_the_timecode_of_its_file(
    fixture_timelines: Path, placed: Place, tmp_path: Path
) -> None:
    edit = read_edit(fixture_timelines / "golden.xml")
    sound = replace(placed(edit, 12, 20, "a"), spans=_spans(edit, (15, 4)))
    laid = _laid(edit, tmp_path, sound)
    shifted = [
        (rf"(<{tag}>){number}(</{tag}>)", rf"\g<1>{86412 + number}\2")
        for tag, number in (("in", 0), ("out", 20), ("in", 3), ("out", 7))
    ]
    text = laid.read_text("utf-8")
    head, ours = text[: text.index("FOLEY")], text[text.index("FOLEY") :]
    for old, new in shifted:
        ours, count = re.subn(old, new, ours)
        assert count == 1
    laid.write_text(head + ours, encoding="utf-8")
    track = _only(read_edit(laid), tmp_path)
    assert track.clips[0].source_first == 86412
    assert track.clips[0].spans == sound.spans
    assert touched(track, [sound]) == ""


def test_an_otio_clip_whose_media_no_longer_says_where_it_begins(
    fixture_timelines: Path, placed: Place, tmp_path: Path
) -> None:
    edit = read_edit(fixture_timelines / "golden.otio")
    sound = replace(placed(edit, 12, 20, "a"), spans=_spans(edit, (15, 4)))
    exported = json.loads(_laid(edit, tmp_path, sound).read_bytes())
    ours = exported["tracks"]["children"][-1]["children"][1]
    ours["media_references"]["DEFAULT_MEDIA"]["available_range"] = None
    path = tmp_path / "exported.otio"
    path.write_text(json.dumps(exported))
    assert touched(_only(read_edit(path), tmp_path), [sound]) == ""
    # Others count markers from the start of the file.
    ours["media_references"]["DEFAULT_MEDIA"]["available_range"] = ours["source_range"]
    ours["markers"][0]["marked_range"]["start_time"]["value"] = 3
    path.write_text(json.dumps(exported))
    assert _only(read_edit(path), tmp_path).clips[0].spans == sound.spans


def test_otio_transitions_retimes_and_trimmed_tracks(
    fixture_timelines: Path, otio: SimpleNamespace, placed: Place, tmp_path: Path
) -> None:
    edit = read_edit(fixture_timelines / "golden.otio")
    sound = placed(edit, 12, 20, "a")
    exported = json.loads(_laid(edit, tmp_path, sound).read_bytes())
    track = exported["tracks"]["children"][-1]
    path = tmp_path / "exported.otio"

    def clause() -> str:
        path.write_text(json.dumps(exported))
        return touched(_only(read_edit(path), tmp_path), [sound])

    track["children"].append({"OTIO_SCHEMA": "Transition.1", "name": "fade"})
    assert clause() == "it holds a transition"
    track["children"].pop()
    track["children"][1]["effects"] = [otio.warp(1), {"OTIO_SCHEMA": "Effect.1", "effect_name": "Echo"}]
    assert clause() == "a.wav got Echo"
    track["children"][1]["effects"] = [otio.warp(2)]
    assert clause() == "a.wav got a change of speed"
    track["children"][1]["effects"] = [{"OTIO_SCHEMA": "Effect.1", "metadata": {"PremierePro_OTIO": {}}}]
    assert clause() == ""
    track["source_range"] = otio.span(2, 30, rate=24000 / 1001)
    assert clause() == "a.wav was moved by 2 frames"
    track["source_range"], track["enabled"] = None, False
    assert clause() == "it is switched off"


def test_a_damaged_clip_beside_ours_is_not_ours(fixture_timelines: Path, placed: Place, tmp_path: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.otio")
    exported = json.loads(_laid(edit, tmp_path, sound := placed(edit, 12, 20, "a")).read_bytes())
    children = exported["tracks"]["children"][-1]["children"]
    children.insert(0, json.loads(json.dumps(children[1])) | {"name": "guide.wav"})
    children[0]["media_references"]["DEFAULT_MEDIA"]["available_range"]["duration"]["rate"] = None
    children[1]["source_range"]["duration"]["value"] = 2
    path = tmp_path / "exported.otio"
    path.write_text(json.dumps(exported))
    track = _only(read_edit(path), tmp_path)
    assert (track.foreign, track.clips[0].record.first) == (("guide.wav",), 86400 + 20 + 2)
    assert touched(track, [sound]) == "it holds guide.wav, and 1 more"


def test_fcp7_fades_and_speeds(fixture_timelines: Path, fcp7: SimpleNamespace, placed: Place, tmp_path: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.xml")
    sound = placed(edit, 12, 20, "a")
    laid = _laid(edit, tmp_path, sound)
    fade = "<transitionitem><start>12</start><end>15</end></transitionitem>"
    for addition, clause in (
        (f"{fade}\\1", "it holds a transition"),
        (f"\\1{fcp7.remap('200')}", "a.wav got timeremap"),
        (f"\\1{fcp7.remap('200').replace('<filter>', '<filter><enabled>FALSE</enabled>')}", ""),
    ):
        exported = _changed(laid, ('(<clipitem id="smooth-foley[^>]*>)', addition))
        assert touched(_only(exported, tmp_path), [sound]) == clause


# --- Final Cut Pro X ------------------------------------------------------------------------------------------------


@pytest.fixture
def cut(tmp_path: Path) -> Edit:
    """Two clips of Final Cut at 24 frames per second, two seconds each."""
    path = tmp_path / "cut.fcpxml"
    path.write_text(document(project(clip("a.mov", "0 10 2"), clip("b.mov", "2 20 2"))), encoding="utf-8")
    return read_edit(path)


def test_final_cut_gives_every_marker_the_length_of_a_frame(cut: Edit, placed: Place, tmp_path: Path) -> None:
    sound = replace(placed(cut, 12, 20, "a"), spans=_spans(cut, (14, 5), (24, 8)))
    laid = _laid(cut, tmp_path, sound)
    short = (r'(<marker [^>]*duration=)"[^"]*"', r'\1"1/24s"')
    track = _only(_changed(laid, short), tmp_path)
    assert track.clips[0].spans == _spans(cut, (14, 1), (24, 1))
    assert moved_markers([track], [sound]) == {}
    track = _only(_changed(laid, short, ('start="7/12s"', 'start="2/3s"')), tmp_path)
    assert moved_markers([track], [sound]) == {sound: _spans(cut, (16, 5), (24, 8))}
    gone = (r'\s*<marker start="7/12s"[^>]*>', "")
    assert moved_markers([_only(_changed(laid, short, gone), tmp_path)], [sound]) == {sound: _spans(cut, (24, 8))}


def test_lanes_that_final_cut_put_together(cut: Edit, placed: Place, tmp_path: Path) -> None:
    steps, doors = placed(cut, 0, 10, "step"), [placed(cut, 20, 10, "door"), placed(cut, 50, 10, "gate")]
    tracks = plan_tracks({"FOLEY Footsteps": [steps], "FOLEY Props": doors})
    laid = lay_tracks(cut, tracks, tmp_path / "laid.fcpxml")
    music = '<asset-clip ref="s.wav" lane="-1" offset="10s" duration="2s" name="music"/>'
    beside = (r"(<asset-clip ref=\"smooth-foley-1\")", rf"{music}\1")
    exported = _changed(laid, ('lane="-2"', 'lane="-1"'), beside)
    (lane,) = laid_tracks(exported, [tmp_path / "takes"])
    assert (lane.key, lane.is_lane, lane.foreign) == ("-1", True, ())
    placed_there = placed_on([lane], tracks)
    assert placed_there == {"-1": (steps, *doors)}
    assert touched(lane, placed_there["-1"]) == ""
    lost = _changed(exported.path, (r'(?s)<asset-clip [^>]*name="gate".*?</asset-clip>', ""))
    (lane,) = laid_tracks(lost, [tmp_path / "takes"])
    assert touched(lane, placed_on([lane], tracks)["-1"]) == "gate.wav was removed"


def test_a_storyline_or_a_clip_around_our_sound(cut: Edit, placed: Place, tmp_path: Path) -> None:
    sound = replace(placed(cut, 60, 12, "a"), spans=_spans(cut, (62, 4)))
    laid = _laid(cut, tmp_path, sound)
    ours = r'(?s)<asset-clip (ref="smooth-foley-1") lane="-1" offset="([^"]*)"(.*?</asset-clip>)'
    for around, clause in (
        (r'<spine lane="-1" offset="\2"><asset-clip \1 offset="0s"\3</spine>', "a.wav got a storyline around it"),
        (
            r'<sync-clip lane="-1" offset="\2" start="0s" duration="1s"><asset-clip \1\3</sync-clip>',
            "a.wav got another clip around it",
        ),
    ):
        track = _only(_changed(laid, (ours, around)), tmp_path)
        assert track.clips[0].record == sound.record
        assert touched(track, [sound]) == clause


@pytest.mark.parametrize(
    ("inside", "effect"),
    [
        ('<timeMap><timept time="0s" value="0s"/><timept time="1s" value="2s"/></timeMap>', "a change of speed"),
        ('<adjust-volume amount="0dB"/>', ""),
        ('<adjust-volume><param name="amount"/></adjust-volume>', "volume"),
        ('<audio-channel-source srcCh="1" role="effects"/>', ""),
        ('<audio-channel-source srcCh="1"><adjust-volume amount="3dB"/></audio-channel-source>', "volume"),
        ('<audio-channel-source srcCh="1" active="0"/>', "a channel switched off"),
        ('<filter-audio name="Echo"/>', "Echo"),
        ('<filter-audio name="Echo" enabled="0"/>', ""),
    ],
)
def test_what_final_cut_changes_in_the_sound(
    cut: Edit, placed: Place, tmp_path: Path, inside: str, effect: str
) -> None:
    laid = _laid(cut, tmp_path, placed(cut, 60, 12, "a"))
    track = _only(_changed(laid, ("(<note>train passing</note>)", rf"\1{inside}")), tmp_path)
    assert track.clips[0].effects == ((effect,) if effect else ())


def test_tracks_that_were_copied_or_mixed(fixture_timelines: Path, placed: Place, tmp_path: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.xml")
    tracks = plan_tracks(
        {
            "FOLEY Props": [placed(edit, 0, 9, "a"), placed(edit, 20, 9, "b")],
            "FOLEY Vehicles": [placed(edit, 0, 9, "c")],
        }
    )
    laid = lay_tracks(edit, tracks, tmp_path / "laid.xml")
    found = laid_tracks(read_edit(laid), [tmp_path / "takes"])
    props, vehicles = (track.key for track in found)
    copy = replace(found[0], key="9")
    placed_there = placed_on([*found, copy], tracks)
    assert placed_there == {props: tracks[0].clips, vehicles: tracks[1].clips, "9": ()}
    assert touched(copy, ()) == "it holds a.wav, which was not laid there, and 1 more"
    mixed = replace(found[0], clips=(*found[0].clips, *found[1].clips))
    assert placed_on([mixed], tracks) == {props: tracks[0].clips}
    assert touched(mixed, tracks[0].clips) == "it holds c.wav, which was not laid there"
    twice = replace(found[0], clips=(*found[0].clips, found[0].clips[0]))
    assert touched(twice, tracks[0].clips) == "a.wav lies on it more than once"


def test_a_slipped_clip(fixture_timelines: Path, placed: Place, tmp_path: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.xml")
    sound = placed(edit, 12, 20, "a")
    track = _only(read_edit(_laid(edit, tmp_path, sound)), tmp_path)
    slipped = replace(track, clips=(replace(track.clips[0], source_first=2),))
    assert touched(slipped, [sound]) == "a.wav was slipped by 2 frames"


def _empty(track: FoleyTrack) -> FoleyTrack:
    return replace(track, clips=())


def test_nothing_laid_earlier_is_no_track(cut: Edit, placed: Place, tmp_path: Path) -> None:
    tracks = plan_tracks({"FOLEY Props": [placed(cut, 0, 5, "a")]})
    found = laid_tracks(read_edit(lay_tracks(cut, tracks, tmp_path / "l.fcpxml")), [tmp_path / "takes"])
    assert placed_on(found, [_empty(tracks[0])]) == {"-1": ()}
    assert placed_on((), tracks) == {}
