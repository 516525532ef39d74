"""Inputs that were once misread, with the right answers. They lie beside the project and are no part of it."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from plugin.cli import exit_code_of
from tests.support.timecode_tracks import counted_movie
from timeline_io.cue_sheet import read_cues
from timeline_io.read import read_edit

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"the inputs in {CASES} are not part of the project")


def shots_of(capsys: pytest.CaptureFixture[str], name: str, *more: str) -> dict[str, Any]:
    """What `foley shots --json` tells of a case."""
    if not (CASES / name).exists():
        pytest.skip(f"{CASES / name} is not here")
    assert exit_code_of(["shots", str(CASES / name), "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "rate", "frames"),
    [
        ("vfr_movie_cuts/screen.mp4", "60", [(0, 120), (120, 120), (240, 60), (300, 60)]),
        ("movie_cuts_offset/old.avi", "25", [(0, 50), (50, 50), (100, 50)]),
        ("two_video_tracks/motion.mp4", "30", [(0, 150)]),
        ("two_video_tracks/motion.mkv", "30", [(0, 150)]),
    ],
)
def test_a_movie_alone(name: str, rate: str, frames: list[tuple[int, int]], capsys: pytest.CaptureFixture[str]) -> None:
    found = shots_of(capsys, name)
    assert found["rate"] == rate
    assert [(shot["first_frame"], shot["frames"]) for shot in found["shots"]] == frames


@pytest.mark.parametrize(
    ("name", "more", "frames"),
    [
        ("vfr_phone_tc/vfr.edl", (), [("phone.mov", 60), ("phone.mov", 175)]),
        ("midnight/night.edl", (), [("night.mov", 25), ("night.mov", 75), ("night.mov", 175)]),
        ("midnight/night.otio", (), [("night.mov", 25), ("night.mov", 75), ("night.mov", 75)]),
        ("two_video_tracks/motion.otio", (), [("motion.mp4", 30), ("motion.mkv", 30), ("second.mp4", 30)]),
        ("fcp7_mixed_rate/mixed.xml", (), [("cam25.mov", 50), ("cam25.mov", 125)]),
        ("same_name_tc/ab.edl", ("same_name_tc/cards",), [("A/C0001.MOV", 25), ("B/C0001.MOV", 25)]),
        ("same_name_tc/a_only.edl", ("same_name_tc/cards",), [("A/C0001.MOV", 25)]),
    ],
)
def test_where_in_its_media_a_shot_begins(
    name: str, more: tuple[str, ...], frames: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    roots = [word for root in more for word in ("--media-root", str(CASES / root))]
    shots = shots_of(capsys, name, *roots)["shots"]
    assert [shot["media_frame"] for shot in shots] == [frame for _media, frame in frames]
    assert all(shot["media"].endswith(media) for shot, (media, _frame) in zip(shots, frames, strict=True))


def test_a_long_file_over_midnight(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file itself is too large to lie there."""
    if not (CASES / "midnight" / "long.edl").exists():
        pytest.skip(f"{CASES / 'midnight/long.edl'} is not here")
    counted_movie(tmp_path / "long.mov", rate=Fraction(1), count=1200, first=85_800 * 25, counted=Fraction(25))
    (shot,) = shots_of(capsys, "midnight/long.edl", "--media-root", str(tmp_path))["shots"]
    assert (shot["media_start_s"], shot["placed_by"]) == (900, "timecode of the file")


@pytest.mark.parametrize(
    ("name", "at", "first"), [("ndf2997.xml", "01:00:00:00", 108_000), ("df5994.xml", "01:00:00;00", 215_784)]
)
def test_how_premiere_counts(name: str, at: str, first: int, capsys: pytest.CaptureFixture[str]) -> None:
    (shot,) = shots_of(capsys, f"premiere_df_mess/{name}")["shots"]
    assert (shot["at"], shot["first_frame"]) == (at, first)


def test_a_sheet_in_the_time_that_premiere_shows_is_read() -> None:
    folder = CASES / "premiere_df_mess"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    (cue,) = read_cues(folder / "sheet.csv", read_edit(folder / "ndf2997.xml"))
    assert cue.spans is not None
    assert [(span.first, span.count) for span in cue.spans] == [(108_010, 20)]
