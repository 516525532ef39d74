"""Where a shot begins in its media, whoever is right about the timecode."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from flows.errors import OutsideMediaError
from flows.planning.anchor import PlacedBy, Placement, anchored
from pipeline.probe import MovieInfo
from timeline_io.edit import Shot
from timeline_io.frames import FrameSpan

HOUR_S = Fraction(3600)
SHOT = Shot(
    shot_id="sh0010",
    name="a",
    media=Path("/a.mov"),
    media_ref="/a.mov",
    record=FrameSpan(first=0, count=50, rate=Fraction(25)),
    source_start_s=Fraction(5),
    speed=Fraction(1),
    source_timecode_s=HOUR_S + 5,
)
MOVIE = MovieInfo(
    path=Path("/a.mov"),
    digest="0",
    duration_s=Fraction(10),
    rate=Fraction(25),
    width=1,
    height=1,
    has_audio=False,
    is_procedural_scene=False,
    start_timecode="01:00:00:00",
)


def test_an_edit_whose_numbers_fit_is_believed() -> None:
    assert anchored(SHOT, replace(MOVIE, start_timecode="00:59:59:00")) == Placement(shot=SHOT, placed_by=PlacedBy.EDIT)


@pytest.mark.parametrize("believed", [HOUR_S + 5, HOUR_S + 5 - 10, Fraction(-30), Fraction(9)])
def test_the_media_s_timecode_decides_where_the_edit_is_wrong(believed: Fraction) -> None:
    placed = anchored(replace(SHOT, source_start_s=believed), MOVIE)
    assert (placed.shot.source_start_s, placed.placed_by) == (5, PlacedBy.TIMECODE)
    assert "timecode of a.mov" in placed.remark


def test_without_a_timecode_the_source_time_counts_from_the_start_of_the_file() -> None:
    shot = replace(SHOT, source_start_s=Fraction(-3600), source_timecode_s=Fraction(5))
    assert anchored(shot, replace(MOVIE, start_timecode=None)).shot.source_start_s == 5


def test_a_time_behind_the_end_may_be_the_timecode_that_nothing_in_the_edit_tells() -> None:
    shot = replace(SHOT, source_start_s=HOUR_S + 5, source_timecode_s=None)
    placed = anchored(shot, MOVIE)
    assert (placed.shot.source_start_s, placed.placed_by) == (5, PlacedBy.TIMECODE)
    assert "timecode of a.mov" in placed.remark
    for start in (None, "02:00:00:00"):
        with pytest.raises(OutsideMediaError, match=r"asks for 3605\.00 s"):
            anchored(shot, replace(MOVIE, start_timecode=start))
    # What begins inside, or before the first picture, is no timecode.
    for inside in (Fraction(9), Fraction(-1)):
        placed = anchored(replace(shot, source_start_s=inside), replace(MOVIE, start_timecode="00:00:05:00"))
        assert (placed.shot.source_start_s, placed.placed_by) == (inside, PlacedBy.EDIT)


def test_an_edit_that_never_knows_the_start_asks_the_media_first() -> None:
    """Five seconds would fit the file as well: an edit decision list counts in timecode all the same."""
    shot = replace(SHOT, source_timecode_s=Fraction(5), start_unknown=True)
    placed = anchored(shot, replace(MOVIE, start_timecode="00:00:03:00"))
    assert (placed.shot.source_start_s, placed.remark) == (2, "")


def test_drop_frame_timecode_is_real_time() -> None:
    rate = Fraction(30000, 1001)
    start_s = Fraction(107892) / rate
    shot = replace(SHOT, source_start_s=Fraction(999), source_timecode_s=start_s + 5)
    assert anchored(shot, replace(MOVIE, rate=rate, start_timecode="01:00:00;00")).shot.source_start_s == 5


def test_a_reversed_shot_reaches_back_from_where_it_begins() -> None:
    shot = replace(SHOT, speed=Fraction(-1), source_start_s=Fraction(1), source_timecode_s=HOUR_S + 9)
    assert anchored(shot, MOVIE).shot.source_start_s == 9


def test_a_ramp_moves_as_a_whole() -> None:
    ramp = ((Fraction(0), HOUR_S), (Fraction(1), HOUR_S + 1), (Fraction(2), HOUR_S + 4))
    shot = replace(SHOT, source_start_s=HOUR_S, source_timecode_s=HOUR_S, ramp=ramp)
    assert anchored(shot, MOVIE).shot.ramp == ((0, 0), (1, 1), (2, 4))


def test_a_shot_longer_than_its_media_keeps_its_place_and_says_so() -> None:
    shot = replace(SHOT, source_start_s=Fraction(9), source_timecode_s=None)
    placed = anchored(shot, MOVIE)
    assert placed.shot == shot
    assert "10.00 s" in placed.remark


def test_one_frame_too_many_is_rounding_not_an_error() -> None:
    shot = replace(SHOT, source_start_s=Fraction(8) + Fraction(1, 50))
    assert anchored(shot, MOVIE) == Placement(shot=shot, placed_by=PlacedBy.EDIT)
