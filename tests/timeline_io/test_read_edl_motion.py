"""Edit decision lists: M2 lines say frames of media a second, and which speed that is depends on the media's rate."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from tests.support.edl import written
from timeline_io.edit import Edit, Shot
from timeline_io.read import read_edit

Write = Callable[..., Path]
NTSC_24, NTSC_30, NTSC_60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)


@pytest.fixture
def edl_file(tmp_path: Path) -> Write:
    return partial(written, tmp_path)


def _moving(write: Write, rate: Fraction | int, fps: str, source: str, record: str) -> Edit:
    """A list with one event of an M2 line; source and record are `seconds:frames-seconds:frames`."""
    codes = " ".join(f"01:00:{code}" for span in (source, record) for code in span.split("-"))
    line = f"001  CAM  V  C  {codes}"
    return read_edit(write(line, f"M2   CAM   {fps}   01:00:00:00"), rate=Fraction(rate))


def _shot(edit: Edit) -> Shot:
    (shot,) = edit.shots
    return shot


@pytest.mark.parametrize(
    ("rate", "fps"),
    [
        (30, "024.0"),
        (NTSC_30, "024.0"),
        (NTSC_30, "023.98"),
        (NTSC_30, "025.0"),
        (60, "025.0"),
        (NTSC_60, "024.0"),
        (NTSC_60, "048.0"),
        (24, "030.0"),
        (NTSC_24, "030.0"),
        (NTSC_24, "029.97"),
        (25, "020.0"),
    ],
)
def test_a_line_that_restates_the_rate_of_its_media_is_no_retime(edl_file: Write, rate: Fraction, fps: str) -> None:
    edit = _moving(edl_file, rate, fps, "10:00-18:00", "00:00-08:00")
    motion = _shot(edit).motion
    assert motion is not None and (_shot(edit).speed, motion.fps) == (1, Fraction(fps))
    assert f"the event on line 3: M2 {fps} was taken as the rate of its media" in edit.remarks[0]
    assert "no retime" in _shot(edit).notes[0]


def test_media_at_its_own_rate_may_run_backwards(edl_file: Write) -> None:
    shot = _shot(_moving(edl_file, 30, "-024.0", "10:00-18:00", "00:00-08:00"))
    assert (shot.speed, shot.source_start_s) == (-1, 3618)


def test_source_and_record_may_be_equally_long_in_the_count_of_the_media(edl_file: Write) -> None:
    shot = _shot(_moving(edl_file, 30, "024.0", "10:12-12:00", "00:00-01:15"))
    assert (shot.speed, shot.source_start_s) == (1, Fraction(3600 + 10) + Fraction(12, 24))


@pytest.mark.parametrize(
    ("rate", "fps", "source", "expected"),
    [
        # Not the rate of a camera.
        (30, "012.0", "10:00-18:00", Fraction(2, 5)),
        (30, "015.0", "10:00-18:00", Fraction(1, 2)),
        (24, "025.0", "10:00-18:00", Fraction(26, 25)),
        (60, "030.0", "10:00-18:00", Fraction(1, 2)),
        # The source is not as long as the record.
        (30, "024.0", "10:00-11:00", Fraction(4, 5)),
    ],
)
def test_any_other_speed_is_believed_before_a_source_that_was_not_measured(
    edl_file: Write, rate: int, fps: str, source: str, expected: Fraction
) -> None:
    edit = _moving(edl_file, rate, fps, source, "00:00-08:00")
    assert _shot(edit).speed == expected
    assert f"M2 {fps} was taken as speed {float(expected):.4g}, though its source range differs" in edit.remarks[0]


@pytest.mark.parametrize(
    ("rate", "fps", "source"),
    [
        (30, "024.0", "10:00-16:12"),
        (30, "060.0", "10:00-26:00"),
        (30, "030.0", "10:00-18:00"),
        (24, "000.0", "1:0-1:1"),
    ],
)
def test_a_speed_that_the_source_range_shows_needs_no_remark(edl_file: Write, rate: int, fps: str, source: str) -> None:
    edit = _moving(edl_file, rate, fps, source, "00:00-08:00")
    assert _shot(edit).speed == Fraction(fps) / rate
    assert (edit.remarks, _shot(edit).notes) == ((), ())


@pytest.mark.parametrize(
    ("fps", "source", "speed"),
    [
        ("024.0", "10:00-18:00", Fraction(1)),
        ("012.0", "10:00-14:00", Fraction(1, 2)),
        ("-048.0", "10:00-26:00", Fraction(-2)),
        ("015.0", "10:00-14:00", Fraction(1, 2)),
    ],
)
def test_one_cut_reads_the_same_from_a_list_at_30_and_one_at_60(
    edl_file: Write, fps: str, source: str, speed: Fraction
) -> None:
    for rate in (NTSC_30, NTSC_60):
        shot = _shot(_moving(edl_file, rate, fps, source, "00:00-08:00"))
        assert (shot.speed, shot.record.duration_s) == (speed, Fraction(8) * round(rate) / rate)


@pytest.mark.parametrize(("frames", "source_frames", "expected"), [(4, 4, 1), (4, 3, Fraction(4, 5)), (1, 1, 1)])
def test_a_short_event_goes_by_the_nearer_length(
    edl_file: Write, frames: int, source_frames: int, expected: Fraction
) -> None:
    edit = _moving(edl_file, 30, "024.0", f"10:00-10:{source_frames:02d}", f"00:00-00:{frames:02d}")
    assert _shot(edit).speed == expected


def test_many_events_taken_alike_make_one_remark(edl_file: Write) -> None:
    lines = []
    for number in range(8):
        lines.append(f"{number + 1:03d}  CAM{number}  V  C  01:00:10:00 01:00:12:00 01:00:{2 * number:02d}:00 "
                     f"01:00:{2 * number + 2:02d}:00")  # fmt: skip
        lines.append(f"M2   CAM{number}   024.0   01:00:10:00")
    (remark,) = read_edit(edl_file(*lines), rate=Fraction(30)).remarks
    assert remark.startswith("the events on lines 3, 5, 7, 9, 11 and 3 more: M2 024.0")


@pytest.mark.parametrize("written", ["- 25.0   01:00:10:00", "-25.0", "-25   01:00:10:00", "-25.   01:00:10:00"])
def test_a_motion_is_read_however_its_sign_and_timecode_are_written(edl_file: Write, written: str) -> None:
    line = "001  CAM  V  C  01:00:10:00 01:00:14:00 01:00:00:00 01:00:04:00"
    edit = read_edit(edl_file(line, f"M2\tCAM\t{written}"), rate=Fraction(25))
    assert (_shot(edit).speed, _shot(edit).source_start_s) == (-1, 3614)


def test_a_motion_that_cannot_be_read_is_told(edl_file: Write) -> None:
    line = "001  CAM  V  C  01:00:10:00 01:00:14:00 01:00:00:00 01:00:04:00"
    edit = read_edit(edl_file(line, "M2   CAM   -25,0   01:00:10:00"), rate=Fraction(25))
    assert _shot(edit).speed == 1
    assert edit.remarks == (
        "line 4 is no motion effect that can be read and was left out: M2   CAM   -25,0   01:00:10:00",
    )


@pytest.mark.parametrize("source", ["23:59:59:00 00:00:01:00", "00:00:01:00 23:59:59:00"])
def test_what_is_played_backwards_over_midnight_begins_at_its_far_edge(edl_file: Write, source: str) -> None:
    line = f"001  CAM  V  C  {source} 01:00:00:00 01:00:02:00"
    edit = read_edit(edl_file(line, f"M2  CAM  -025.0  {source[:11]}"), rate=Fraction(25))
    assert (_shot(edit).speed, _shot(edit).source_start_s, edit.remarks) == (-1, 24 * 3600 + 1, ())
