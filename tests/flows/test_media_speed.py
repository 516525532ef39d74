"""Frames of media a second are a speed by the media's own rate, whatever the list they stand in."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from flows.options import PassOptions
from flows.planning.reading import read_for
from flows.shot_job import ShotJob, job_for
from pipeline.probe import MovieInfo
from tests.support.edl import event, written
from tests.support.movies import grey_movie
from timeline_io.edit import Shot
from timeline_io.frames import FrameSpan
from timeline_io.motion import Motion
from timeline_io.read import read_edit

SHOT = Shot(
    shot_id="sh0010",
    name="a",
    media=Path("/a.mov"),
    media_ref="/a.mov",
    record=FrameSpan(first=0, count=30, rate=Fraction(30)),
    source_start_s=Fraction(5),
    speed=Fraction(1),
    source_timecode_s=Fraction(3605),
    start_unknown=True,
)
MOVIE = MovieInfo(
    path=Path("/a.mov"),
    digest="0",
    duration_s=Fraction(10),
    rate=Fraction(24),
    width=1,
    height=1,
    has_audio=False,
    is_procedural_scene=False,
    start_timecode="01:00:00:00",
)


def _job(shot: Shot, rate: Fraction | int = 24) -> ShotJob:
    return job_for(shot, replace(MOVIE, rate=Fraction(rate)), handles=0, given=None, seed=1)


@pytest.mark.parametrize(
    ("said", "rate", "speed"),
    [
        (Fraction(24), Fraction(24), 1),
        (Fraction(24), Fraction(24000, 1001), 1),
        (Fraction(24), Fraction(30), Fraction(4, 5)),
        (Fraction(-48), Fraction(24), -2),
        (Fraction(60), Fraction(60000, 1001), 1),
        (Fraction("29.97"), Fraction(60000, 1001), Fraction(1, 2)),
    ],
)
@pytest.mark.parametrize("thought", [Fraction(1), Fraction(4, 5)])
@pytest.mark.parametrize("listed", [24, 30, 60])
def test_the_rate_of_the_media_decides(
    said: Fraction, rate: Fraction, speed: Fraction, thought: Fraction, listed: int
) -> None:
    record = FrameSpan(first=0, count=listed, rate=Fraction(listed))
    job = _job(replace(SHOT, motion=Motion(fps=said, line=3), speed=thought, record=record), rate)
    assert (job.span.speed, job.shot.speed) == (speed, speed)
    assert ("frames a second of a.mov" in job.remark) == (speed != thought)


def test_without_frames_a_second_the_speed_of_the_edit_stays() -> None:
    job = _job(replace(SHOT, speed=Fraction(1, 2)), 60)
    assert (job.span.speed, job.remark) == (Fraction(1, 2), "")


def test_the_range_is_placed_at_the_speed_of_the_media() -> None:
    """Eight seconds at twice the speed are more than the ten that the file has."""
    record = FrameSpan(first=0, count=240, rate=Fraction(30))
    shot = replace(SHOT, motion=Motion(fps=Fraction(48), line=3), record=record)
    assert "the edit asks for more of a.mov" in _job(shot).remark


@pytest.mark.parametrize("listed", [Fraction(24), Fraction(30000, 1001), Fraction(60000, 1001)])
@pytest.mark.parametrize(("fps", "speed"), [("024.0", 1), ("012.0", Fraction(1, 2)), ("030.0", Fraction(5, 4))])
def test_a_list_is_read_by_the_rate_of_the_media_it_finds(
    tmp_path: Path, listed: Fraction, fps: str, speed: Fraction
) -> None:
    grey_movie(tmp_path / "cam.mov", rate=Fraction(24), count=96)
    event_lines = event(1, "00:00-01:00", "00:00-01:00", reel="CAM", name="cam.mov")
    first, name = event_lines.replace("01:00:00:00 01:00:01:00", "00:00:00:00 00:00:01:00", 1).split("\n")
    path = written(tmp_path, first, f"M2   CAM   {fps}   00:00:00:00", name)
    options = PassOptions(rate=str(listed), store=tmp_path / "store")
    edit = read_for(path, options)
    assert [shot.speed for shot in edit.shots] == [speed]
    (offline,) = read_edit(path, rate=listed).shots
    told = [remark for remark in edit.remarks if "frames a second of cam.mov, which has 24" in remark]
    assert len(told) == (offline.speed != speed)


MOVING = "M2   {}   024.0   01:00:00:00"


def test_of_two_remarks_only_the_one_that_media_makes_remains(tmp_path: Path) -> None:
    """What the list alone let one think stays for the events whose media is not at hand, or says the same."""
    grey_movie(tmp_path / "fast.mov", rate=Fraction(30), count=90)
    grey_movie(tmp_path / "film.mov", rate=Fraction(24), count=72)
    names = ("FAST", "FILM", "LOST")
    lines = [
        line
        for number, name in enumerate(names)
        for line in (
            event(number + 1, "00:00-01:00", f"{number:02d}:00-{number + 1:02d}:00", reel=name).split("\n")[0],
            MOVING.format(name),
            f"* FROM CLIP NAME: {name.lower()}.mov",
        )
    ]
    path = written(tmp_path, *lines)
    (thought,) = read_edit(path, rate=Fraction(30)).remarks
    edit = read_for(path, PassOptions(rate="30", store=tmp_path / "store"))
    left, corrected = edit.remarks
    assert thought.startswith("the events on lines 3, 6, 9: M2 024.0 was taken as the rate of its media")
    assert left == thought.replace("lines 3, 6, 9", "lines 6, 9")
    assert corrected == "24 frames a second of fast.mov, which has 30, are speed 0.8"
    assert [(shot.speed, len(shot.notes)) for shot in edit.shots] == [(Fraction(4, 5), 0), (1, 1), (1, 1)]


def test_a_cut_between_two_motions_is_kept_for_the_media_to_tell_them_apart(tmp_path: Path) -> None:
    """Both run at normal speed by the list at 30; of media at 24 the first is a retime."""
    grey_movie(tmp_path / "cam.mov", rate=Fraction(24), count=96)
    first, second = (event(1 + at, f"{at:02d}:00-{at + 1:02d}:00", f"{at:02d}:00-{at + 1:02d}:00") for at in (0, 1))
    name = "* FROM CLIP NAME: cam.mov"
    path = written(tmp_path, first, "M2   A001   030.0   01:00:00:00", name, second, name)
    edit = read_for(path, PassOptions(rate="30", store=tmp_path / "store"))
    assert [shot.speed for shot in edit.shots] == [Fraction(5, 4), 1]
