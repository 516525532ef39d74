"""Edit decision lists: events, transitions, retimes, names, notes, and the rate that nothing states."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from timeline_io.edit import Edit, Shot
from timeline_io.errors import EmptyEditError, LayingError, TimelineError, UnreadableEditError, UnsupportedEditError
from timeline_io.lay import lay_tracks
from timeline_io.read import read_edit

Write = Callable[..., Path]
NTSC_24, NTSC_30, NTSC_60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
HEAD = "TITLE: cut\nFCM: NON-DROP FRAME\n"
# 5 s - 19 frames = 4 s + 5 frames: only at 24.
AT_24 = "900  TAIL  V  C  01:00:14:17 01:00:18:22 02:00:02:19 02:00:07:00"


@pytest.fixture
def edl_file(tmp_path: Path) -> Write:
    """Writes lines after a title to a list."""

    def write(*lines: str, head: str = HEAD, encoding: str = "utf-8", end: str = "\n", name: str = "cut.edl") -> Path:
        path = tmp_path / name
        path.write_bytes((head + "\n".join(lines) + "\n").replace("\n", end).encode(encoding))
        return path

    return write


def _event(
    number: int, source: str, record: str, *, reel: str = "A001", channels: str = "V", kind: str = "C", name: str = ""
) -> str:
    """Source and record as `seconds:frames-seconds:frames` after one hour."""
    codes = [f"01:00:{code}" for span in (source, record) for code in span.split("-")]
    line = f"{number:03d}  {reel}  {channels}  {kind}  {' '.join(codes)}"
    return f"{line}\n* FROM CLIP NAME: {name}" if name else line


def _seen(edit: Edit) -> list[tuple[str, int, int]]:
    return [(shot.name, shot.record.first - edit.start_frame, shot.record.count) for shot in edit.shots]


def _only(path: Path, **more: Fraction) -> Shot:
    (shot,) = read_edit(path, **more).shots  # type: ignore[arg-type]
    return shot


# --- Events ---------------------------------------------------------------------------------------------------------


def test_cuts_gaps_and_the_start_are_those_of_the_record(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "10:00-12:00", "05:00-07:00", name="a.mov"), _event(2, "00:12-01:12", "08:00-09:00", name="b.mov")
    )
    edit = read_edit(path, rate=Fraction(24))
    assert (edit.format, edit.name, edit.start_frame, edit.frame_count) == ("edl", "cut", 86400 + 120, 96)
    assert _seen(edit) == [("a.mov", 0, 48), ("b.mov", 72, 24)]
    assert [(shot.source_start_s, shot.source_timecode_s, shot.start_unknown) for shot in edit.shots] == [
        (3610, 3610, True),
        (Fraction(7201, 2), Fraction(7201, 2), True),
    ]


def test_a_dissolve_begins_at_the_cut_and_names_both_sides(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "00:00-02:00", "00:00-02:00", name="a.mov"),
        _event(2, "02:00-02:00", "02:00-02:00"),
        _event(2, "10:00-13:00", "02:00-05:00", reel="B001", kind="D  024"),
        "* FROM CLIP NAME: a.mov\n* TO CLIP NAME: b.mov",
        _event(3, "00:00-01:00", "05:00-06:00", reel="C001", kind="W001  012"),
        "* FROM CLIP NAME: b.mov",
    )
    edit = read_edit(path, rate=Fraction(24))
    assert _seen(edit) == [("a.mov", 0, 48), ("b.mov", 48, 72), ("C001", 120, 24)]
    assert edit.skipped == ()


def test_the_outgoing_line_of_a_dissolve_may_have_a_length(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "00:00-02:00", "00:00-02:00"),
        _event(1, "10:00-12:00", "02:00-04:00", reel="B001", kind="D 024"),
        "* FROM CLIP NAME: a.mov\n* TO CLIP NAME: b.mov",
    )
    assert _seen(read_edit(path, rate=Fraction(24))) == [("a.mov", 0, 48), ("b.mov", 48, 48)]


def test_a_key_lies_over_its_background(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "00:00-01:00", "00:00-01:00"),
        _event(1, "02:00-05:00", "01:00-04:00", kind="K B"),
        _event(1, "00:00-01:00", "02:00-03:00", reel="B001", kind="K  000"),
        "* FROM CLIP NAME: back.mov\n* KEY CLIP NAME: front.mov",
    )
    edit = read_edit(path, rate=Fraction(24))
    assert _seen(edit) == [
        ("back.mov", 0, 24),
        ("back.mov", 24, 24),
        ("front.mov", 48, 24),
        ("back.mov", 72, 24),
    ]
    assert [shot.track for shot in edit.shots] == ["V1", "V1", "V1 key", "V1"]


def test_a_second_picture_track_lies_above_and_sound_is_left_out_with_one_remark(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "00:00-04:00", "00:00-04:00", channels="B", name="low.mov"),
        _event(2, "00:00-01:00", "01:00-02:00", channels="V2", name="top.mov"),
        _event(3, "00:00-01:00", "04:00-05:00", channels="AA/V", name="both.mov"),
        *(_event(4, "00:00-09:00", "00:00-09:00", channels=channels) for channels in ("A", "AA", "A2", "NONE")),
    )
    edit = read_edit(path, rate=Fraction(24))
    assert _seen(edit) == [("low.mov", 0, 24), ("top.mov", 24, 24), ("low.mov", 48, 48), ("both.mov", 96, 24)]
    assert edit.remarks == ("4 of 7 events carry sound only and were left out",)


def test_black_is_a_gap_and_bars_are_no_picture(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "00:00-01:00", "00:00-01:00", reel="BARS"),
        _event(2, "00:00-01:00", "01:00-02:00", reel="BL"),
        _event(3, "00:00-01:00", "02:00-03:00", name="a.mov"),
        _event(4, "00:00-01:00", "03:00-04:00", reel="AX", name="Black Video"),
    )
    edit = read_edit(path, rate=Fraction(24))
    assert _seen(edit) == [("a.mov", 48, 24)]
    assert [(item.name, item.reason) for item in edit.skipped] == [
        ("Black Video", "a title or generator, not a filmed picture"),
        ("BARS", "bars, not a filmed picture"),
    ]


def test_a_fade_to_black_ends_in_a_gap_but_a_named_clip_is_seen(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "00:00-01:00", "00:00-01:00", name="a.mov"),
        _event(2, "01:00-01:00", "01:00-01:00"),
        _event(2, "00:00-01:00", "01:00-02:00", reel="BL", kind="D 024"),
        "* FROM CLIP NAME: a.mov",
        # Some programs call every reel black.
        _event(3, "00:00-01:00", "02:00-03:00", reel="BL", name="b.mov"),
    )
    assert _seen(read_edit(path, rate=Fraction(24))) == [("a.mov", 0, 24), ("b.mov", 48, 24)]


def test_what_is_recorded_later_hides_what_lies_there(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "00:00-03:00", "00:00-03:00", name="a.mov"), _event(2, "00:00-01:00", "01:00-02:00", name="b.mov")
    )
    edit = read_edit(path, rate=Fraction(24))
    assert _seen(edit) == [("a.mov", 0, 24), ("b.mov", 24, 24), ("a.mov", 48, 24)]
    assert edit.remarks == ("the events on lines 3 and 5 overlap in record time: the later one is seen",)


def test_a_list_over_midnight_goes_on(edl_file: Write) -> None:
    lines = (
        "001  A  V  C  10:00:00:00 10:00:02:00 23:59:59:00 00:00:01:00",
        "002  B  V  C  10:00:00:00 10:00:01:00 00:00:01:00 00:00:02:00",
    )
    edit = read_edit(edl_file(*lines), rate=Fraction(24))
    assert (edit.start_frame, edit.frame_count) == (86399 * 24, 72)
    assert _seen(edit) == [("A", 0, 48), ("B", 48, 24)]


def test_a_split_edit_keeps_the_record_of_the_picture(edl_file: Write) -> None:
    path = edl_file(
        "SPLIT:    AUDIO DELAY=  00:00:00:12",
        _event(1, "00:12-02:00", "00:12-02:00", channels="A"),
        _event(1, "00:00-02:00", "00:00-02:00", name="a.mov"),
    )
    assert _seen(read_edit(path, rate=Fraction(24))) == [("a.mov", 0, 48)]


# --- Retimes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("speed", "rate", "expected", "source_frame"),
    [
        ("048.0", 24, Fraction(2), 240),
        ("012.0", 24, Fraction(1, 2), 240),
        ("-024.0", 24, Fraction(-1), 264),
        ("000.0", 24, Fraction(0), 240),
        ("047.6", 24, Fraction(476, 240), 240),
        ("047.95", NTSC_24, Fraction(2), 240),
        ("048.0", NTSC_24, Fraction(2), 240),
        ("-059.94", NTSC_30, Fraction(-2), 324),
        ("+999999", 24, Fraction(1000), 240),
    ],
)
def test_the_speed_is_in_frames_per_second(
    edl_file: Write, speed: str, rate: Fraction, expected: Fraction, source_frame: int
) -> None:
    exact = Fraction(rate)
    event = f"001  A  V  C  00:00:{240 // round(exact):02d}:{240 % round(exact):02d}"
    last = 264 if round(exact) == 24 else 324
    path = edl_file(f"{event} 00:00:{last // round(exact):02d}:{last % round(exact):02d} 01:00:00:00 01:00:04:00",
                    f"M2   A      {speed}      00:00:10:00")  # fmt: skip
    shot = _only(path, rate=exact)
    assert (shot.speed, shot.source_start_s) == (expected, source_frame / exact)


def test_a_retime_belongs_to_the_line_with_its_reel(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "00:00-02:00", "00:00-02:00", reel="AAA"),
        _event(1, "10:00-14:00", "02:00-04:00", reel="BBB", kind="D 012"),
        "M2   AAA     024.0    01:00:00:00",
        "M2   BBB     048.0    01:00:10:00",
    )
    assert [shot.speed for shot in read_edit(path, rate=Fraction(24)).shots] == [1, 2]


def test_a_freeze_and_a_still_do_not_move(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "10:00-10:01", "00:00-02:00", name="a.mov"),
        "* * FREEZE FRAME",
        _event(2, "10:00-12:00", "02:00-04:00", name="b"),
        "* FROM CLIP IS A STILL",
        _event(3, "10:00-12:00", "04:00-06:00", name="poster.png"),
        _event(4, "10:00-12:00", "06:00-08:00", name="shot.0001.exr"),
    )
    shots = read_edit(path, rate=Fraction(24)).shots
    assert [(shot.speed, shot.source_start_s) for shot in shots] == [(0, 3610), (0, 0), (0, 0), (1, 3610)]


def test_a_retime_without_a_speed_is_taken_from_the_lengths_and_says_so(edl_file: Write) -> None:
    shot = _only(edl_file(_event(1, "00:00-10:00", "00:00-04:00")), rate=Fraction(24))
    assert shot.speed == Fraction(5, 2)
    assert "lengths of source and record" in shot.notes[0]


def test_a_source_at_another_rate_is_counted_at_its_own(edl_file: Write) -> None:
    shot = _only(edl_file(_event(1, "00:29-10:29", "00:00-10:00")), rate=Fraction(24))
    assert (shot.speed, shot.source_start_s) == (1, 3600 + Fraction(29, 30))
    assert "30 frames a second" in shot.notes[0]


# --- Names and notes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comment", "name", "media_ref"),
    [
        ("* FROM CLIP NAME:  a.mov", "a.mov", "a.mov"),
        ("FROM CLIP NAME: a.mov", "a.mov", "a.mov"),
        ("*FROM CLIP NAME: take\n*SOURCE FILE: A001_C002.mxf", "take", "A001_C002.mxf"),
        ("* FROM CLIP NAME: take\n* SOURCE FILE: (NULL)", "take", "take"),
        ("* FROM CLIP NAME: take\n* FROM CLIP: S:\\rushes\\a b.mov", "take", "S:\\rushes\\a b.mov"),
        ("* FROM FILE: /rushes/a.mov", "a.mov", "/rushes/a.mov"),
        ("* FROM CLIP NAME: sea.[0001-0100].exr", "sea.[0001-0100].exr", "sea.%04d.exr"),
        ("* ASC_SAT 1.0\n* AUDIO LEVEL AT 00:00:00:00 IS 0", "A001", "A001"),
    ],
)
def test_names_and_paths(edl_file: Write, comment: str, name: str, media_ref: str) -> None:
    shot = _only(edl_file(_event(1, "00:00-01:00", "00:00-01:00"), comment))
    assert (shot.name, shot.media_ref) == (name, media_ref)


def test_media_is_found_by_the_name_of_the_clip(edl_file: Write, tmp_path: Path) -> None:
    (tmp_path / "a.mov").write_bytes(b"picture")
    assert _only(edl_file(_event(1, "00:00-01:00", "00:00-01:00", name="a.mov"))).media == tmp_path / "a.mov"


def test_a_file_without_a_reel_names_no_media(edl_file: Write) -> None:
    shot = _only(edl_file(_event(1, "00:00-01:00", "00:00-01:00", reel="AX")))
    assert (shot.media_ref, shot.offline_reason) == ("", "offline: the edit names no media file")


def test_people_s_words_become_notes(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "00:00-02:00", "00:00-02:00", name="a.mov"),
        "* LOC: 01:00:00:12 RED     foley: gravel",
        "* LOC: 01:00:01:00 GREEN",
        "* LOC: 01:00:03:00 YELLOW  foley: door: slam",
        "* COMMENT: wet street",
        "* foley: keys",
        "* BLEND, DISSOLVE",
        _event(2, "00:00-02:00", "02:00-04:00", name="b.mov"),
    )
    first, second = read_edit(path, rate=Fraction(24)).shots
    assert first.notes == ("wet street", "foley: keys", "foley: gravel")
    assert second.notes == ("foley: door: slam",)


# --- The rate -------------------------------------------------------------------------------------------------------


def _found(path: Path) -> tuple[Fraction, bool, str]:
    edit = read_edit(path)
    assert "--rate" in edit.remarks[0]
    return edit.rate, edit.drop_frame, edit.remarks[0]


def test_lengths_that_agree_at_one_rate_only_give_the_rate(edl_file: Write) -> None:
    rate, drop_frame, why = _found(edl_file(AT_24))
    assert (rate, drop_frame) == (24, False)
    assert "lengths of 1 of 1 events agree" in why and "23.976" in why


@pytest.mark.parametrize(("highest", "rate"), [(20, 24), (24, 25), (29, 30), (49, 50), (59, 60)])
def test_else_the_highest_frame_number_does(edl_file: Write, highest: int, rate: int) -> None:
    code = f"{highest:02d}"
    found, _drop, why = _found(edl_file(f"001  A  V  C  00:00:01:00 00:00:02:{code} 01:00:01:00 01:00:02:{code}"))
    assert found == rate
    assert f"count to frame {highest}" in why


@pytest.mark.parametrize(("last", "rate"), [("29", NTSC_30), ("59", NTSC_60)])
@pytest.mark.parametrize(("head", "mark"), [("TITLE: t\nFCM: DROP FRAME\n", ":"), ("TITLE: t\n", ";")])
def test_drop_frame_exists_at_two_rates(edl_file: Write, head: str, mark: str, last: str, rate: Fraction) -> None:
    lines = (
        f"001  A  V  C  00:00:00:00 00:00:10:{last} 00:59:50:00 01:00:00{mark}{last}",
        f"002  A  V  C  00:00:10:00 01:00:10{mark}00 01:00:00{mark}{last} 02:00:00{mark}{last}",
    )
    edit = read_edit(edl_file(*(line.replace(":00 01", f"{mark}00 01") for line in lines), head=head))
    assert (edit.rate, edit.drop_frame) == (rate, True)
    # An hour of drop-frame timecode lacks 108 frame numbers at 29.97, twice as many at 59.94.
    assert edit.shots[1].record.count == 3600 * round(rate) - 108 * round(rate) // 30


def test_drop_frame_timecode_written_with_colons_is_still_drop_frame(edl_file: Write) -> None:
    line = "001  A  V  C  01:00:00:00 01:00:20:00 01:00:00:00 01:00:20:00"
    edit = read_edit(edl_file(line, head="FCM: DROP FRAME\n"))
    assert (edit.start_frame, edit.frame_count) == (107892, 600)


def test_round_speeds_tell_23_976_from_24(edl_file: Write) -> None:
    lines = (AT_24, _event(1, "00:00-04:00", "00:00-02:00"), "M2   A001   047.95   01:00:00:00")
    rate, _drop, why = _found(edl_file(*lines))
    assert rate == NTSC_24
    assert "round speeds" in why


@pytest.mark.parametrize("line", ["* FRAME RATE: 23.976", "* timeline 23.98 fps", "* FPS: 23.976"])
def test_a_rate_in_a_comment_counts(edl_file: Write, line: str) -> None:
    rate, _drop, why = _found(edl_file(AT_24, line))
    assert rate == NTSC_24
    assert "comment" in why


def test_the_speed_in_a_clip_name_is_no_rate(edl_file: Write) -> None:
    assert _found(edl_file(AT_24, "* FROM CLIP NAME: Z686 (25 FPS)"))[0] == 24


def test_one_mistyped_frame_does_not_change_the_rate_and_is_named(edl_file: Write) -> None:
    lines = [
        f"{index:03d}  A  V  C  01:00:00:13 01:00:01:11 01:00:{index:02d}:22 01:00:{index + 1:02d}:20"
        for index in range(1, 55)
    ]
    lines[7] = lines[7].replace("01:00:09:20", "01:00:09:50")
    with pytest.raises(UnreadableEditError, match=r"cut\.edl: event 008 on line 10 .*01:00:09:50"):
        read_edit(edl_file(*lines))


@pytest.mark.parametrize("rate", ["23.976", "23.98", "24000/1001"])
def test_the_rate_can_be_said(edl_file: Write, rate: str) -> None:
    edit = read_edit(edl_file(AT_24), rate=Fraction(rate))
    assert (edit.rate, edit.remarks) == (NTSC_24, ())


def test_a_rate_that_cannot_be_is_refused(edl_file: Write, fixture_timelines: Path) -> None:
    with pytest.raises(UnreadableEditError, match=r"drop-frame timecode, which runs at .* and not at 25"):
        read_edit(edl_file(AT_24, head="FCM: DROP FRAME\n"), rate=Fraction(25))
    with pytest.raises(UnreadableEditError, match=r"event 001 on line 3.*25 frames per second"):
        read_edit(edl_file("001  A  V  C  0:0:1:0 0:0:2:0 01:00:01:27 01:00:02:27"), rate=Fraction(25))
    with pytest.raises(UnsupportedEditError, match=r"golden\.otio says itself that it runs at 23\.976, not at 25"):
        read_edit(fixture_timelines / "golden.otio", rate=Fraction(25))
    assert read_edit(fixture_timelines / "golden.otio", rate=Fraction("23.98")).rate == NTSC_24
    with pytest.raises(UnsupportedEditError, match="frame rate"):
        read_edit(edl_file(AT_24), rate=Fraction(0))


# --- What files look like -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(edl_file: Write, encoding: str, end: str) -> None:
    line = _event(1, "00:00-01:00", "00:00-01:00", name="café.mov")
    edit = read_edit(edl_file(line, encoding=encoding, end=end))
    assert _seen(edit) == [("café.mov", 0, 24)]


def test_the_content_counts_not_the_suffix(edl_file: Write) -> None:
    assert read_edit(edl_file(AT_24, name="cut.txt", head="")).format == "edl"


def test_unknown_lines_are_passed_over(edl_file: Write) -> None:
    path = edl_file(
        "EDL-X 1.2",
        ">>> SOURCE",
        "A001  a.mov  => /rushes/a.mov  01:00:00:00 01:00:10:00",
        _event(1, "00:00-01:00", "00:00-01:00", name="a.mov"),
        "AUD  3  4",
        "EFFECTS NAME IS CROSS DISSOLVE",
        "* ???",
        head="",
    )
    edit = read_edit(path, rate=Fraction(24))
    assert (_seen(edit), edit.remarks) == ([("a.mov", 0, 24)], ())


def test_a_line_that_might_be_an_event_is_not_lost_silently(edl_file: Write) -> None:
    path = edl_file(_event(1, "00:00-01:00", "00:00-01:00"), "002  B  V  C  01:00:xx:00 01:00:01:00 01:00:01:00 1:2:3")
    assert "line 4 is no event" in read_edit(path).remarks[1]


def test_a_source_that_cannot_be_read_is_listed(edl_file: Write) -> None:
    path = edl_file(
        _event(1, "00:00-01:00", "00:00-01:00"),
        _event(2, "00:90-01:90", "01:00-02:00", reel="B001"),
        _event(3, "09:00-01:00", "02:00-03:00", reel="C001"),
    )
    skipped = {item.name: item.reason for item in read_edit(path, rate=Fraction(24)).skipped}
    assert skipped == {
        "B001": "its source times cannot be read (event 002 on line 4)",
        "C001": "its source times cannot be read (event 003 on line 5)",
    }


def test_a_record_that_ends_before_it_begins_is_refused(edl_file: Write) -> None:
    with pytest.raises(UnreadableEditError, match=r"event 001 on line 3 is recorded out at 01:00:01:00"):
        read_edit(edl_file(_event(1, "00:00-01:00", "02:00-01:00")))


def test_the_markers_of_resolve_are_no_edit(edl_file: Write) -> None:
    lines = ("001  001  V  C  01:00:00:00 01:00:00:01 01:00:00:00 01:00:00:01", " |C:ResolveColorBlue |M:Marker 1 |D:1")
    with pytest.raises(UnsupportedEditError, match=r"markers of a Resolve timeline.*export the timeline itself"):
        read_edit(edl_file(*lines))


def test_lists_without_picture_or_events(edl_file: Write) -> None:
    with pytest.raises(EmptyEditError, match="no picture track"):
        read_edit(edl_file(_event(1, "00:00-01:00", "00:00-01:00", channels="A")))
    with pytest.raises(EmptyEditError, match="hold no clip"):
        read_edit(edl_file(_event(1, "00:00-01:00", "00:00-01:00", reel="BL")))
    with pytest.raises(UnreadableEditError, match="without an event"):
        read_edit(edl_file("* nothing"))


def test_several_lists_in_one_file_are_named(edl_file: Write) -> None:
    event = _event(1, "00:00-01:00", "00:00-01:00")
    path = edl_file(event, "TITLE: other", event.replace("A001", "B001"))
    with pytest.raises(UnsupportedEditError, match="'cut', 'other'"):
        read_edit(path)
    assert read_edit(path, sequence="other").shots[0].name == "B001"


def test_nothing_can_be_laid_into_a_list(edl_file: Write, tmp_path: Path) -> None:
    with pytest.raises(LayingError, match="companion"):
        lay_tracks(read_edit(edl_file(AT_24)), (), tmp_path / "out.edl")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
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
