"""A movie with several picture streams is the one with the film, wherever it is opened."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.cuts import find_cuts
from pipeline.decode import decode_span
from pipeline.preview import PreviewShot, write_preview
from pipeline.probe import probe_quick
from pipeline.records import MediaSpan
from tests.support.movies import frames_of, grey_of, movie_of_streams

RATE = Fraction(30)
STILL = (49, 1)
FILM = (0, 45)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize(
    "streams",
    [
        pytest.param([(*STILL, False), (*FILM, True)], id="a still before the film, the film the default"),
        pytest.param([(*STILL, True), (*FILM, False)], id="a still before the film, the still the default"),
        pytest.param([(*FILM, True), (*STILL, True)], id="a still after the film"),
        pytest.param([(20, 45, False), (*FILM, True)], id="two films, the second the default"),
        pytest.param([(20, 5, True), (*FILM, False)], id="thumbnails, the default, before the film"),
    ],
)
def test_the_film_is_seen_and_not_what_lies_beside_it(
    suffix: str, streams: list[tuple[int, int, bool]], tmp_path: Path
) -> None:
    movie = movie_of_streams(tmp_path / f"a.{suffix}", *streams)
    info = probe_quick(movie)
    assert (info.rate, round(info.duration_s * RATE)) == (RATE, 45)
    span = MediaSpan(path=movie, digest="", start_s=Fraction(0), duration_s=Fraction(3, 2))
    assert frames_of(decode_span(span, times_s=np.arange(45) / 30, size=16).pixels) == list(range(45))
    assert len(find_cuts(movie).times_s) == 45
    shot = PreviewShot(first_frame=0, frame_count=45, span=span)
    preview = write_preview(tmp_path / "p.mp4", rate=RATE, frame_count=45, shots=[shot], sounds=[], size=(32, 32))
    with av.open(str(preview)) as container:
        greys = [float(frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]
    # The film alone grows brighter from picture to picture all the way.
    assert greys[-1] - greys[0] > (grey_of(44) - grey_of(0)) / 2


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize(
    ("streams", "steps", "pictures"),
    [
        pytest.param([(20, 3, True), (*FILM, False)], (22, 1), 45, id="thumbnails all along, the default"),
        pytest.param([(20, 2, True), (*FILM, False)], (44, 1), 45, id="a still that is held, the default"),
        pytest.param([(0, 45, False), (20, 15, True)], (1, 3), 15, id="a slower film, the default"),
        pytest.param([(0, 45, False), (20, 15, False)], (1, 3), 45, id="no default"),
    ],
)
def test_a_stream_that_lasts_as_long_with_few_pictures_is_no_film(
    suffix: str, streams: list[tuple[int, int, bool]], steps: tuple[int, int], pictures: int, tmp_path: Path
) -> None:
    movie = movie_of_streams(tmp_path / f"a.{suffix}", *streams, rate=RATE, steps=steps)
    assert len(find_cuts(movie).times_s) == pictures
