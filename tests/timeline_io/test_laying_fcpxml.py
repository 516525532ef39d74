"""Our clips in Final Cut Pro X XML: where they are connected, what they say, and how they are found again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fcpxml import clip, complaints, document, gap, project, time_map
from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.errors import LayingError, TimelineError
from timeline_io.files import digest_of
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.read import read_edit

Place = Callable[..., PlacedClip]
Lay = Callable[..., Element]


@pytest.fixture
def lay(tmp_path: Path, placed: Place) -> Lay:
    """Lays clips at (first frame, frames) into a document and gives the root, after the checks that always hold."""

    def of(text: str, *spans: tuple[int, int], sequence: str | None = None, encoding: str = "utf-8") -> Element:
        path = tmp_path / "cut.fcpxml"
        path.write_bytes(text.encode(encoding))
        edit = read_edit(path, sequence=sequence)
        tracks = plan_tracks({"FOLEY Props": [placed(edit, *span, f"take{n}") for n, span in enumerate(spans)]})
        laid = lay_tracks(edit, tracks, tmp_path / "laid.fcpxml")
        again = read_edit(laid, sequence=sequence)
        assert [shot.record for shot in again.shots] == [shot.record for shot in edit.shots]
        assert again.frame_count == edit.frame_count
        twice = lay_tracks(again, tracks, tmp_path / "twice.fcpxml")
        assert twice.read_bytes() == laid.read_bytes()
        bare = remove_foley_tracks(laid, tmp_path / "bare.fcpxml", sequence=edit.name)
        assert bare.read_bytes() == path.read_bytes()
        root = ElementTree.fromstring(laid.read_bytes().decode(encoding).lstrip("\ufeff").partition("?>")[2])
        assert list(complaints(root)) == []
        _as_pictures(laid)
        assert _places(read_edit(laid, sequence=sequence)) == sorted(spans)
        return root

    return of


def _as_pictures(laid: Path) -> None:
    """Makes our sounds pictures, so that reading tells where they lie."""
    text = laid.read_bytes().replace(b"<audio ", b"<video ").replace(b"</audio>", b"</video>")
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        sound, picture = (f'has{kind}="1" audioSources="1"'.encode(encoding) for kind in ("Audio", "Video"))
        text = text.replace(sound, picture)
    laid.write_bytes(text)


def _places(edit: Edit) -> list[tuple[int, int]]:
    """First frame and frames of our clips, of which something covers all or nothing in these tests."""
    ours = [item.record for item in edit.skipped if item.name.startswith("take") and item.record]
    ours += [shot.record for shot in edit.shots if shot.name.startswith("take")]
    return sorted((record.first - edit.start_frame, record.count) for record in ours)


def _clip(root: Element) -> Element:
    (ours,) = [element for element in root.iter() if element.get("audioRole") == "effects.Foley"]
    return ours


def _host(root: Element) -> Element:
    ours = _clip(root)
    return next(element for element in root.iter() if ours in list(element))


# --- What is written ------------------------------------------------------------------------------------------------


def _golden(fixture_timelines: Path, placed: Place, out: Path) -> Element:
    edit = read_edit(fixture_timelines / "golden.fcpxml")
    steps = [placed(edit, 0, 20, "step one"), placed(edit, 12, 20, "step two")]
    tracks = plan_tracks({"FOLEY Footsteps": steps, "FOLEY Vehicles": [placed(edit, 60, 30, "日本 <train> & #1")]})
    return ElementTree.parse(lay_tracks(edit, tracks, out)).getroot()


def test_the_laid_file_holds_what_final_cut_looks_for(fixture_timelines: Path, placed: Place, tmp_path: Path) -> None:
    root = _golden(fixture_timelines, placed, tmp_path / "cut.fcpxml")
    assert list(complaints(root)) == []
    ours = [element for element in root.iter("asset-clip") if element.get("audioRole") == "effects.Foley"]
    assert [(item.get("name"), item.get("lane")) for item in ours] == [
        ("step one", "-2"), ("step two", "-3"), ("日本 <train> & #1", "-4"),
    ]  # fmt: skip
    train = ours[2]
    assert train.attrib == {
        "ref": "smooth-foley-3",
        "lane": "-4",
        # 12 frames into the retimed train, whose own clock began at 12.
        "offset": "1001/1000s",
        "name": "日本 <train> & #1",
        # 01:00:02:12 of the timeline, as the header of the sound says.
        "start": "1442441/400s",
        "duration": "1001/800s",
        "audioRole": "effects.Foley",
    }
    assert train.findtext("note") == "train passing"
    asset = next(item for item in root.iter("asset") if item.get("id") == "smooth-foley-3")
    sound = {"hasAudio": "1", "audioSources": "1", "audioChannels": "1", "audioRate": "48000"}
    times = {"start": "1442441/400s", "duration": "1001/800s"}
    assert asset.attrib == {"id": "smooth-foley-3", "name": "日本 <train> & #1", **times, **sound}
    (copy,) = asset
    assert copy.attrib == {
        "kind": "original-media",
        "src": f"file://{tmp_path}/takes/%E6%97%A5%E6%9C%AC%20%3Ctrain%3E%20%26%20%231.wav",
    }


def test_clips_stand_before_markers_and_filters_in_the_host_that_is_on(
    fixture_timelines: Path, placed: Place, tmp_path: Path
) -> None:
    root = _golden(fixture_timelines, placed, tmp_path / "cut.fcpxml")
    walk, train = root.findall("library/event/project/sequence/spine/asset-clip")[:2]
    assert [child.tag for child in walk] == [
        "adjust-colorConform", "video", "asset-clip", "asset-clip", "asset-clip", "marker", "marker", "keyword",
    ]  # fmt: skip
    assert [child.tag for child in train] == ["timeMap", "asset-clip", "asset-clip"]


def test_the_path_is_the_one_the_editors_machine_sees(fixture_timelines: Path, placed: Place, tmp_path: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.fcpxml")
    tracks = plan_tracks({"FOLEY Props": [placed(edit, 0, 20, "a")]})
    maps = (("D:\\foley", str(tmp_path / "takes")),)
    laid = lay_tracks(edit, tracks, tmp_path / "cut.fcpxml", path_maps=maps)
    assert b'src="file:///D:/foley/a.wav"' in laid.read_bytes()
    again = lay_tracks(read_edit(laid), tracks, tmp_path / "again.fcpxml", path_maps=maps)
    assert again.read_bytes() == laid.read_bytes()


@pytest.mark.parametrize(
    ("version", "tag", "role", "has_copy"),
    [
        ("1.5", "audio", "role", False),
        ("1.8", "asset-clip", "audioRole", False),
        ("1.9", "asset-clip", "audioRole", True),
    ],
)
def test_older_versions_get_what_they_know(lay: Lay, version: str, tag: str, role: str, has_copy: bool) -> None:
    old = '<asset id="o" src="file:///o.mov" hasVideo="1"/>'
    text = document(project(clip("o", "0 0 4", tag="video")), version=version)
    resources = text[text.index("<asset") : text.index("</resources>")]
    known = old if version != "1.9" else resources + old.replace("/>", "><media-rep/></asset>")
    root = lay(text.replace(resources, known), (5, 20))
    (ours,) = [element for element in root.iter() if element.get(role) == "effects.Foley"]
    asset = next(item for item in root.iter("asset") if item.get("id") == ours.get("ref"))
    assert (ours.tag, bool(len(asset)), bool(asset.get("src"))) == (tag, has_copy, not has_copy)


# --- Which host, and where in it ------------------------------------------------------------------------------------

TITLE = '<title ref="f24" name="t" offset="{}s" start="3600s" duration="2s"><text/><note>n</note></title>'
HOSTS = {
    "a clip": (clip("a.mov", "0 10 4"), "21/2s"),
    "a clip played faster": (clip("a.mov", "0 10 4", time_map("0 0", "100 300")), "21/2s"),
    "a clip played backwards": (clip("a.mov", "0 10 4", time_map("0 100", "100 0")), "21/2s"),
    "a conformed clip": (clip("a.mov", "0 10 4", '<conform-rate srcFrameRate="25"/>'), "262/25s"),
    "a gap": (gap("0 4") + clip("a.mov", "4 0 1"), "7201/2s"),
    "a title": (TITLE.format(0) + clip("a.mov", "2 0 1"), "7201/2s"),
    "the pick of an audition that is seen": (
        f"<audition offset='0s'>{clip('a.mov', '- 10 4')}{clip('b.mov', '- 0 4')}</audition>", "21/2s",
    ),
    "a clip that holds others": (
        '<clip name="c" offset="0s" start="10s" duration="4s"><video ref="a.mov" offset="0s" duration="60s"/>'
        '<marker start="10s" value="m"/></clip>', "21/2s",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTS)
def test_the_offset_counts_by_the_hosts_own_clock(lay: Lay, kind: str) -> None:
    spine, offset = HOSTS[kind]
    root = lay(document(project(spine)), (12, 20))
    assert _clip(root).get("offset") == offset


def test_a_sound_goes_to_the_host_that_is_on_when_it_begins(lay: Lay) -> None:
    spine = clip("a.mov", "0 0 2"), '<transition offset="1s" duration="2s"/>', clip("b.mov", "2 5 2")
    assert _host(lay(document(project(*spine)), (47, 20))).get("name") == "a.mov"
    assert _host(lay(document(project(*spine)), (48, 20))).get("name") == "b.mov"


def test_a_sound_beyond_the_storyline_hangs_on_its_last_element(lay: Lay) -> None:
    above = clip("b.mov", "0 5 9", more='lane="1"')
    root = lay(document(project(clip("a.mov", "0 0 1"), clip("a.mov", "1 0 1", above))), (100, 20))
    assert (_host(root).get("offset"), _clip(root).get("offset")) == ("1s", "19/6s")


def test_a_timeline_that_does_not_start_on_a_frame(lay: Lay) -> None:
    root = lay(document(project(clip("a.mov", "3600.01 0 4"), sequence='format="f24" tcStart="3600.01s"')), (24, 20))
    assert _clip(root).get("offset") == "1s"


INSIDE = [
    "",
    "\n",
    "<note>n</note>",
    "<note>n</note>\n<conform-rate scaleEnabled='0'/><adjust-volume/><!-- <marker/> -->",
    '<adjust-volume/><marker start="0s" value="m"/>',
    '<audio-channel-source srcCh="1"/><filter-video ref="f24"/><metadata/>',
    '<asset-clip ref="s.wav" lane="-7" duration="1s"/><keyword value="k"/><filter-audio ref="f24"/>',
    '<spine lane="1"><gap duration="1s"/></spine>\n  <rating value="favorite"/>\n',
]


@pytest.mark.parametrize("inside", INSIDE)
def test_the_order_of_elements_is_kept_whatever_stands_in_the_host(lay: Lay, inside: str) -> None:
    root = lay(document(project(clip("a.mov", "0 0 4", inside))), (0, 20), (10, 20), (90, 2))
    lanes = [element.get("lane") for element in root.iter() if element.get("audioRole") == "effects.Foley"]
    lowest = -7 if "-7" in inside else 0
    assert lanes == [str(lowest - 1), str(lowest - 1), str(lowest - 2)]


MULTICAM = '<media id="mc"><multicam format="f24"><mc-angle angleID="1">{}</mc-angle></multicam></media>'


def test_connected_clips_come_after_the_angles_of_a_multicam_clip(lay: Lay) -> None:
    inside = '<mc-source angleID="1"/><marker start="0s" value="m"/>'
    text = document(
        project(clip("mc", "0 0 4", inside, tag="mc-clip")), resources=MULTICAM.format(clip("a.mov", "0 0 9"))
    )
    assert [child.tag for child in _host(lay(text, (0, 20)))] == ["mc-source", "asset-clip", "marker"]


# --- Layouts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closing", ["/>", " />", "></asset-clip>", ">\n</asset-clip >"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", ""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_layouts(lay: Lay, closing: str, newline: str, encoding: str) -> None:
    bare = f'\n\t<asset-clip ref="a.mov" name="é > b" offset="0s" duration="4s"{closing}\n'
    text = document(project(bare)).replace("UTF-8", encoding).replace("\n", newline)
    assert len(_host(lay(text, (0, 20), encoding=encoding))) == 1


def test_our_lines_are_indented_like_the_file(lay: Lay, tmp_path: Path) -> None:
    spine = '\n    <gap name="g" offset="0s" duration="1s"/>\n    <video ref="a.mov" offset="1s" duration="1s"/>\n  '
    lay(document(project(spine)), (0, 20))
    lines = (tmp_path / "laid.fcpxml").read_text("utf-8").splitlines()
    begin = next(index for index, line in enumerate(lines) if '<gap name="g"' in line)
    assert lines[begin].endswith("<!-- opened by Smooth Foley -->")
    assert [line[: len(line) - len(line.lstrip())] for line in lines[begin : begin + 5]] == [
        " " * 4, " " * 8, " " * 12, " " * 8, " " * 4,
    ]  # fmt: skip


def test_only_the_chosen_project_is_touched(lay: Lay) -> None:
    one, two = (project(clip("a.mov", "0 0 4"), name=name) for name in ("one", "two"))
    root = lay(document(one, two), (0, 20), sequence="two")
    path = "sequence/spine/asset-clip/asset-clip"
    held = {item.get("name"): len(item.findall(path)) for item in root.iter("project")}
    assert held == {"one": 0, "two": 1}


# --- What is ours ---------------------------------------------------------------------------------------------------


@pytest.fixture
def laid(fixture_timelines: Path, placed: Place, tmp_path: Path) -> tuple[Path, tuple[FoleyTrack, ...]]:
    """The golden edit with two clips laid, and their tracks."""
    edit = read_edit(fixture_timelines / "golden.fcpxml")
    tracks = plan_tracks({"FOLEY Props": [placed(edit, 0, 20, "one"), placed(edit, 30, 20, "two")]})
    return lay_tracks(edit, tracks, tmp_path / "laid.fcpxml"), tracks


def _changed(path: Path, *changes: tuple[str, str]) -> Path:
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    changed = path.with_name("changed.fcpxml")
    changed.write_text(text, encoding="utf-8")
    return changed


def test_clips_that_final_cut_wrote_anew_are_known_by_role_and_folder(
    laid: tuple[Path, tuple[FoleyTrack, ...]], fixture_timelines: Path, tmp_path: Path
) -> None:
    exported = _changed(laid[0], ("smooth-foley-", "r90"))
    again = lay_tracks(read_edit(exported), laid[1], tmp_path / "again.fcpxml")
    assert again.read_bytes() == laid[0].read_bytes()
    bare = remove_foley_tracks(exported, tmp_path / "bare.fcpxml", takes=tmp_path / "takes")
    assert bare.read_bytes() == (fixture_timelines / "golden.fcpxml").read_bytes()
    # Without the folder only the mark counts, and that is gone.
    assert remove_foley_tracks(exported, tmp_path / "kept.fcpxml").read_bytes() == exported.read_bytes()


def test_a_clip_that_an_editor_connected_something_to_is_the_editors(
    laid: tuple[Path, tuple[FoleyTrack, ...]], tmp_path: Path
) -> None:
    note, sound = "<note>train passing</note>", '<asset-clip ref="r25" lane="-1" duration="1s"/>'
    text = laid[0].read_text("utf-8").replace(note, note + sound, 1)
    edited = tmp_path / "edited.fcpxml"
    edited.write_text(text, encoding="utf-8")
    bare = ElementTree.parse(remove_foley_tracks(edited, tmp_path / "bare.fcpxml")).getroot()
    assert list(complaints(bare)) == []
    assert _clip(bare).get("name") == "one"
    again = ElementTree.parse(lay_tracks(read_edit(edited), laid[1], tmp_path / "again.fcpxml")).getroot()
    assert list(complaints(again)) == []
    assert len([element for element in again.iter() if element.get("audioRole") == "effects.Foley"]) == 3


def test_an_asset_that_the_editor_uses_elsewhere_stays(
    laid: tuple[Path, tuple[FoleyTrack, ...]], tmp_path: Path
) -> None:
    used = _changed(laid[0], ("        </event>", '        <asset-clip ref="smooth-foley-1"/></event>'))
    bare = ElementTree.parse(remove_foley_tracks(used, tmp_path / "bare.fcpxml")).getroot()
    assert list(complaints(bare)) == []
    assert [item.get("id") for item in bare.iter("asset") if "foley" in item.get("id", "")] == ["smooth-foley-1"]
    again = ElementTree.parse(lay_tracks(read_edit(used), laid[1], tmp_path / "again.fcpxml")).getroot()
    assert list(complaints(again)) == []


def test_a_reference_to_a_lost_asset_does_not_come_to_mean_ours(tmp_path: Path, placed: Place) -> None:
    path = tmp_path / "cut.fcpxml"
    lost = clip("smooth-foley-1", "0 0 1", more='lane="-1"')
    path.write_text(document(project(clip("a.mov", "0 0 4", lost))), encoding="utf-8")
    edit = read_edit(path)
    laid = lay_tracks(edit, plan_tracks({"FOLEY Props": [placed(edit, 0, 20, "a")]}), tmp_path / "laid.fcpxml")
    assert _clip(ElementTree.parse(laid).getroot()).get("ref") == "smooth-foley-2"
    assert remove_foley_tracks(laid, tmp_path / "bare.fcpxml").read_bytes() == path.read_bytes()


def test_an_empty_storyline_cannot_be_laid_into(placed: Place, tmp_path: Path, fixture_timelines: Path) -> None:
    path = tmp_path / "empty.fcpxml"
    path.write_text(document(project(sequence='format="f24"')), encoding="utf-8")
    golden = read_edit(fixture_timelines / "golden.fcpxml")
    edit = replace(golden, path=path, name="cut", digest=digest_of(path.read_bytes()))
    with pytest.raises(LayingError, match=r"storyline of empty.fcpxml is empty"):
        lay_tracks(edit, plan_tracks({"FOLEY Props": [placed(edit, 0, 20, "one")]}), tmp_path / "out.fcpxml")


def test_the_order_check_finds_what_is_wrong() -> None:
    wrong = project(clip("a.mov", "0 0 1", '<marker start="0s" value="m"/><asset-clip ref="lost" duration="1s"/>'))
    found = list(complaints(ElementTree.fromstring(document(wrong).partition("?>")[2])))
    assert found == [
        "<asset-clip name='a.mov'> holds marker asset-clip ",
        "<asset-clip> refers to lost, which is not there",
    ]


JUNK = ["", "-1", "x", "0s", "-5s", "1e9s", "3600s", "r1", "r8", "r25", "1", "0", "effects.Foley", "smooth-foley-1"]


@settings(max_examples=100, derandomize=True)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(JUNK)), min_size=1, max_size=5))
def test_whatever_is_read_is_laid_into_and_given_back(
    fixture_timelines: Path, tmp_path: Path, placed: Place, changes: list[tuple[int, str]]
) -> None:
    pieces = (fixture_timelines / "golden.fcpxml").read_text("utf-8").split('"')
    for pick, junk in changes:
        pieces[1 + 2 * (pick % (len(pieces) // 2))] = junk
    path = tmp_path / "cut.fcpxml"
    path.write_text('"'.join(pieces), encoding="utf-8")
    try:
        edit = read_edit(path)
    except TimelineError:
        return
    tracks = plan_tracks({"FOLEY Props": [placed(edit, first, 20, f"take{first}") for first in (0, 10, 150, 500)]})
    laid = lay_tracks(edit, tracks, tmp_path / "laid.fcpxml")
    twice = lay_tracks(replace(edit, path=laid, digest=digest_of(laid.read_bytes())), tracks, tmp_path / "2.fcpxml")
    assert twice.read_bytes() == laid.read_bytes()
    bare = remove_foley_tracks(laid, tmp_path / "3.fcpxml", takes=tmp_path / "takes", sequence=edit.name)
    assert bare.read_bytes() == path.read_bytes()
