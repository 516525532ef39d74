"""Exact time against exact rationals."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline_io.frames import (
    Counting,
    FrameSpan,
    frame_at,
    frame_at_timecode,
    frames_of_day,
    sample_at,
    snap_rate,
    timecode,
)

SPELLINGS: dict[Fraction, list[float | str | Fraction]] = {
    Fraction(24000, 1001): [23.976, "23.976", 23.98, "23.98", 23.976024627685547, "24000/1001", Fraction(24000, 1001)],
    Fraction(24): [24, 24.0, "24"],
    Fraction(25): [25, "25.0", "25/1"],
    Fraction(30000, 1001): [29.97, "29.97", 29.97002997, "30000/1001"],
    Fraction(30): [30, "30"],
    Fraction(50): [50.0, "50"],
    Fraction(60000, 1001): [59.94, "59.94", "60000/1001", 59.94005994],
    Fraction(120000, 1001): [119.88, "119.88"],
    Fraction(15000, 1001): [14.985],
    Fraction(12000, 1001): [11.988],
    Fraction(15): [15],
    Fraction(8): [8],
    Fraction(25, 2): [12.5],
}
RATES = list(SPELLINGS)
TWO_HOURS_S = 7200


@pytest.mark.parametrize(("exact", "spelling"), [(rate, text) for rate, texts in SPELLINGS.items() for text in texts])
def test_every_spelling_of_a_rate_means_the_same(exact: Fraction, spelling: float | str | Fraction) -> None:
    assert snap_rate(spelling) == exact


@pytest.mark.parametrize("nonsense", [0, -24, "", "24fps", "1e999999999", "nan", float("nan"), float("inf"), "24/0"])
def test_what_is_no_rate_is_refused(nonsense: float | str) -> None:
    with pytest.raises(ValueError, match="not a frame rate"):
        snap_rate(nonsense)


@given(rate=st.fractions(min_value=Fraction(1, 1000), max_value=1000))
def test_a_rate_is_never_zero_and_snapping_is_done_once(rate: Fraction) -> None:
    once = snap_rate(rate)
    assert once > 0
    assert snap_rate(once) == once


@given(
    spelling=st.sampled_from([(rate, text) for rate, texts in SPELLINGS.items() for text in texts]),
    cuts=st.lists(st.integers(0, TWO_HOURS_S * 24), min_size=2, max_size=40, unique=True),
)
def test_neighbours_tile_without_drift_for_two_hours(
    spelling: tuple[Fraction, float | str | Fraction], cuts: list[int]
) -> None:
    exact, rate = spelling[0], snap_rate(spelling[1])
    edges = sorted(cuts)
    spans = [FrameSpan(first=a, count=b - a, rate=rate) for a, b in pairwise(edges)]
    reached = spans[0].samples(48000)[0]
    for span in spans:
        begin, count = span.samples(48000)
        assert begin == reached
        assert abs(begin - Fraction(span.first) * 48000 / exact) <= Fraction(1, 2)
        reached = begin + count
    assert reached == sample_at(edges[-1], exact, 48000)


@given(frame=st.integers(-(10**6), 10**7), rate=st.sampled_from(RATES))
def test_a_frame_is_found_again_from_its_time(frame: int, rate: Fraction) -> None:
    assert frame_at(Fraction(frame) / rate, rate) == frame


@pytest.mark.parametrize(
    ("text", "rate", "frame"),
    [
        ("01:00:00:00", Fraction(24), 86400),
        ("01:00:00:00", Fraction(24000, 1001), 86400),
        ("01:00:00;00", Fraction(30000, 1001), 107892),
        ("01:00:00;00", Fraction(60000, 1001), 215784),
        ("00:04:43;15", Fraction(30000, 1001), 8497),
        ("00:01:00;02", Fraction(30000, 1001), 1800),
        ("10:00:00:00", Fraction(25), 900000),
    ],
)
def test_timecodes_count_the_frames_they_should(text: str, rate: Fraction, frame: int) -> None:
    assert frame_at_timecode(text, rate) == frame
    assert timecode(frame, rate, drop_frame=";" in text) == text


@given(frame=st.integers(0, 24 * 3600 * 29), drop=st.booleans())
def test_a_timecode_reads_back_as_its_frame(frame: int, drop: bool) -> None:
    rate = Fraction(30000, 1001)
    assert frame_at_timecode(timecode(frame, rate, drop), rate) == frame


@pytest.mark.parametrize("nonsense", ["", "soon", "01:00:00", "01:61:00:00", "01:00:00:24"])
def test_what_is_no_timecode_is_refused(nonsense: str) -> None:
    with pytest.raises(ValueError, match="timecode"):
        frame_at_timecode(nonsense, Fraction(24))


@given(frame=st.integers(0, 24 * 3600 * 60), drop=st.booleans(), rate=st.sampled_from(["24", "29.97", "30", "59.94"]))
def test_a_time_is_that_of_the_number_written_for_it(frame: int, drop: bool, rate: str) -> None:
    counting = Counting(rate=snap_rate(rate), drop_frame=drop)
    time_s = frame / counting.rate
    number = counting.numbered(time_s)
    assert counting.time_s(number) == time_s
    assert timecode(int(number), counting.rate) == timecode(frame, counting.rate, drop).replace(";", ":")


@pytest.mark.parametrize(
    ("rate", "drop", "frames"),
    [("29.97", True, 2_589_408), ("29.97", False, 2_592_000), ("59.94", True, 5_178_816), ("24", True, 2_073_600)],
)
def test_a_day_of_timecode(rate: str, drop: bool, frames: int) -> None:
    assert frames_of_day(snap_rate(rate), drop) == frames
