"""Several files of one name: each event gets the one that holds what it shows."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from timeline_io.media import MediaSearch
from timeline_io.media_clock import MediaClock
from timeline_io.media_need import MediaFacts, Need
from timeline_io.read import read_edit

CARDS = """TITLE: ab 25 fps
FCM: NON-DROP FRAME
001  {reels[0]}  V  C  {sources[0]} 01:00:00:00 01:00:02:00
* FROM CLIP NAME: C0001.MOV
002  {reels[1]}  V  C  {sources[1]} 01:00:02:00 01:00:04:00
* FROM CLIP NAME: C0001.MOV
"""
FIRST, SECOND = "10:00:01:00 10:00:03:00", "10:00:09:00 10:00:11:00"


def touch(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def cards(folder: Path, starts: dict[str, int], reels: tuple[str, str], sources: tuple[str, str]) -> list[str]:
    """The folders of the files that two events of one clip name get, of cards with these first numbers at 25."""
    for name in starts:
        touch(folder / "cards" / name / "C0001.MOV", name.encode())
    edit = folder / "cut.edl"
    edit.write_text(CARDS.format(reels=reels, sources=sources), encoding="ascii")

    def probe(path: Path) -> MediaFacts:
        clock = MediaClock(first=starts[path.parent.name], rate=Fraction(25))
        return MediaFacts(length_s=Fraction(4), clock=clock)

    shots = read_edit(edit, media=MediaSearch(roots=(folder / "cards",), edit_folder=folder, probe=probe)).shots
    return [shot.media.parent.name if shot.media else shot.offline_reason for shot in shots]


@pytest.mark.parametrize("reels", [("A", "B"), ("AX", "AX"), ("B", "A")])
def test_each_event_gets_the_card_whose_timecode_holds_it(reels: tuple[str, str], tmp_path: Path) -> None:
    starts = {"A": 900_000, "B": 900_200}
    assert cards(tmp_path, starts, reels, (FIRST, SECOND)) == ["A", "B"]


@pytest.mark.parametrize(
    ("reels", "folders"),
    [(("A", "B"), ["A", "B"]), (("B", "A"), ["B", "A"]), (("a_001r2e", "a_002r2e"), ["A001R2EC_001", "A002R2EC_001"])],
)
def test_of_cards_that_count_alike_the_reel_decides(reels: tuple[str, str], folders: list[str], tmp_path: Path) -> None:
    starts = dict.fromkeys(sorted(folders), 900_000)
    assert cards(tmp_path, starts, reels, (FIRST, FIRST)) == folders


def test_a_handle_outside_every_card_is_of_the_one_that_holds_the_rest(tmp_path: Path) -> None:
    """Half a second before one card, a second behind the other; a third of that name is of another hour."""
    starts = {"A": 900_000, "B": 900_200, "C": 990_000}
    sources = ("09:59:59:12 10:00:01:12", "10:00:11:00 10:00:13:00")
    touch(tmp_path / "C" / "C0001.MOV", b"beside")
    assert cards(tmp_path / "C", starts, ("AX", "AX"), sources) == ["A", "B"]


def test_a_camera_that_ran_over_midnight_is_found_by_its_timecode(tmp_path: Path) -> None:
    starts = {"A": 0, "B": 2_159_950}
    sources = ("00:00:00:10 00:00:01:10", "23:59:59:00 00:00:01:00")
    assert cards(tmp_path, starts, ("AX", "AX"), sources) == ["A", "B"]


@pytest.mark.parametrize(
    ("reel", "advice"),
    [
        ("R7", "the edit names a reel and no folder, so {}, or call that folder by the reel, R7"),
        (
            "AX",
            "the edit names neither folder nor reel, so {}, or export it as .otio, .fcpxml or .xml with paths",
        ),
    ],
)
def test_what_can_be_done_about_an_edit_that_names_no_folder_is_said(reel: str, advice: str, tmp_path: Path) -> None:
    (said, _) = cards(tmp_path, {"one": 900_000, "other": 900_000}, (reel, reel), (FIRST, FIRST))
    assert said.endswith(advice.format("search the folder of the right one alone (--media-root)"))


def test_the_file_beside_the_edit_gives_way_to_one_that_holds_what_is_shown(tmp_path: Path) -> None:
    beside = touch(tmp_path / "C0001.MOV", b"beside")
    card = touch(tmp_path / "cards" / "C0001.MOV", b"card")
    clocks = {beside: MediaClock(first=0, rate=Fraction(25)), card: MediaClock(first=900_000, rate=Fraction(25))}
    search = MediaSearch(
        roots=(tmp_path / "cards",),
        edit_folder=tmp_path,
        probe=lambda path: MediaFacts(length_s=Fraction(20), clock=clocks[path]),
    )
    assert search.find("C0001.MOV", Need(timecodes_s=(Fraction(36_001), Fraction(36_002)))).path == card
    assert search.find("C0001.MOV", Need(timecodes_s=(Fraction(1), Fraction(2)))).path == beside
    assert search.find("C0001.MOV").path == beside
