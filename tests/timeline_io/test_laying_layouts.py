"""Files are laid out in many ways; each comes back byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from timeline_io.edit import Edit, PlacedClip
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.read import read_edit

Write = Callable[..., Path]
Place = Callable[..., PlacedClip]


def _there_and_back(path: Path, placed: Place, sequence: str | None = None) -> bytes:
    """The laid bytes, after checking that laying again changes nothing and removing restores the file."""
    edit = read_edit(path, sequence=sequence)
    tracks = plan_tracks({"FOLEY Props": [placed(edit, 0, 5, "a"), placed(edit, 3, 5, "b é 日")]})
    laid = lay_tracks(edit, tracks, path.with_name(f"laid{path.suffix}"))
    again: Edit = read_edit(laid, sequence=sequence)
    assert [shot.record for shot in again.shots] == [shot.record for shot in edit.shots]
    assert lay_tracks(again, tracks, path.with_name("2" + path.suffix)).read_bytes() == laid.read_bytes()
    bare = remove_foley_tracks(laid, path.with_name("3" + path.suffix), sequence=edit.name)
    assert bare.read_bytes() == path.read_bytes()
    return laid.read_bytes()


@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_otio_layouts(
    otio: SimpleNamespace, otio_file: Write, placed: Place, indent: int | str | None, newline: str, mark: bytes
) -> None:
    path = otio_file(otio.track(otio.clip('a "]}.mov', 0, 24)))
    text = json.dumps(json.loads(path.read_text("utf-8")), indent=indent, ensure_ascii=False).replace("\n", newline)
    path.write_bytes(mark + text.encode())
    laid = _there_and_back(path, placed)
    assert laid.startswith(mark)
    if newline == "\r\n":
        assert b"\n" not in laid.replace(b"\r\n", b"")
    assert len(json.loads(laid.decode("utf-8-sig"))["tracks"]["children"]) == 3


def test_otio_with_infinity_keeps_its_spelling(otio: SimpleNamespace, otio_file: Write, placed: Place) -> None:
    path = otio_file(otio.track(otio.clip("a.mov", 0, 24)))
    odd = '"metadata": {"x": [-Inf, NaN]}'
    text = path.read_text("utf-8").replace('"name": "cut"', f'"name": "cut", {odd}')
    path.write_text(text.replace('"name": "V1"', f'"name": "V1", {odd}'))
    assert _there_and_back(path, placed).count(b"[-Inf, NaN]") == 2


def test_otio_repeats_the_files_own_spelling_of_the_rate(
    otio: SimpleNamespace, otio_file: Write, placed: Place
) -> None:
    start = otio.time(86400, 23.976)
    clips = otio.track(otio.clip("a.mov", 0, 24, rate=23.976))
    laid = _there_and_back(otio_file(whole=otio.timeline(clips, global_start_time=start)), placed)
    assert b"23.976023" not in laid


def test_otio_of_an_older_schema_gets_that_schema(otio: SimpleNamespace, otio_file: Write, placed: Place) -> None:
    path = otio_file(otio.track(otio.clip("a.mov", 0, 24)))
    path.write_text(path.read_text("utf-8").replace("Clip.2", "Clip.1"))
    assert b"Clip.2" not in _there_and_back(path, placed)


def test_otio_collections_get_their_tracks_in_the_chosen_timeline(
    otio: SimpleNamespace, otio_file: Write, placed: Place
) -> None:
    timelines = [otio.timeline(otio.track(otio.clip(f"{name}.mov", 0, 24)), name=name) for name in ("one", "two")]
    path = otio_file(whole={"OTIO_SCHEMA": "SerializableCollection.1", "children": timelines})
    laid = json.loads(_there_and_back(path, placed, sequence="two"))
    assert [len(timeline["tracks"]["children"]) for timeline in laid["children"]] == [1, 3]


AUDIO = {
    "none": "",
    "self-closing": "<audio/>",
    "self-closing with a space": "<audio />",
    "empty": "<audio></audio>",
    "blank": "<audio>\n\t\t</audio>",
    "without tracks": "<audio>\n\t<numOutputChannels>2</numOutputChannels>\n</audio>",
    "with a track": "<audio>\n\t<track><enabled>TRUE</enabled></track>\n\t<filter/>\n</audio>",
    "with an odd end": "<audio><track></track  ></audio\n>",
    "with text like a tag": "<audio><!-- <track/> --><track a='/>'/></audio>",
}


@pytest.mark.parametrize("audio", AUDIO.values(), ids=AUDIO)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "iso-8859-1", "shift_jis"])
def test_fcp7_layouts(
    fcp7: SimpleNamespace, fcp7_file: Write, placed: Place, audio: str, newline: str, encoding: str
) -> None:
    sequence = fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24)), own_id="s")
    body = sequence.replace("<audio></audio>", audio).replace("<media>", "\n\t<media>\n\t\t")
    path = fcp7_file(body)
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    declared = encoding.removesuffix("-be")
    text = mark + path.read_text("utf-8").replace("UTF-8", declared).replace("\n", newline)
    path.write_bytes(text.encode(encoding))
    laid = _there_and_back(path, placed).decode(encoding)
    if newline == "\r\n":
        assert "\n" not in laid.replace("\r\n", "")
    root = ElementTree.fromstring(laid.lstrip("\ufeff").partition("?>")[2])
    names = [track.get("MZ.TrackName") for track in root.iterfind("sequence/media/audio/track")]
    assert names[-2:] == ["FOLEY Props 1", "FOLEY Props 2"]
    assert len(root.findall("sequence/media/audio")) == 1


def test_fcp7_projects_get_their_tracks_in_the_chosen_sequence(
    fcp7: SimpleNamespace, fcp7_file: Write, placed: Place
) -> None:
    inner = fcp7.sequence(fcp7.track(fcp7.item("b.mov", 0, 24, 0, 24)), name="inner", own_id="inner")
    use = f"<clipitem><name>n</name><start>0</start><end>24</end><in>0</in><out>24</out>{inner}</clipitem>"
    one = fcp7.sequence(fcp7.track(use), name="one", own_id="one")
    two = fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24)), name="two", own_id="two")
    children = f'<sequence id="inner"/>{one}<bin><children>{two}</children></bin>'
    path = fcp7_file(f"<project><children>{children}</children></project>")
    root = ElementTree.fromstring(_there_and_back(path, placed, sequence="one"))
    counts = {item.findtext("name"): len(item.findall("media/audio/track")) for item in root.iter("sequence")}
    assert counts == {None: 0, "one": 2, "inner": 0, "two": 0}


def test_a_sequence_that_others_use_can_be_named_too(fcp7: SimpleNamespace, fcp7_file: Write, placed: Place) -> None:
    inner = fcp7.sequence(fcp7.track(fcp7.item("b.mov", 0, 24, 0, 24)), name="inner", own_id="inner")
    place = "<start>0</start><end>24</end><in>0</in><out>24</out>"
    use = f'<clipitem><name>n</name>{place}<sequence id="inner"/></clipitem>'
    path = fcp7_file(fcp7.sequence(fcp7.track(use), name="outer", own_id="outer"), inner)
    root = ElementTree.fromstring(_there_and_back(path, placed, sequence="inner"))
    counts = {item.findtext("name"): len(item.findall("media/audio/track")) for item in root.findall("sequence")}
    assert counts == {"outer": 0, "inner": 2}


def test_a_track_with_an_editors_clip_is_the_editors(
    fcp7: SimpleNamespace, fcp7_file: Write, placed: Place, tmp_path: Path
) -> None:
    edit = read_edit(fcp7_file(fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24)))))
    tracks = plan_tracks({"FOLEY Props": [placed(edit, 0, 5, "a"), placed(edit, 3, 5, "b")]})
    laid = lay_tracks(edit, tracks, tmp_path / "laid.xml")
    foreign = fcp7.item("own.wav", 10, 20, 0, 10)
    text = laid.read_text("utf-8").replace("<locked>", f"{foreign}<locked>", 1)
    edited = tmp_path / "edited.xml"
    edited.write_text(text, encoding="utf-8")
    kept = ElementTree.parse(lay_tracks(read_edit(edited), tracks, tmp_path / "again.xml"))
    names = [track.get("MZ.TrackName") for track in kept.iterfind("sequence/media/audio/track")]
    assert names == ["FOLEY Props 1", "FOLEY Props 1", "FOLEY Props 2"]
    ids = [element.get("id") for element in kept.iter() if element.get("id")]
    assert len(ids) == len(set(ids))


def test_an_otio_track_with_an_editors_nested_sequence_is_the_editors(
    otio: SimpleNamespace, otio_file: Write, placed: Place, tmp_path: Path
) -> None:
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", 0, 24))))
    tracks = plan_tracks({"FOLEY Props": [placed(edit, 0, 5, "a")]})
    document = json.loads(lay_tracks(edit, tracks, tmp_path / "laid.otio").read_bytes())
    document["tracks"]["children"][1]["children"].append(otio.stack(otio.track(otio.clip("own.wav", 0, 5))))
    edited = tmp_path / "edited.otio"
    edited.write_text(json.dumps(document))
    again = json.loads(lay_tracks(read_edit(edited), tracks, tmp_path / "again.otio").read_bytes())
    assert [track["name"] for track in again["tracks"]["children"]] == ["V1", "FOLEY Props 1", "FOLEY Props 1"]


def test_a_track_that_an_editor_exported_again_is_known_by_name_and_folder(
    fcp7: SimpleNamespace, fcp7_file: Write, placed: Place, tmp_path: Path
) -> None:
    path = fcp7_file(fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24))))
    edit = read_edit(path)
    tracks = plan_tracks({"FOLEY Props": [placed(edit, 0, 5, "a")]})
    text = lay_tracks(edit, tracks, tmp_path / "laid.xml").read_text("utf-8").replace("smooth-foley-", "")
    exported = tmp_path / "exported.xml"
    exported.write_text(text, encoding="utf-8")
    laid = lay_tracks(read_edit(exported), tracks, tmp_path / "again.xml")
    assert laid.read_text("utf-8").count("FOLEY Props 1") == 1
