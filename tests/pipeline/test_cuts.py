"""Where a movie cuts, to the frame."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.cuts import find_cuts
from pipeline.errors import MediaError
from pipeline.scenes.catalogue import source_named
from pipeline.scenes.scene import make_scene
from tests.support.movies import sound_file, write_movie


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(50)])
def test_cuts_are_found_to_the_frame(tmp_path: Path, rate: Fraction, capfd: pytest.CaptureFixture[str]) -> None:
    pictures = []
    for seed, name, count in ((1, "train", 40), (2, "rain", 31), (3, "door", 25)):
        times_s = np.arange(count) / float(rate) + 0.5
        pictures += list(make_scene(seed, 4.0, target=source_named(name)).frames(times_s, 96))
    film = tmp_path / "film #1.mp4"
    write_movie(film, pictures, rate=rate, size=(96, 96))
    found = find_cuts(film)
    assert (found.firsts, found.cuts_s) == ((40, 71), (40 / rate, 71 / rate))
    # The library would let the codecs speak on the terminal, there and in every later movie.
    write_movie(tmp_path / "again.mp4", pictures[:5], rate=rate, size=(96, 96))
    assert capfd.readouterr().err == ""


def test_one_take_has_no_cut(tmp_path: Path) -> None:
    film = tmp_path / "take.mp4"
    frames = make_scene(4, 4.0, target=source_named("helicopter")).frames(np.arange(75) / 25, 96)
    write_movie(film, frames, size=(96, 96))
    assert find_cuts(film).cuts_s == ()


def test_what_is_no_movie_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="sound"):
        find_cuts(sound_file(tmp_path / "sound.wav"))
