"""Edit decision lists: the rate that nothing states, found or said."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from tests.support.edl import AT_24, event, written
from timeline_io.errors import UnreadableEditError, UnsupportedEditError
from timeline_io.read import read_edit

Write = Callable[..., Path]
# 5 s - 19 frames = 4 s + 11 frames: only at 30.
AT_30 = "900  TAIL  V  C  01:00:14:17 01:00:18:28 02:00:02:19 02:00:07:00"
NTSC_24, NTSC_30, NTSC_60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)


@pytest.fixture
def edl_file(tmp_path: Path) -> Write:
    return partial(written, tmp_path)


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


@pytest.mark.parametrize("last", ["29", "15"])
def test_a_source_that_drops_frames_tells_29_97_from_30(edl_file: Write, last: str) -> None:
    lines = (
        f"001  A  V  C  01:00:10:00 01:00:20:{last} 01:00:00:00 01:00:10:{last}",
        "FCM: DROP FRAME",
        f"002  B  V  C  01:00:10:00 01:00:20:{last} 01:00:10:{last} 01:00:21:00",
        f"003  C  V  C  01:00:10:00 01:00:20:{last} 01:00:21:00 01:00:31:{last}",
    )
    rate, drops, why = _found(edl_file(*lines, AT_30))
    assert (rate, drops) == (NTSC_30, False)
    assert "source drops frames" in why


@pytest.mark.parametrize("head", ["FCM: DROP FRAME\n", "FCM: NON-DROP FRAME\n* FPS: 60\nFCM: DROP FRAME\n"])
@pytest.mark.parametrize("said", [30, 60])
def test_a_rate_that_is_written_in_whole_frames_is_that_of_timecode_that_drops_them(
    edl_file: Write, head: str, said: int
) -> None:
    line = "001  A  V  C  01:00:00:00 01:00:20:00 01:00:00:00 01:00:20:00"
    assert _found(edl_file(f"* FPS: {said}", line, head=head.replace("60", str(said))))[0] == Fraction(
        said * 1000, 1001
    )


@pytest.mark.parametrize(("said", "rate"), [(30, NTSC_30), (60, NTSC_60)])
def test_a_list_that_drops_frames_counts_30_and_runs_at_29_97(edl_file: Write, said: int, rate: Fraction) -> None:
    path = edl_file("001  A  V  C  01:00:00:00 01:00:20:00 01:00:00:00 01:00:20:00", head="FCM: DROP FRAME\n")
    edit = read_edit(path, rate=Fraction(said))
    assert (edit.rate, edit.drop_frame) == (rate, True)
    assert "drop-frame timecode" in edit.remarks[0]


def test_round_speeds_tell_23_976_from_24(edl_file: Write) -> None:
    lines = (AT_24, event(1, "00:00-04:00", "00:00-02:00"), "M2   A001   047.95   01:00:00:00")
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


def test_a_source_that_drops_frames_decides_where_all_rates_agree(edl_file: Write) -> None:
    lines = ["001  A  V  C  10:00:00:00 10:00:04:00 01:00:00:00 01:00:04:00", "FCM: DROP FRAME"]
    lines.append("002  B  V  C  10:10:00:00 10:10:04:00 01:00:04:00 01:00:08:00")
    rate, drop_frame, why = _found(edl_file(*lines))
    assert (rate, drop_frame) == (NTSC_30, False)
    assert "the timecode of a source drops frames" in why
