"""Final Cut Pro 7 XML: transitions, retimes, files, nested sequences, timecodes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.fcp7 import bare, dissolve, only
from timeline_io.errors import EmptyEditError, UnreadableEditError, UnsupportedEditError
from timeline_io.read import read_edit

Write = Callable[..., Path]
TICKS_PER_FRAME = 254_016_000_000 // 24


@pytest.mark.parametrize(
    ("alignment", "cut", "source_frame"),
    [("center", 100, 30), ("start", 90, 20), ("start-black", 90, 20), ("end", 110, 40), ("end-black", 110, 40)],
)
def test_the_cut_of_a_transition_is_where_its_alignment_says(
    fcp7: SimpleNamespace, fcp7_file: Write, alignment: str, cut: int, source_frame: int
) -> None:
    track = fcp7.track(
        fcp7.item("a.mov", 0, -1, 0, 110), dissolve(90, 110, alignment), fcp7.item("b.mov", -1, 200, 20, 130)
    )
    first, second = read_edit(fcp7_file(fcp7.sequence(track))).shots
    assert (first.record.end, second.record.first, second.record.end) == (cut, cut, 200)
    assert second.source_start_s == Fraction(source_frame, 24)


def test_premieres_exact_cut_point_outranks_the_alignment(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    ticks = f"<cutPointTicks>{7 * TICKS_PER_FRAME}</cutPointTicks>"
    track = fcp7.track(
        fcp7.item("a.mov", 0, -1, 0, 110),
        dissolve(90, 110, "center", ticks, fcp7.rate),
        fcp7.item("b.mov", -1, 200, 0, 110),
    )
    assert read_edit(fcp7_file(fcp7.sequence(track))).shots[1].record.first == 97


@pytest.mark.parametrize(
    ("remap", "first", "last", "source_frame", "speed"),
    [
        pytest.param(("200", "FALSE"), 12, 36, 24, 2, id="retimed frames"),
        pytest.param(("200", "FALSE"), 24, 72, 24, 2, id="media frames"),
        pytest.param(("50", "FALSE"), 20, 44, 10, Fraction(1, 2), id="slow"),
        pytest.param(("0", "FALSE"), 30, 54, 30, 0, id="frozen"),
        pytest.param(("100", "TRUE"), 116, 140, 124, -1, id="backwards, counted from the end"),
        pytest.param(("-200", "FALSE"), 20, 44, 200, -2, id="negative speed"),
        pytest.param(("-200", "TRUE"), 20, 44, 200, -2, id="negative and reversed is still backwards"),
    ],
)
def test_retimes(
    fcp7: SimpleNamespace, fcp7_file: Write, remap: tuple[str, str], first: int, last: int, source_frame: int,
    speed: Fraction,
) -> None:  # fmt: skip
    track = fcp7.track(fcp7.item("a.mov", 0, 24, first, last, fcp7.remap(*remap)))
    shot = only(fcp7_file(fcp7.sequence(track)))
    assert (shot.source_start_s, shot.speed) == (Fraction(source_frame, 24), speed)


def test_a_reversed_clip_that_does_not_fit_its_media_plays_its_range_backwards(
    fcp7: SimpleNamespace, fcp7_file: Write
) -> None:
    track = fcp7.track(fcp7.item("a.mov", 0, 24, 230, 254, fcp7.remap("100", "TRUE")))
    assert only(fcp7_file(fcp7.sequence(track))).source_start_s == Fraction(254, 24)


def test_subclips_count_from_their_own_start(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    info = "<subclipinfo><startoffset>48</startoffset><endoffset>24</endoffset></subclipinfo>"
    forward = fcp7.item("a.mov", 0, 24, 12, 36, info)
    backward = fcp7.item("b.mov", 24, 48, 12, 36, info + fcp7.remap("100", "TRUE"))
    first, second = read_edit(fcp7_file(fcp7.sequence(fcp7.track(forward, backward)))).shots
    assert (first.source_start_s, second.source_start_s) == (Fraction(60, 24), Fraction(240 - 24 - 12, 24))


def test_a_clip_counts_in_its_own_rate(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    ntsc = "<rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate>"
    track = fcp7.track(fcp7.item("a.mov", 0, 24, 30, 60, rate=ntsc))
    shot = only(fcp7_file(fcp7.sequence(track)))
    assert (shot.record.count, shot.source_start_s) == (24, Fraction(1001, 1000))


def test_two_files_with_one_path_stay_two_files(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    one = fcp7.item("a", 0, 24, 0, 24, file="file-1", url="file://localhost/same.mov")
    two = fcp7.item("b", 24, 48, 100, 124, file="file-2", url="file://localhost/same.mov")
    again = bare("c", 48, 72, 7, 31, '<file id="file-2"/>')
    shots = read_edit(fcp7_file(fcp7.sequence(fcp7.track(one, two, again)))).shots
    assert [shot.source_start_s * 24 for shot in shots] == [0, 100, 7]
    assert {shot.media_ref for shot in shots} == {"file://localhost/same.mov"}


def test_switches_of_clips_and_tracks(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    off = fcp7.item("off.mov", 0, 24, 0, 24, "<enabled>FALSE</enabled>")
    upper = fcp7.track(fcp7.item("top.mov", 0, 24, 0, 24), more="<enabled>FALSE</enabled>")
    edit = read_edit(fcp7_file(fcp7.sequence(fcp7.track(off, fcp7.item("on.mov", 24, 48, 0, 24)), upper)))
    assert [shot.name for shot in edit.shots] == ["on.mov"]
    assert {item.name: item.reason for item in edit.skipped} == {
        "off.mov": "disabled",
        "top.mov": "on the disabled track V2",
    }


def test_nested_sequences_by_reference_with_their_own_rate(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    rate_12 = "<rate><timebase>12</timebase><ntsc>FALSE</ntsc></rate>"
    inner = fcp7.sequence(
        fcp7.track(fcp7.item("a.mov", 0, 12, 0, 24), fcp7.item("b.mov", 12, 36, 48, 96)),
        name="inner",
        own_id="seq-2",
        rate=rate_12,
    )
    use = (
        f"<clipitem><name>inner</name>{rate_12}<start>10</start><end>34</end><in>6</in><out>18</out>"
        '<sequence id="seq-2"/></clipitem>'
    )
    outer = fcp7.sequence(fcp7.track(use), name="outer")
    edit = read_edit(fcp7_file(inner, outer))
    assert edit.name == "outer"
    assert [(shot.name, shot.record.first, shot.record.count, shot.source_start_s) for shot in edit.shots] == [
        ("a.mov", 10, 12, Fraction(1, 2)),
        ("b.mov", 22, 12, 2),
    ]


def test_a_sequence_inside_itself_is_refused(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    use = bare("again", 0, 24, 0, 24, '<sequence id="seq-1"/>')
    with pytest.raises(UnreadableEditError, match="nested in itself"):
        read_edit(fcp7_file(fcp7.sequence(fcp7.track(use))))


def test_drop_frame_start_timecode_without_a_frame_number(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    ntsc = "<rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate>"
    code = f"<timecode>{ntsc}<string>01;00;00;00</string><displayformat>DF</displayformat></timecode>"
    track = fcp7.track(fcp7.item("a.mov", 0, 30, 0, 30, rate=ntsc))
    edit = read_edit(fcp7_file(fcp7.sequence(track, rate=ntsc, more=code)))
    assert (edit.rate, edit.start_frame, edit.drop_frame) == (Fraction(30000, 1001), 107892, True)


def test_a_start_timecode_in_another_rate_is_the_same_moment(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    code = "<timecode><rate><timebase>48</timebase></rate><frame>172800</frame></timecode>"
    edit = read_edit(fcp7_file(fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24)), more=code)))
    assert edit.start_frame == 86400


def test_notes_of_clips_and_markers(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    more = (
        "<logginginfo><description>rainy</description><lognote>use wide</lognote></logginginfo>"
        "<comments><mastercomment1>foley: rain</mastercomment1><mastercomment4>late</mastercomment4></comments>"
        "<marker><name>splash</name><comment>big</comment><in>20</in><out>-1</out></marker>"
        "<marker><name>outside</name><in>90</in><out>-1</out></marker>"
    )
    own = "<marker><name>thunder</name><in>130</in><out>140</out></marker>"
    track = fcp7.track(fcp7.item("a.mov", 100, 124, 10, 34, more), fcp7.item("b.mov", 124, 148, 0, 24))
    first, second = read_edit(fcp7_file(fcp7.sequence(track, more=own))).shots
    assert first.notes == ("rainy", "use wide", "foley: rain", "late", "splash", "big")
    assert second.notes == ("thunder",)


def test_titles_generators_and_adjustment_layers_are_told(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    def without_file(name: str, kind: str, more: str = "") -> str:
        return (
            f"<clipitem><name>{name}</name><start>0</start><end>24</end><in>0</in><out>24</out>"
            f"<file id='{name}'><mediaSource>{kind}</mediaSource></file>{more}</clipitem>"
        )

    upper = [
        fcp7.track(without_file("slug", "Slug")),
        fcp7.track(without_file("card", "GraphicAndType")),
        fcp7.track(without_file("grade", "Slug", "<adjustmentlayer>TRUE</adjustmentlayer>")),
    ]
    edit = read_edit(fcp7_file(fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24)), *upper)))
    assert [shot.name for shot in edit.shots] == ["a.mov"]
    assert {item.name: item.reason.partition(",")[0] for item in edit.skipped} == {
        "slug": "a generator",
        "card": "a title",
        "grade": "an adjustment layer",
    }


def test_several_sequences_are_listed_and_one_is_named(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    def one(name: str) -> str:
        return fcp7.sequence(fcp7.track(fcp7.item(f"{name}.mov", 0, 24, 0, 24)), name=name, own_id=name)

    reels = f"<bin><children>{one('reel 1')}</children></bin>{one('reel 2')}"
    path = fcp7_file(f"<project><children>{reels}</children></project>")
    with pytest.raises(UnsupportedEditError, match=r"2 sequences.*'reel 1', 'reel 2'"):
        read_edit(path)
    assert read_edit(path, sequence="reel 2").shots[0].name == "reel 2.mov"


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252", "shift_jis"])
def test_other_encodings(fcp7: SimpleNamespace, fcp7_file: Write, encoding: str) -> None:
    name = "駅.mov" if encoding in ("utf-16", "shift_jis") else "café.mov"
    path = fcp7_file(fcp7.sequence(fcp7.track(fcp7.item(name, 0, 24, 0, 24))))
    path.write_bytes(path.read_text("utf-8").replace("UTF-8", encoding, 1).encode(encoding))
    assert only(path).name == name


def test_a_sequence_without_picture_is_empty(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    with pytest.raises(EmptyEditError, match="no picture track"):
        read_edit(fcp7_file(fcp7.sequence()))
    with pytest.raises(EmptyEditError, match="hold no clip"):
        read_edit(fcp7_file(fcp7.sequence(fcp7.track())))
    with pytest.raises(EmptyEditError, match="no sequence"):
        read_edit(fcp7_file("<project/>"))


def test_the_length_is_what_the_sequence_says_but_never_less_than_its_clips(
    fcp7: SimpleNamespace, fcp7_file: Write
) -> None:
    track = fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24))
    assert read_edit(fcp7_file(fcp7.sequence(track, more="<duration>100</duration>"))).frame_count == 100
    assert read_edit(fcp7_file(fcp7.sequence(track, more="<duration>10</duration>"))).frame_count == 24


def test_what_lies_before_the_start_is_not_seen(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    early = fcp7.item("early.mov", -40, -20, 0, 20, file_id="f1")
    over = fcp7.item("over.mov", -10, 50, 10, 70, file_id="f2")
    edit = read_edit(fcp7_file(fcp7.sequence(fcp7.track(early, over))))
    assert [(shot.name, shot.record.first, shot.record.count, shot.source_start_s) for shot in edit.shots] == [
        ("over.mov", 0, 50, Fraction(20, 24))
    ]
    assert [(item.name, item.reason) for item in edit.skipped] == [("early.mov", "before the start of the timeline")]


def test_a_file_without_a_path_is_searched_for_by_its_name(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    path = "<pathurl>file://localhost/rushes/a.mov</pathurl>"
    item = fcp7.item("a.mov", 0, 24, 0, 24)
    assert path in item
    for named, ref in (("<name>C0001.MOV</name>", "C0001.MOV"), ("", "")):
        (shot,) = read_edit(fcp7_file(fcp7.sequence(fcp7.track(item.replace(path, named))))).shots
        assert shot.media_ref == ref
