"""Edit decision lists: retimes, names, media and notes of an event."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from tests.support.edl import event, written
from timeline_io.edit import Shot
from timeline_io.read import read_edit

Write = Callable[..., Path]
NTSC_24, NTSC_30 = Fraction(24000, 1001), Fraction(30000, 1001)


@pytest.fixture
def edl_file(tmp_path: Path) -> Write:
    return partial(written, tmp_path)


def _only(path: Path, rate: Fraction | None = None) -> Shot:
    (shot,) = read_edit(path, rate=rate).shots
    return shot


# --- Retimes ----------------------------------------------------------------------------------------------------------


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
    line = f"001  A  V  C  00:00:{240 // round(exact):02d}:{240 % round(exact):02d}"
    last = 264 if round(exact) == 24 else 324
    path = edl_file(f"{line} 00:00:{last // round(exact):02d}:{last % round(exact):02d} 01:00:00:00 01:00:04:00",
                    f"M2   A      {speed}      00:00:10:00")  # fmt: skip
    shot = _only(path, rate=exact)
    assert (shot.speed, shot.source_start_s) == (expected, source_frame / exact)


def test_a_retime_belongs_to_the_line_with_its_reel(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-02:00", "00:00-02:00", reel="AAA"),
        event(1, "10:00-14:00", "02:00-04:00", reel="BBB", kind="D 012"),
        "M2   AAA     024.0    01:00:00:00",
        "M2   BBB     048.0    01:00:10:00",
    )
    assert [shot.speed for shot in read_edit(path, rate=Fraction(24)).shots] == [1, 2]


def test_a_freeze_and_a_still_do_not_move(edl_file: Write) -> None:
    path = edl_file(
        event(1, "10:00-10:01", "00:00-02:00", name="a.mov"),
        "* * FREEZE FRAME",
        event(2, "10:00-12:00", "02:00-04:00", name="b"),
        "* FROM CLIP IS A STILL",
        event(3, "10:00-12:00", "04:00-06:00", name="poster.png"),
        event(4, "10:00-12:00", "06:00-08:00", name="shot.0001.exr"),
    )
    shots = read_edit(path, rate=Fraction(24)).shots
    assert [(shot.speed, shot.source_start_s) for shot in shots] == [(0, 3610), (0, 0), (0, 0), (1, 3610)]


def test_a_retime_without_a_speed_is_taken_from_the_lengths_and_says_so(edl_file: Write) -> None:
    shot = _only(edl_file(event(1, "00:00-10:00", "00:00-04:00")), rate=Fraction(24))
    assert shot.speed == Fraction(5, 2)
    assert "lengths of source and record" in shot.notes[0]


def test_a_source_at_another_rate_is_counted_at_its_own(edl_file: Write) -> None:
    shot = _only(edl_file(event(1, "00:29-10:29", "00:00-10:00")), rate=Fraction(24))
    assert (shot.speed, shot.source_start_s) == (1, 3600 + Fraction(29, 30))
    assert "30 frames a second" in shot.notes[0]


# --- Names and notes --------------------------------------------------------------------------------------------------


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
    shot = _only(edl_file(event(1, "00:00-01:00", "00:00-01:00"), comment))
    assert (shot.name, shot.media_ref) == (name, media_ref)


def test_media_is_found_by_the_name_of_the_clip(edl_file: Write, tmp_path: Path) -> None:
    (tmp_path / "a.mov").write_bytes(b"picture")
    assert _only(edl_file(event(1, "00:00-01:00", "00:00-01:00", name="a.mov"))).media == tmp_path / "a.mov"


def test_a_file_without_a_reel_names_no_media(edl_file: Write) -> None:
    shot = _only(edl_file(event(1, "00:00-01:00", "00:00-01:00", reel="AX")))
    assert (shot.media_ref, shot.offline_reason) == ("", "offline: the edit names no media file")


def test_people_s_words_become_notes(edl_file: Write) -> None:
    path = edl_file(
        event(1, "00:00-02:00", "00:00-02:00", name="a.mov"),
        "* LOC: 01:00:00:12 RED     foley: gravel",
        "* LOC: 01:00:01:00 GREEN",
        "* LOC: 01:00:03:00 YELLOW  foley: door: slam",
        "* COMMENT: wet street",
        "* foley: keys",
        "* BLEND, DISSOLVE",
        event(2, "00:00-02:00", "02:00-04:00", name="b.mov"),
    )
    first, second = read_edit(path, rate=Fraction(24)).shots
    assert first.notes == ("wet street", "foley: keys", "foley: gravel")
    assert second.notes == ("foley: door: slam",)
