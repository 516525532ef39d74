"""A movie handed in alone: a rate that editing programs have, and cuts where its pictures say."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flows.planning.movie_edit import read_movie
from tests.support.movies import write_movie
from timeline_io.edit import Edit

SIZE = (320, 180)
NTSC = Fraction(30000, 1001)


def looks(*counts: int, size: tuple[int, int] = SIZE) -> Iterator[NDArray[np.uint8]]:
    """One look after another, each so many pictures long, slowly moving."""
    rng = np.random.default_rng(1)
    for count in counts:
        tiles = rng.integers(0, 255, (6, 8, 3))
        picture = np.kron(tiles, np.ones((size[1] // 6, size[0] // 8, 1))).astype(np.uint8)
        for index in range(count):
            yield np.ascontiguousarray(np.roll(picture, index // 6, axis=1))


def shots_s(edit: Edit) -> list[tuple[Fraction, Fraction]]:
    """Beginning and end of each shot, in seconds from the start of the edit."""
    spans = [shot.record for shot in edit.shots]
    return [((span.first - edit.start_frame) / edit.rate, (span.end - edit.start_frame) / edit.rate) for span in spans]


def written(path: Path, *counts: int, **how: Any) -> Path:
    return write_movie(path, looks(*counts, size=how.get("size", SIZE)), **{"size": SIZE, **how})


def test_pictures_at_varying_distances_are_cut_where_they_are_shown(tmp_path: Path) -> None:
    """Two seconds at 60, two at 20 and two at 60 pictures a second: 280 pictures on a grid of 60."""
    grid = [k for k in range(360) if not (120 <= k < 240 and k % 3)]
    film = written(
        tmp_path / "screen.mp4",
        120,
        40,
        60,
        60,
        rate=Fraction(60),
        pts=[k * 10 for k in grid],
        time_base=Fraction(1, 600),
    )
    edit = read_movie(film)
    assert edit.rate == 60
    assert shots_s(edit) == [(0, 2), (2, 4), (4, 5), (5, 6)]


def test_an_average_that_looks_usual_is_not_believed_where_no_picture_lies_on_it(tmp_path: Path) -> None:
    """A second at 60 and a second at 20: forty a second on the average, and again with 30."""
    for slow, count in ((3, 20), (60, 1)):
        grid = [*range(60), *range(60, 120, slow)]
        pts = [k * 10 for k in grid]
        film = written(tmp_path / f"{slow}.mov", 31, 29, count, rate=Fraction(60), pts=pts, time_base=Fraction(1, 600))
        edit = read_movie(film)
        assert edit.rate == 60
        assert shots_s(edit)[0] == (0, Fraction(31, 60))


@pytest.mark.parametrize(
    ("name", "how", "rate"),
    [
        ("b.avi", {"codec": "mpeg4", "codec_options": {"bf": "2"}}, Fraction(25)),
        ("b.mxf", {"codec": "mpeg2video", "codec_options": {"bf": "2"}}, Fraction(25)),
        ("b.ts", {"codec_options": {"bf": "2"}}, Fraction(25)),
        ("b.mpg", {"codec": "mpeg2video", "codec_options": {"bf": "2"}}, Fraction(25)),
        ("b.mkv", {"rate": Fraction(24000, 1001)}, Fraction(24000, 1001)),
        ("b.mp4", {"rate": Fraction(15)}, Fraction(30)),
        ("c.mp4", {"rate": Fraction(374, 25)}, NTSC),
        ("pal.dv", {"codec": "dvvideo", "size": (720, 576)}, Fraction(25)),
        ("ntsc.dv", {"codec": "dvvideo", "size": (720, 480), "pixel_format": "yuv411p", "rate": NTSC}, NTSC),
    ],
)
def test_whatever_the_container_says_of_its_clock(
    name: str, how: dict[str, Any], rate: Fraction, tmp_path: Path
) -> None:
    edit = read_movie(written(tmp_path / name, 50, 40, 30, **how))
    own = how.get("rate", rate)
    assert edit.rate == rate
    begins = [begin for begin, _end in shots_s(edit)]
    assert len(begins) == 3
    for begin, picture in zip(begins, (0, 50, 90), strict=True):
        assert 0 <= begin - picture / own < 1 / rate


def test_few_pictures_that_are_seen_for_long_are_a_shot(tmp_path: Path) -> None:
    """A hole of three seconds in 60 a second, five slow pictures, and pictures of a second each."""
    grid = [*range(60), 60, 120, 180, *range(240, 300), *range(300, 360, 12), 360, 420, 480, *range(540, 600)]
    pts = [k * 10 for k in grid]
    film = written(
        tmp_path / "slow.mp4", 60, 3, 60, 5, 1, 1, 1, 60, rate=Fraction(60), pts=pts, time_base=Fraction(1, 600)
    )
    edit = read_movie(film)
    assert edit.rate == 60
    assert [begin for begin, _end in shots_s(edit)] == [0, 1, 4, 5, 6, 7, 8, 9]


def test_a_flash_is_no_shot(tmp_path: Path) -> None:
    edit = read_movie(written(tmp_path / "flash.mp4", 25, 1, 25))
    assert shots_s(edit) == [(0, 1), (1, Fraction(51, 25))]


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov"])
def test_a_movie_whose_picture_begins_late_is_as_long_as_its_pictures(suffix: str, tmp_path: Path) -> None:
    pts = [500 + 40 * k for k in range(100)]
    film = written(tmp_path / f"late.{suffix}", 50, 50, pts=pts, time_base=Fraction(1, 1000))
    assert shots_s(read_movie(film)) == [(0, 2), (2, 4)]


def test_a_movie_lasts_until_its_last_picture_whatever_its_container_guesses(tmp_path: Path) -> None:
    how: dict[str, Any] = {"rate": Fraction(24000, 1001), "codec": "mpeg2video", "codec_options": {"bf": "2"}}
    edit = read_movie(written(tmp_path / "guessed.mpg", 50, 46, **how))
    assert edit.frame_count == 96


@pytest.mark.parametrize("rate", [25, 30, 60])
def test_dates_that_shake_do_not_change_the_rate_that_was_set(rate: int, tmp_path: Path) -> None:
    """Each picture up to a fifth of a frame early or late, as telephones date them."""
    shaken = [0, *np.random.default_rng(2).uniform(-0.2, 0.2, 119)]
    pts = [round((k + off) * 90_000 / rate) for k, off in enumerate(shaken)]
    edit = read_movie(
        written(tmp_path / "hand.mp4", 60, 60, rate=Fraction(rate), pts=pts, time_base=Fraction(1, 90_000))
    )
    assert (edit.rate, edit.frame_count) == (rate, 120)
    assert abs(shots_s(edit)[1][0] - Fraction(60, rate)) <= Fraction(1, rate)
