"""Image sequences: how editors spell them, and where their pictures are found."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.edl import event
from tests.support.edl import written as write_edl
from tests.support.fcpxml import clip, document, project
from timeline_io.edit import Numbered, Shot
from timeline_io.formats.pictures import is_still_name, media_named
from timeline_io.media import Found, MediaSearch
from timeline_io.media_need import Need
from timeline_io.numbered_names import numbers_in, pattern_like, with_number
from timeline_io.read import read_edit

Write = Callable[..., Path]
R24, R25, NTSC = Fraction(24), Fraction(25), Fraction(24000, 1001)
ANY, FIRST = Need(numbered=Numbered()), Need(numbered=Numbered(first=1))


@pytest.mark.parametrize(
    ("ref", "pattern", "first"),
    [
        ("/r/sea.[0001-0100].exr", "/r/sea.%04d.exr", 1),
        ("/r/sea_[1001-1100].dpx", "/r/sea_%04d.dpx", 1001),
        ("/r/sea[00000-00048].TIF", "/r/sea%05d.TIF", 0),
        ("/r/sea.[1-100].png", "/r/sea.%d.png", 1),
        ("file:///r/sea%20x.%5B0001-0100%5D.exr", "/r/sea x.%04d.exr", 1),
        ("/r/sea.####.exr", "/r/sea.%04d.exr", None),
        ("/r/sea.%04d.exr", "/r/sea.%04d.exr", None),
        ("/r/sea.%d.exr", "/r/sea.%d.exr", None),
        ("file:///r/sea.%04d.exr", "/r/sea.%04d.exr", None),
        ("D:\\r\\sea.[0001-0100].jpg", "D:/r/sea.%04d.jpg", 1),
    ],
)
def test_every_spelling_is_a_pattern(ref: str, pattern: str, first: int | None) -> None:
    assert media_named(ref, R24) == (pattern, Numbered(rate=R24, first=first))
    assert not is_still_name(ref)


@pytest.mark.parametrize("ref", ["/r/sea.0001.exr", "/r/sea#1.png", "/r/sea.[0001-0100].mov", "/r/shot %04d.mp4", ""])
def test_everything_else_stays_as_it_is(ref: str) -> None:
    assert media_named(ref, R24) == (ref, None)


def _only(path: Path, media: MediaSearch | None = None) -> Shot:
    (shot,) = read_edit(path, media=media).shots
    return shot


def _pictures(folder: Path, *numbers: int, name: str = "sea.%04d.exr") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / (name % number)).write_bytes(b"picture")
    return folder / name


def _reference(otio: SimpleNamespace, base: str, **more: object) -> dict[str, object]:
    return {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "target_url_base": base,
        "name_prefix": "sea.",
        "name_suffix": ".exr",
        "frame_zero_padding": 4,
        "start_frame": 1001,
        "frame_step": 1,
        "rate": 24.0,
        "available_range": otio.span(1001, 100),
        **more,
    }


@pytest.mark.parametrize(
    ("more", "numbered"),
    [
        ({}, Numbered(rate=R24, first=1001)),
        ({"start_frame": 0, "frame_step": 2}, Numbered(rate=R24, first=0, step=2)),
        ({"rate": 23.976}, Numbered(rate=NTSC, first=1001)),
        ({"rate": None}, Numbered(rate=R24, first=1001)),
    ],
)
def test_an_image_sequence_reference(
    otio: SimpleNamespace, otio_file: Write, more: dict[str, object], numbered: Numbered
) -> None:
    media = _reference(otio, "file:///renders/the%20sea/", **more)
    shot = _only(otio_file(otio.track(otio.clip("sea", 1013, 24, media=media))))
    assert (shot.media_ref, shot.numbered) == ("/renders/the sea/sea.%04d.exr", numbered)
    assert (shot.source_start_s, shot.speed) == (Fraction(1, 2), 1)


@pytest.mark.parametrize(("first", "step"), [(-5, 1), (1, 0)])
def test_counting_that_makes_no_sense_is_offline(
    otio: SimpleNamespace, otio_file: Write, tmp_path: Path, first: int, step: int
) -> None:
    _pictures(tmp_path, 0, 1)
    media = _reference(otio, "", start_frame=first, frame_step=step)
    shot = _only(otio_file(otio.track(otio.clip("sea", 1013, 24, media=media))))
    assert shot.media is None
    assert f"counts from {first} in steps of {step}" in shot.offline_reason


@pytest.mark.parametrize("base", ["", "plates", "plates/", "{here}/plates"])
def test_an_image_sequence_reference_is_found(
    otio: SimpleNamespace, otio_file: Write, tmp_path: Path, base: str
) -> None:
    pattern = _pictures(tmp_path / ("plates" if base else ""), 1001, 1002)
    media = _reference(otio, base.format(here=tmp_path))
    shot = _only(otio_file(otio.track(otio.clip("sea", 1013, 24, media=media))))
    assert (shot.media, shot.offline_reason) == (pattern, "")


def test_the_rate_of_a_file_in_final_cut_pro_7_xml(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    item = fcp7.item("sea", 0, 24, 12, 36, url="file://localhost/r/sea.%5B0005-0100%5D.exr")
    assert _only(fcp7_file(fcp7.sequence(fcp7.track(item)))).numbered == Numbered(rate=R24, first=5)
    faster = item.replace("</pathurl>", "</pathurl><rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>")
    assert _only(fcp7_file(fcp7.sequence(fcp7.track(faster)))).numbered == Numbered(rate=R25, first=5)


def test_the_rate_of_an_asset_in_final_cut_pro_x_xml(tmp_path: Path) -> None:
    asset = (
        '<asset id="sea" name="sea" start="0s" duration="4s" hasVideo="1" format="{}">'
        '<media-rep kind="original-media" src="file:///r/sea.%5B0001-0100%5D.exr"/></asset>'
    )
    path = tmp_path / "cut.fcpxml"
    for known, rate in (("f25", R25), ("f24", R24)):
        text = document(project(clip("sea", "0 1 1")), resources=asset.format(known))
        path.write_text(text, encoding="utf-8")
        shot = _only(path)
        assert (shot.media_ref, shot.numbered) == ("/r/sea.%04d.exr", Numbered(rate=rate, first=1))


def test_an_edit_decision_list_counts_at_its_own_rate(tmp_path: Path) -> None:
    path = write_edl(tmp_path, event(1, "00:00-01:00", "00:00-01:00", name="sea.[0001-0100].exr"))
    pattern = _pictures(tmp_path, 1)
    shot = read_edit(path, rate=NTSC).shots[0]
    assert (shot.media, shot.numbered, shot.start_unknown) == (pattern, Numbered(rate=NTSC, first=1), True)


def test_two_ways_of_counting_are_two_shots(fcp7: SimpleNamespace, fcp7_file: Write, tmp_path: Path) -> None:
    """The second range goes on where the first one ends, but it counts from its own first number."""
    _pictures(tmp_path, 1, 101)
    items = (
        fcp7.item("sea", 0, 24, 0, 24, url="file://localhost/r/sea.%5B0001-0100%5D.exr"),
        fcp7.item("sea", 24, 48, 24, 48, url="file://localhost/r/sea.%5B0101-0200%5D.exr"),
        fcp7.item("sea", 48, 72, 48, 72, url="file://localhost/r/sea.%5B0201-0300%5D.exr"),
    )
    shots = read_edit(fcp7_file(fcp7.sequence(fcp7.track(*items)))).shots
    assert [shot.numbered and shot.numbered.first for shot in shots] == [1, 101, 201]
    assert [shot.media is not None for shot in shots] == [True, True, False]


# --- Where the pictures are -------------------------------------------------------------------------------------------


def test_pictures_are_found_by_the_first_of_them(tmp_path: Path) -> None:
    pattern = _pictures(tmp_path / "day 1", 1, 2, 3)
    search = MediaSearch(path_maps=(("R:/renders", str(tmp_path)),), edit_folder=tmp_path)
    assert search.find("R:/renders/day 1/sea.%04d.exr", FIRST) == Found(path=pattern)
    assert search.find(str(pattern), ANY) == Found(path=pattern)
    assert MediaSearch(edit_folder=pattern.parent).find("/gone/sea.%04d.exr", FIRST) == Found(path=pattern)


def test_pictures_are_found_below_search_folders(tmp_path: Path) -> None:
    pattern = _pictures(tmp_path / "deep" / "er", 1001, 1002, name="Sea.%04d.EXR")
    search = MediaSearch(roots=(tmp_path,), edit_folder=Path("/edit"))
    assert search.find("/gone/sea.%04d.exr", ANY) == Found(path=pattern)
    assert search.find("/gone/sea.%04d.exr", Need(numbered=Numbered(first=1002))) == Found(path=pattern)


def test_pictures_that_are_missing_are_named_with_their_pattern(tmp_path: Path) -> None:
    _pictures(tmp_path, 2, 3)
    search = MediaSearch(roots=(tmp_path,), edit_folder=tmp_path)
    missing = search.find("/gone/sea.%04d.exr", FIRST)
    assert missing.path is None
    assert missing.offline_reason.startswith("offline: the image sequence /gone/sea.%04d.exr: looked for ")
    assert "/gone/sea.0001.exr" in missing.offline_reason
    nowhere = search.find("/gone/lake.%04d.exr", ANY)
    assert (
        nowhere.offline_reason == f"offline: no picture of the image sequence /gone/lake.%04d.exr in /gone, {tmp_path}"
    )


@pytest.mark.parametrize("linked", [1, 2])
def test_no_picture_leads_out_of_the_folders_that_are_allowed(tmp_path: Path, linked: int) -> None:
    pattern = _pictures(tmp_path / "in", 3 - linked)
    outside = _pictures(tmp_path / "out", 1)
    search = MediaSearch(allowed_roots=(tmp_path / "in",))
    assert search.find(str(pattern), ANY).path == pattern
    pattern.with_name(f"sea.{linked:04d}.exr").symlink_to(outside.with_name("sea.0001.exr"))
    again = MediaSearch(allowed_roots=(tmp_path / "in",))
    assert again.find(str(pattern), FIRST).path is None
    assert "image sequence" in again.find(str(pattern), FIRST).offline_reason
    assert again.find(str(outside), ANY).path is None


def test_names_and_numbers() -> None:
    assert with_number("/r/%04d/sea.%04d.exr", 7) == "/r/%04d/sea.0007.exr"
    names = ["sea.0007.exr", "sea.7.exr", "sea.00008.exr", "sea.12345.exr", "seax.0001.exr", "sea.0001.exr.tmp"]
    assert numbers_in(names, "sea.%04d.exr") == {7: "sea.0007.exr", 12345: "sea.12345.exr"}
    assert pattern_like("/r/a1.%d.exr", 1, Path("/x/A1.1.EXR")) == Path("/x/A1.%d.EXR")
