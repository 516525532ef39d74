"""Final Cut Pro 7 XML at unequal rates: which frames `<in>` and `<out>` count, and how a sequence counts its time."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from timeline_io.frames import timecode
from timeline_io.read import read_edit

Write = Callable[..., Path]


def rate(timebase: int, ntsc: str = "FALSE") -> str:
    return f"<rate><timebase>{timebase}</timebase><ntsc>{ntsc}</ntsc></rate>"


@pytest.mark.parametrize(
    ("own", "items", "starts_s"),
    [
        pytest.param(25, [(0, 60, 60, 120), (60, 90, 150, 180)], [2, 5], id="the sequence's frames"),
        pytest.param(25, [(0, 60, 50, 100), (60, 90, 125, 150)], [2, 5], id="its own frames"),
        pytest.param(25, [(0, 60, 50, 101), (60, 91, 125, 151)], [2, 5], id="its own frames, rounded"),
        pytest.param(25, [(0, 60, 60, 120), (60, 63, 150, 153)], [2, 5], id="too short to tell, the sequence's"),
        pytest.param(25, [(0, 60, 50, 100), (60, 63, 125, 128)], [2, 5], id="too short to tell, its own"),
        pytest.param(60, [(0, 60, 60, 120), (60, 90, 150, 180)], [2, 5], id="a faster clip"),
        pytest.param(15, [(0, 60, 0, 30), (60, 90, 30, 45)], [0, 2], id="a slower clip, its own frames"),
    ],
)
def test_the_length_tells_which_frames_an_item_counts(
    own: int, items: list[tuple[int, int, int, int]], starts_s: list[int], fcp7: SimpleNamespace, fcp7_file: Write
) -> None:
    track = fcp7.track(*(fcp7.item(f"{at}.mov", *item, rate=rate(own)) for at, item in enumerate(items)))
    edit = read_edit(fcp7_file(fcp7.sequence(track, rate=rate(30))))
    assert [(shot.source_start_s, shot.speed) for shot in edit.shots] == [(start, 1) for start in starts_s]
    counts_the_sequence = items[0][1] == items[0][3] - items[0][2]
    said = f"clips of {own} fps count their in and out points in frames of the sequence, 30 fps"
    assert [said in remark for remark in edit.remarks] == [True] * counts_the_sequence


@pytest.mark.parametrize(
    ("percent", "first", "last", "start_s"),
    [
        pytest.param("200", 60, 120, 4, id="played frames of the sequence"),
        pytest.param("200", 60, 180, 2, id="media frames as the sequence counts them"),
        pytest.param("200", 50, 100, 4, id="played frames of its own"),
        pytest.param("200", 50, 150, 2, id="media frames of its own"),
        pytest.param("50", 60, 120, 1, id="slower, played frames of the sequence"),
        pytest.param("50", 50, 100, 1, id="slower, played frames of its own"),
        pytest.param("-100", 60, 120, Fraction(38, 5), id="backwards, the sequence's"),
    ],
)
def test_the_length_of_a_retimed_item_tells_too(
    percent: str, first: int, last: int, start_s: Fraction, fcp7: SimpleNamespace, fcp7_file: Write
) -> None:
    """An item at 25 that plays 60 frames of a sequence at 30; its media lasts 9.6 s."""
    item = fcp7.item("a.mov", 0, 60, first, last, fcp7.remap(percent), rate=rate(25))
    (shot,) = read_edit(fcp7_file(fcp7.sequence(fcp7.track(item), rate=rate(30)))).shots
    assert (shot.speed, shot.source_start_s) == (Fraction(percent) / 100, start_s)


def test_a_retimed_item_that_leaves_it_open_counts_like_the_others(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    """Six frames at 30 are five at 25, give or take what an exporter rounds."""
    short = fcp7.item("b.mov", 60, 66, 150, 156, fcp7.remap("200"), rate=rate(25))
    for plain, start_s in ((fcp7.item("a.mov", 0, 60, 60, 120, rate=rate(25)), 10), ("", 12)):
        *_, shot = read_edit(fcp7_file(fcp7.sequence(fcp7.track(plain, short), rate=rate(30)))).shots
        assert (shot.speed, shot.source_start_s) == (2, start_s)


def test_rates_that_are_counted_alike_are_left_as_they_are(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    item = fcp7.item("a.mov", 0, 48, 86_400, 86_448, rate=rate(24))
    (shot,) = read_edit(fcp7_file(fcp7.sequence(fcp7.track(item), rate=rate(24, "TRUE")))).shots
    assert shot.source_start_s == 3600


def test_markers_count_like_the_in_point(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    marker = "<marker><name>splash</name><in>{}</in><out>-1</out></marker>"
    items = [fcp7.item("a.mov", 0, 60, 60, 120, marker.format(frame), rate=rate(25)) for frame in (119, 121)]
    notes = []
    for item in items:
        (shot,) = read_edit(fcp7_file(fcp7.sequence(fcp7.track(item), rate=rate(30)))).shots
        notes.append(shot.notes)
    assert notes == [("splash",), ()]


@pytest.mark.parametrize(
    ("timebase", "display", "written", "first", "expected"),
    [
        (30, "103", ("01;00;03;18", "DF"), 108_000, "01:00:00:00"),
        (30, "102", ("01:00:00:00", "NDF"), 107_892, "01:00:00;00"),
        (60, "106", ("00:59:56:24", "NDF"), 215_784, "01:00:00;00"),
        (60, "107", ("01;00;03;36", "DF"), 216_000, "01:00:00:00"),
        # What says nothing of dropping leaves it to the file.
        (30, "109", ("01;00;00;00", "DF"), 107_892, "01:00:00;00"),
    ],
)
def test_premieres_own_word_decides_how_a_sequence_counts(
    timebase: int,
    display: str,
    written: tuple[str, str],
    first: int,
    expected: str,
    fcp7: SimpleNamespace,
    fcp7_file: Write,
) -> None:
    ntsc = rate(timebase, "TRUE")
    code = (
        f"<timecode>{ntsc}<string>{written[0]}</string><frame>{first}</frame>"
        f"<displayformat>{written[1]}</displayformat></timecode>"
    )
    body = fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 30, 0, 30, rate=ntsc)), rate=ntsc, more=code)
    edit = read_edit(
        fcp7_file(body.replace("<sequence ", f'<sequence MZ.Sequence.VideoTimeDisplayFormat="{display}" '))
    )
    assert edit.start_frame == first
    assert timecode(edit.start_frame, edit.rate, edit.drop_frame) == expected


def test_the_reel_of_a_file_is_known(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    item = fcp7.item("a.mov", 0, 24, 0, 24).replace(
        "<duration>240</duration>", "<timecode><frame>0</frame><reel><name>A001</name></reel></timecode>"
    )
    (shot,) = read_edit(fcp7_file(fcp7.sequence(fcp7.track(item)))).shots
    assert shot.reel == "A001"
