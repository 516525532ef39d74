"""Edit decision lists: events, transitions, tracks, and what files look like."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.edl import AT_24, event, seen, written
from timeline_io.errors import EmptyEditError, LayingError, TimelineError, UnreadableEditError, UnsupportedEditError
from timeline_io.lay import lay_tracks
from timeline_io.read import read_edit

Write = Callable[..., Path]


@pytest.fixture
def edl_file(tmp_path: Path) -> Write:
    return partial(written, tmp_path)


# --- Events -----------------------------------------------------------------------------------------------------------


def test_cuts_gaps_and_the_start_are_those_of_the_record(edl_file: Write) -> None:
    path = edl_file(
        event(1, "10:00-12:00", "05:00-07:00", name="a.mov"), event(2, "00:12-01:12", "08:00-09:00", name="b.mov")
    )
    edit = read_edit(path, rate=Fraction(24))
    assert (edit.format, edit.name, edit.start_frame, edit.frame_count) == ("edl", "cut", 86400 + 120, 96)
    assert seen(edit) == [("a.mov", 0, 48), ("b.mov", 72, 24)]
    assert [(shot.source_start_s, shot.source_timecode_s, shot.start_unknown) for shot in edit.shots] == [
        (3610, 3610, True),
        (Fraction(7201, 2), Fraction(7201, 2), True),
    ]


def test_a_dissolve_begins_at_the_cut_and_names_both_sides(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-02:00", "00:00-02:00", name="a.mov"),
        event(2, "02:00-02:00", "02:00-02:00"),
        event(2, "10:00-13:00", "02:00-05:00", reel="B001", kind="D  024"),
        "* FROM CLIP NAME: a.mov\n* TO CLIP NAME: b.mov",
        event(3, "00:00-01:00", "05:00-06:00", reel="C001", kind="W001  012"),
        "* FROM CLIP NAME: b.mov",
    )
    edit = read_edit(path, rate=Fraction(24))
    assert seen(edit) == [("a.mov", 0, 48), ("b.mov", 48, 72), ("C001", 120, 24)]
    assert edit.skipped == ()


def test_an_event_without_a_letter_is_a_dissolve_where_it_has_a_length_and_else_a_cut(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-02:00", "00:00-02:00", kind="", name="a.mov"),
        event(2, "02:00-02:00", "02:00-02:00", kind=""),
        event(2, "10:00-10:08", "02:00-02:08", reel="B001", kind="   008"),
        "* FROM CLIP NAME: a.mov\n* TO CLIP NAME: b.mov",
        event(3, "20:00-21:00", "02:08-03:08", channels="AA/V", kind="", name="c.mov"),
    )
    edit = read_edit(path, rate=Fraction(24))
    assert seen(edit) == [("a.mov", 0, 48), ("b.mov", 48, 8), ("c.mov", 56, 24)]
    dissolve = edit.shots[1].dissolve_in
    assert dissolve is not None and (dissolve.first - edit.start_frame, dissolve.count) == (48, 8)
    assert (edit.shots[1].source_start_s, edit.skipped, edit.remarks) == (3610, (), ())


def test_what_is_said_of_an_event_that_cannot_be_read_speaks_of_no_other(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-01:00", "00:00-01:00"),
        "002  B  V  C  01:00:xx:00 01:00:01:00 01:00:01:00 01:00:02:00",
        "M2   B   048.0   01:00:00:00",
        "* FROM CLIP NAME: b.mov\n* COMMENT: foley: gravel",
        event(3, "00:00-01:00", "02:00-03:00", name="c.mov"),
    )
    edit = read_edit(path, rate=Fraction(24))
    assert [(shot.name, shot.speed, shot.notes) for shot in edit.shots] == [("A001", 1, ()), ("c.mov", 1, ())]


def test_the_outgoing_line_of_a_dissolve_may_have_a_length(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-02:00", "00:00-02:00"),
        event(1, "10:00-12:00", "02:00-04:00", reel="B001", kind="D 024"),
        "* FROM CLIP NAME: a.mov\n* TO CLIP NAME: b.mov",
    )
    assert seen(read_edit(path, rate=Fraction(24))) == [("a.mov", 0, 48), ("b.mov", 48, 48)]


def test_a_key_lies_over_its_background(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-01:00", "00:00-01:00"),
        event(1, "02:00-05:00", "01:00-04:00", kind="K B"),
        event(1, "00:00-01:00", "02:00-03:00", reel="B001", kind="K  000"),
        "* FROM CLIP NAME: back.mov\n* KEY CLIP NAME: front.mov",
    )
    edit = read_edit(path, rate=Fraction(24))
    assert seen(edit) == [
        ("back.mov", 0, 24),
        ("back.mov", 24, 24),
        ("front.mov", 48, 24),
        ("back.mov", 72, 24),
    ]
    assert [shot.track for shot in edit.shots] == ["V1", "V1", "V1 key", "V1"]


def test_a_second_picture_track_lies_above_and_sound_is_left_out_with_one_remark(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-04:00", "00:00-04:00", channels="B", name="low.mov"),
        event(2, "00:00-01:00", "01:00-02:00", channels="V2", name="top.mov"),
        event(3, "00:00-01:00", "04:00-05:00", channels="AA/V", name="both.mov"),
        *(event(4, "00:00-09:00", "00:00-09:00", channels=channels) for channels in ("A", "AA", "A2", "NONE")),
    )
    edit = read_edit(path, rate=Fraction(24))
    assert seen(edit) == [("low.mov", 0, 24), ("top.mov", 24, 24), ("low.mov", 48, 48), ("both.mov", 96, 24)]
    assert edit.remarks == ("4 of 7 events carry sound only and were left out",)


def test_black_is_a_gap_and_bars_are_no_picture(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-01:00", "00:00-01:00", reel="BARS"),
        event(2, "00:00-01:00", "01:00-02:00", reel="BL"),
        event(3, "00:00-01:00", "02:00-03:00", name="a.mov"),
        event(4, "00:00-01:00", "03:00-04:00", reel="AX", name="Black Video"),
    )
    edit = read_edit(path, rate=Fraction(24))
    assert seen(edit) == [("a.mov", 48, 24)]
    assert [(item.name, item.reason) for item in edit.skipped] == [
        ("Black Video", "a title or generator, not a filmed picture"),
        ("BARS", "bars, not a filmed picture"),
    ]


def test_a_fade_to_black_ends_in_a_gap_but_a_named_clip_isseen(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-01:00", "00:00-01:00", name="a.mov"),
        event(2, "01:00-01:00", "01:00-01:00"),
        event(2, "00:00-01:00", "01:00-02:00", reel="BL", kind="D 024"),
        "* FROM CLIP NAME: a.mov",
        # Some programs call every reel black.
        event(3, "00:00-01:00", "02:00-03:00", reel="BL", name="b.mov"),
    )
    assert seen(read_edit(path, rate=Fraction(24))) == [("a.mov", 0, 24), ("b.mov", 48, 24)]


def test_what_is_recorded_later_hides_what_lies_there(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-03:00", "00:00-03:00", name="a.mov"), event(2, "00:00-01:00", "01:00-02:00", name="b.mov")
    )
    edit = read_edit(path, rate=Fraction(24))
    assert seen(edit) == [("a.mov", 0, 24), ("b.mov", 24, 24), ("a.mov", 48, 24)]
    assert edit.remarks == ("the events on lines 3 and 5 overlap in record time: the later one is seen",)


def test_a_list_over_midnight_goes_on(edl_file: Write) -> None:
    lines = (
        "001  A  V  C  10:00:00:00 10:00:02:00 23:59:59:00 00:00:01:00",
        "002  B  V  C  10:00:00:00 10:00:01:00 00:00:01:00 00:00:02:00",
    )
    edit = read_edit(edl_file(*lines), rate=Fraction(24))
    assert (edit.start_frame, edit.frame_count) == (86399 * 24, 72)
    assert seen(edit) == [("A", 0, 48), ("B", 48, 24)]


def test_a_split_edit_keeps_the_record_of_the_picture(edl_file: Write) -> None:
    path = edl_file(
        "SPLIT:    AUDIO DELAY=  00:00:00:12",
        event(1, "00:12-02:00", "00:12-02:00", channels="A"),
        event(1, "00:00-02:00", "00:00-02:00", name="a.mov"),
    )
    assert seen(read_edit(path, rate=Fraction(24))) == [("a.mov", 0, 48)]


# --- What files look like ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(edl_file: Write, encoding: str, end: str) -> None:
    line = event(1, "00:00-01:00", "00:00-01:00", name="café.mov")
    edit = read_edit(edl_file(line, encoding=encoding, end=end))
    assert seen(edit) == [("café.mov", 0, 24)]


def test_the_content_counts_not_the_suffix(edl_file: Write) -> None:
    assert read_edit(edl_file(AT_24, name="cut.txt", head="")).format == "edl"


def test_unknown_lines_are_passed_over(edl_file: Write) -> None:
    path = edl_file(
        "EDL-X 1.2",
        ">>> SOURCE",
        "A001  a.mov  => /rushes/a.mov  01:00:00:00 01:00:10:00",
        event(1, "00:00-01:00", "00:00-01:00", name="a.mov"),
        "AUD  3  4",
        "EFFECTS NAME IS CROSS DISSOLVE",
        "* ???",
        head="",
    )
    edit = read_edit(path, rate=Fraction(24))
    assert (seen(edit), edit.remarks) == ([("a.mov", 0, 24)], ())


def test_a_line_that_might_be_an_event_is_not_lost_silently(edl_file: Write) -> None:
    path = edl_file(event(1, "00:00-01:00", "00:00-01:00"), "002  B  V  C  01:00:xx:00 01:00:01:00 01:00:01:00 1:2:3")
    assert "line 4 is no event" in read_edit(path).remarks[1]


def test_a_source_that_cannot_be_read_is_listed(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-01:00", "00:00-01:00"),
        event(2, "00:90-01:90", "01:00-02:00", reel="B001"),
        event(3, "09:00-01:00", "02:00-03:00", reel="C001"),
    )
    skipped = {item.name: item.reason for item in read_edit(path, rate=Fraction(24)).skipped}
    assert skipped == {
        "B001": "its source times cannot be read (event 002 on line 4)",
        "C001": "its source times cannot be read (event 003 on line 5)",
    }


def test_a_record_that_ends_before_it_begins_is_refused(edl_file: Write) -> None:
    with pytest.raises(UnreadableEditError, match=r"event 001 on line 3 is recorded out at 01:00:01:00"):
        read_edit(edl_file(event(1, "00:00-01:00", "02:00-01:00")))


def test_the_markers_of_resolve_are_no_edit(edl_file: Write) -> None:
    lines = ("001  001  V  C  01:00:00:00 01:00:00:01 01:00:00:00 01:00:00:01", " |C:ResolveColorBlue |M:Marker 1 |D:1")
    with pytest.raises(UnsupportedEditError, match=r"markers of a Resolve timeline.*export the timeline itself"):
        read_edit(edl_file(*lines))


def test_lists_without_picture_or_events(edl_file: Write) -> None:
    with pytest.raises(EmptyEditError, match="no picture track"):
        read_edit(edl_file(event(1, "00:00-01:00", "00:00-01:00", channels="A")))
    with pytest.raises(EmptyEditError, match="hold no clip"):
        read_edit(edl_file(event(1, "00:00-01:00", "00:00-01:00", reel="BL")))
    with pytest.raises(UnreadableEditError, match="without an event"):
        read_edit(edl_file("* nothing"))


def test_several_lists_in_one_file_are_named(edl_file: Write) -> None:
    first, second = (event(1, "00:00-01:00", "00:00-01:00", reel=reel) for reel in ("A001", "B001"))
    path = edl_file(first, "TITLE: other", second)
    with pytest.raises(UnsupportedEditError, match="'cut', 'other'"):
        read_edit(path)
    assert read_edit(path, sequence="other").shots[0].name == "B001"


def test_nothing_can_be_laid_into_a_list(edl_file: Write, tmp_path: Path) -> None:
    with pytest.raises(LayingError, match="companion"):
        lay_tracks(read_edit(edl_file(AT_24)), (), tmp_path / "out.edl")


@pytest.mark.steady
@settings(max_examples=200, derandomize=True)
@given(
    edits=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 30), st.text(" :;*0159CDMVK\n.-", max_size=6)),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_the_bytes(fixture_timelines: Path, tmp_path: Path, edits: list[tuple[float, int, str]]) -> None:
    text = (fixture_timelines / "golden.edl").read_text("utf-8")
    for where, count, new in edits:
        at = int(where * len(text))
        text = text[:at] + new + text[at + count :]
    path = tmp_path / "cut.edl"
    path.write_text(text, encoding="utf-8")
    try:
        assert read_edit(path).shots
    except TimelineError as error:
        assert "\n" not in str(error)
