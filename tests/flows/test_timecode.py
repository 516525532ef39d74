"""The timecode of a file counts by itself, and says where in the file a list's source times lie."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from flows.options import PassOptions
from flows.planning.media_places import MediaPlace, media_places
from flows.planning.movie_edit import read_movie
from flows.planning.reading import read_for
from flows.records import ShotState
from flows.run import run_pass
from tests.support.movies import grey_movie
from tests.support.timecode_tracks import counted_movie
from timeline_io.frames import timecode

NTSC, FILM = Fraction(30000, 1001), Fraction(24000, 1001)
DAY = 2_589_408  # frames of 24 hours at 29.97 when dropping


def listed(folder: Path, *sources: str, drop: bool = False, marked: bool = True, name: str = "a.mov") -> Path:
    """A list of one-second events with these source times ("in-out")."""
    mark = ";" if drop and marked else ":"
    lines = [f"TITLE: cut\nFCM: {'DROP FRAME' if drop else 'NON-DROP FRAME'}"]
    for index, source in enumerate(sources):
        record = [f"01:00:{at:02d}{mark}00" for at in (index, index + 1)]
        lines.append(f"{index + 1:03d}  AX  V  C  {source.replace('-', ' ')} {' '.join(record)}")
        lines.append(f"* FROM CLIP NAME: {name}")
    path = folder / "cut.edl"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def places_in(edit: Path, rate: str | None = None) -> list[MediaPlace]:
    return list(media_places(read_for(edit, PassOptions(rate=rate)).shots))


@pytest.mark.parametrize(
    ("picture", "counted", "drop", "first", "rate", "source", "expected_s"),
    [
        pytest.param("50", "25", False, 900_000, "25", "10:00:02:00-10:00:03:00", "2", id="50 counted at 25"),
        pytest.param("50", "25", False, 900_000, "50", "10:00:02:10-10:00:03:10", "2.2", id="50 counted at 25, 50"),
        pytest.param("50", "50", False, 1_800_000, "25", "10:00:02:10-10:00:03:10", "2.4", id="50 counted at 50"),
        pytest.param("24", "24", True, 86_400, "24", "01:00:02:00-01:00:03:00", "2", id="24 said to drop"),
        pytest.param("30", "30", True, 107_892, "29.97", "01:00:02;00-01:00:03;00", "2", id="true 30, dropping"),
        pytest.param("30", "30", False, 108_000, "30", "01:00:02:00-01:00:03:00", "2", id="true 30"),
        pytest.param("24000/1001", "24", False, 86_400, "24", "01:00:02:00-01:00:03:00", "2.002", id="24 for 23.976"),
        pytest.param("1", "25", False, 900_000, "25", "10:00:02:00-10:00:03:00", "2", id="one picture a second"),
        pytest.param("25", "25", False, 2_159_950, "25", "23:59:59:00-00:00:00:00", "1", id="up to midnight"),
        pytest.param("25", "25", False, 2_159_950, "25", "00:00:01:00-00:00:02:00", "3", id="after midnight"),
        pytest.param(
            "30000/1001", "30000/1001", True, DAY - 60, "29.97", "00:00:01;00-00:00:02;00", "3.003", id="dropping day"
        ),
    ],
)
def test_source_times_lie_where_the_timecode_track_counts_them(
    picture: str, counted: str, drop: bool, first: int, rate: str, source: str, expected_s: str, tmp_path: Path
) -> None:
    own = Fraction(picture)
    count = round(8 * own)
    counted_movie(tmp_path / "a.mov", rate=own, count=count, first=first, counted=Fraction(counted), drop_frame=drop)
    (place,) = places_in(listed(tmp_path, source, drop=";" in source), rate)
    assert place.start_s == Fraction(expected_s)
    assert place.frame == round(Fraction(expected_s) * own)
    assert place.placed_by == ("timecode of the file",)


@pytest.mark.parametrize("rate", [None, "29.97", "30"])
def test_a_list_that_drops_numbers_is_placed_at_29_97_also_where_30_are_said(rate: str | None, tmp_path: Path) -> None:
    first = 107_892 + 57 * 30
    counted_movie(tmp_path / "a.mov", rate=NTSC, count=300, first=first, counted=NTSC, drop_frame=True)
    edit = listed(tmp_path, "01:01:02;00-01:01:03;00", drop=True)
    (place,) = places_in(edit, rate)
    assert (place.frame, place.placed_by) == (148, ("timecode of the file",))
    read = read_for(edit, PassOptions(rate=rate))
    assert (read.rate, read.drop_frame, read.frame_count) == (NTSC, True, 30)
    told = [remark for remark in read.remarks if "30 was taken as 29.97, at which that exists" in remark]
    assert len(told) == (rate == "30")


@pytest.mark.parametrize("media_drops", [False, True])
@pytest.mark.parametrize(("list_drops", "marked"), [(False, False), (True, False), (True, True)])
def test_the_file_says_whether_its_timecode_drops_numbers(
    list_drops: bool, marked: bool, media_drops: bool, tmp_path: Path
) -> None:
    """Five seconds in by what is written, over a minute at which numbers are dropped, whatever the list says."""
    first = 107_892 + 57 * 30 if media_drops else 108_000 + 57 * 30
    counted_movie(tmp_path / "a.mov", rate=NTSC, count=300, first=first, counted=NTSC, drop_frame=media_drops)
    mark = ";" if marked else ":"
    edit = listed(tmp_path, f"01:01:02{mark}00-01:01:03{mark}00", drop=list_drops, marked=marked)
    (place,) = places_in(edit, "29.97")
    assert place.frame == (148 if media_drops else 150)


def test_pictures_at_varying_distances_are_counted_by_their_grid(tmp_path: Path) -> None:
    """Every twelfth is missing: 27.5 a second on the average, counted by 30."""
    pts = [20 * k for k in range(300) if k % 12 != 7]
    how: dict[str, Any] = {"rate": Fraction(30), "count": len(pts), "pts": pts, "time_base": Fraction(1, 600)}
    counted_movie(tmp_path / "a.mov", first=1_080_000, counted=Fraction(30), **how)
    sources = ("10:00:02:00-10:00:03:00", "10:00:05:25-10:00:06:25")
    places = places_in(listed(tmp_path, *sources), "30")
    assert [(place.start_s, place.frame) for place in places] == [(2, 60), (Fraction(35, 6), 175)]


@pytest.mark.parametrize(("base", "expected_s"), [(50, "2.16"), (25, "1.92")])
def test_mxf_counts_as_its_header_says(base: int, expected_s: str, tmp_path: Path) -> None:
    """Fifty pictures a second from 10:00:00:12, where the twelve are fiftieths or, as cameras do, twenty-fifths."""
    how: dict[str, Any] = {"rate": Fraction(50), "count": 200, "codec": "mpeg2video", "size": (64, 64)}
    film = grey_movie(tmp_path / "a.mxf", metadata={"timecode": "10:00:00:12"}, **how)
    written, other = (
        b"\x15\x01\x00\x08" + (36_000 * counted + 12).to_bytes(8, "big") + b"\x15\x02\x00\x02" + bytes([0, counted])
        for counted in (50, base)
    )
    assert written in film.read_bytes()
    film.write_bytes(film.read_bytes().replace(written, other))
    (place,) = places_in(listed(tmp_path, "10:00:02:10-10:00:03:10", name="a.mxf"), "25")
    assert place.start_s == Fraction(expected_s)


def test_a_long_file_over_midnight_does_not_take_the_first_number_that_lies_inside(tmp_path: Path) -> None:
    """Twenty minutes from 23:50: five minutes after midnight are fifteen in, though five in exist as well."""
    counted_movie(tmp_path / "a.mov", rate=Fraction(1), count=1200, first=85_800 * 25, counted=Fraction(25))
    (place,) = places_in(listed(tmp_path, "00:05:00:00-00:05:01:00"), "25")
    assert place.start_s == 900


def test_an_otio_that_tells_nothing_of_its_media_is_placed_by_the_timecode_of_the_file(tmp_path: Path) -> None:
    counted_movie(tmp_path / "a.mov", count=200, first=900_000, counted=Fraction(25))
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(otio.schema.Track("V1", kind=otio.schema.TrackKind.Video))
    from_zero = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(200, 25))
    for first, available in ((900_050, None), (50, None), (900_050, from_zero), (50, from_zero)):
        source = otio.opentime.TimeRange(otio.opentime.RationalTime(first, 25), otio.opentime.RationalTime(25, 25))
        clip = otio.schema.Clip("a", otio.schema.ExternalReference(str(tmp_path / "a.mov"), available), source)
        timeline.tracks[0].append(clip)
        timeline.tracks[0].append(otio.schema.Gap(duration=otio.opentime.RationalTime(25, 25)))
    otio.adapters.write_to_file(timeline, str(tmp_path / "cut.otio"))
    places = places_in(tmp_path / "cut.otio")
    assert [(place.start_s, place.placed_by[0]) for place in places] == [(2, "timecode of the file"), (2, "edit")] * 2


def test_without_a_timecode_a_list_counts_from_the_start_of_the_file(tmp_path: Path) -> None:
    grey_movie(tmp_path / "a.mov", count=200)
    (place,) = places_in(listed(tmp_path, "00:00:05:00-00:00:06:00"), "25")
    assert (place.start_s, place.placed_by) == (5, ("edit",))


@pytest.mark.parametrize(
    "source",
    [
        "00:00:01:00-00:00:02:00",
        "11:00:00:00-11:00:01:00",
        "09:59:50:00-09:59:51:00",
        "09:59:59:00-10:00:00:00",
        "10:00:08:00-10:00:09:00",
    ],
)
def test_a_number_that_happens_to_lie_inside_a_file_proves_nothing(source: str, tmp_path: Path) -> None:
    counted_movie(tmp_path / "a.mov", count=200, first=900_000, counted=Fraction(25))
    (place,) = places_in(listed(tmp_path, source), "25")
    assert (place.start_s, place.placed_by) == (None, ())
    asked = source.partition("-")[0]
    assert f"asks for {asked}, but a.mov runs from 10:00:00:00 to 10:00:08:00 at 25 fps" in place.remark


@pytest.mark.parametrize(
    ("source", "start_s"), [("09:59:59:12-10:00:00:12", "-.52"), ("10:00:07:12-10:00:08:12", "7.48")]
)
def test_what_lies_inside_in_part_keeps_its_place_and_is_told(source: str, start_s: str, tmp_path: Path) -> None:
    counted_movie(tmp_path / "a.mov", count=200, first=900_000, counted=Fraction(25))
    (place,) = places_in(listed(tmp_path, source), "25")
    assert place.start_s == Fraction(start_s)
    assert "asks for more of a.mov than its 8.00 s" in place.remark


@pytest.mark.usefixtures("card", "engine")
def test_a_shot_outside_its_file_fails_by_name_and_the_others_are_made(tmp_path: Path, options: PassOptions) -> None:
    counted_movie(tmp_path / "train.mov", count=100, first=900_000, counted=Fraction(25))
    edit = listed(tmp_path, "10:00:01:00-10:00:02:00", "10:00:09:00-10:00:10:00", name="train.mov")
    report = run_pass(edit, options.model_copy(update={"rate": "25"}), with_prefect=False)
    assert [shot.state for shot in report.shots] == [ShotState.MADE, ShotState.FAILED]
    assert "the clip train.mov asks for 10:00:09:00" in report.shots[1].reason
    assert not report.shots[1].cues


@pytest.mark.usefixtures("card", "engine")
def test_a_shot_outside_its_file_that_a_person_leaves_silent_is_silent(tmp_path: Path, options: PassOptions) -> None:
    counted_movie(tmp_path / "train.mov", count=100, first=900_000, counted=Fraction(25))
    edit = listed(tmp_path, "10:00:01:00-10:00:02:00", "10:00:09:00-10:00:10:00", name="train.mov")
    edit.write_text(edit.read_text(encoding="ascii") + "* COMMENT: foley: silence\n", encoding="ascii")
    report = run_pass(edit, options.model_copy(update={"rate": "25"}), with_prefect=False)
    assert [shot.state for shot in report.shots] == [ShotState.MADE, ShotState.SILENT]


@pytest.mark.parametrize(
    ("picture", "counted", "drop", "first", "written"),
    [
        ("50", "25", False, 900_000, "10:00:00:00"),
        ("60000/1001", "30000/1001", True, 107_892, "01:00:00;00"),
        ("30", "30", True, 107_892, "01:00:00;00"),
        ("24", "24", True, 86_400, "01:00:00:00"),
        ("24000/1001", "24000/1001", False, 86_400, "01:00:00:00"),
    ],
)
def test_a_movie_alone_begins_at_its_own_timecode(
    picture: str, counted: str, drop: bool, first: int, written: str, tmp_path: Path
) -> None:
    how: dict[str, Any] = {"rate": Fraction(picture), "count": 30, "first": first, "drop_frame": drop}
    edit = read_movie(counted_movie(tmp_path / "a.mov", counted=Fraction(counted), **how))
    assert edit.rate == Fraction(picture)
    assert timecode(edit.start_frame, edit.rate, edit.drop_frame) == written
