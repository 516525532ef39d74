"""Which frame is seen when: frame i of every movie here is one flat grey that tells i."""

import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline import frame_reader
from pipeline.decode import decode_span
from pipeline.errors import MediaError
from pipeline.records import MediaSpan
from tests.support.movies import frames_of, grey_movie, grey_of, sound_file, write_movie

NTSC = Fraction(24000, 1001)
B_FRAMES = {"bf": "3", "g": "12", "preset": "veryfast"}
OPEN_GOP = {**B_FRAMES, "x264-params": "open-gop=1"}


def seen(
    movie: Path, start_s: Fraction | int, times_s: Sequence[Fraction | float], speed: Fraction | int = 1
) -> list[int]:
    """The frames seen at `times_s` of a shot that starts at `start_s` of the movie."""
    span = MediaSpan(path=movie, digest="", start_s=Fraction(start_s), duration_s=Fraction(2), speed=Fraction(speed))
    frames = decode_span(span, times_s=np.array([float(time_s) for time_s in times_s]), size=8)
    assert frames.pixels.shape == (len(times_s), 8, 8, 3)
    return frames_of(frames.pixels)


def middles(count: int, rate: Fraction) -> list[Fraction]:
    return [(index + Fraction(1, 2)) / rate for index in range(count)]


def edges(count: int, rate: Fraction) -> list[Fraction]:
    return [index / rate for index in range(count)]


@pytest.mark.parametrize("rate", [NTSC, Fraction(25), Fraction(30)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("coding", [{"g": "250"}, B_FRAMES, OPEN_GOP])
def test_every_frame_is_found(tmp_path: Path, rate: Fraction, suffix: str, coding: dict[str, str]) -> None:
    movie = grey_movie(tmp_path / f"a{suffix}", rate=rate, codec_options=coding)
    for times in (middles, edges):
        assert seen(movie, 0, times(50, rate)) == list(range(50))
    for first in (11, 12, 13, 23, 24, 25, 36):
        assert seen(movie, first / rate, edges(3, rate)) == [first, first + 1, first + 2]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "coding"),
    [
        ("a.avi", "libx264", "yuv420p", B_FRAMES),
        ("a.avi", "mjpeg", "yuvj420p", {}),
        ("a.mxf", "libx264", "yuv420p", B_FRAMES),
        ("a.mov", "prores_ks", "yuv422p10le", {}),
        ("a.mpg", "mpeg2video", "yuv420p", {"bf": "2", "g": "12"}),
        ("a.webm", "libvpx-vp9", "yuv420p", {"g": "12", "deadline": "realtime", "cpu-used": "8"}),
    ],
)
def test_every_frame_is_found_in_other_containers(
    tmp_path: Path, name: str, codec: str, pixel_format: str, coding: dict[str, str]
) -> None:
    """Noise shows which frame it is under any coding: the nearest of the originals."""
    random = np.random.default_rng(0)
    originals = random.integers(0, 256, (50, 4, 4, 1), dtype=np.uint8)
    pictures = originals.repeat(16, 1).repeat(16, 2).repeat(3, 3)
    movie = write_movie(
        tmp_path / name, pictures, size=(64, 64), codec=codec, pixel_format=pixel_format, codec_options=coding
    )
    for first in (0, 11, 12, 13, 37, 46):
        span = MediaSpan(path=movie, digest="", start_s=Fraction(first, 25), duration_s=Fraction(1))
        frames = decode_span(span, times_s=np.array([0.02, 0.06, 0.10, 0.14]), size=4)
        distances = np.abs(frames.pixels[:, None].astype(int) - originals[None]).mean(axis=(2, 3, 4))
        assert distances.argmin(axis=1).tolist() == [first, first + 1, first + 2, first + 3]


def test_speeds(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4")
    start = Fraction(10, 25)
    assert seen(movie, start, middles(8, Fraction(25)), 2) == [11, 13, 15, 17, 19, 21, 23, 25]
    assert seen(movie, start, middles(6, Fraction(25)), Fraction(1, 2)) == [10, 10, 11, 11, 12, 12]
    assert seen(movie, start, middles(5, Fraction(25)), 0) == [10] * 5


def test_a_ramp_bends_at_its_knots_and_goes_on_beyond_them(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4", rate=Fraction(25))
    knots = ((Fraction(0), Fraction(1)), (Fraction(2, 5), Fraction(7, 5)), (Fraction(4, 5), Fraction(11, 5)))
    span = MediaSpan(path=movie, digest="", start_s=Fraction(1), duration_s=Fraction(4, 5), ramp=knots)
    times_s = np.array([float(t) for t in middles(18, Fraction(25))]) - 0.04
    # One second in at normal speed, then, from ten frames on, two frames at a time.
    assert frames_of(decode_span(span, times_s=times_s, size=8).pixels) == [24, *range(25, 35), *range(36, 50, 2)]


@pytest.mark.parametrize("coding", [{"g": "250"}, OPEN_GOP])
def test_reverse_starts_at_the_far_edge_and_never_shows_what_lies_beyond(
    tmp_path: Path, coding: dict[str, str]
) -> None:
    movie = grey_movie(tmp_path / "a.mp4", codec_options=coding)
    backwards = [19, 18, 17, 16, 15, 14]
    assert seen(movie, Fraction(20, 25), middles(6, Fraction(25)), -1) == backwards
    assert seen(movie, Fraction(20, 25), edges(6, Fraction(25)), -1) == backwards
    assert seen(movie, Fraction(50, 25), middles(3, Fraction(25)), -2) == [48, 46, 44]


def test_times_may_come_in_any_order_and_repeat(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4")
    assert seen(movie, 0, [1.0, 0.2, 0.2, 1.96, 0.0]) == [25, 5, 5, 49, 0]
    assert seen(movie, 0, []) == []


def test_handles_reach_before_the_cut_and_hold_the_ends_of_the_media(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4")
    assert seen(movie, Fraction(1), [-0.1, -0.04, 0.0]) == [22, 24, 25]
    assert seen(movie, Fraction(0), [-1.0, -0.04, 0.0, 0.04]) == [0, 0, 0, 1]
    assert seen(movie, Fraction(48, 25), [0.0, 0.04, 0.08, 5.0]) == [48, 49, 49, 49]
    assert seen(movie, Fraction(5, 2), [0.0]) == [49]


def test_a_span_past_the_end_is_refused(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4")
    for start_s in (Fraction(301, 100), Fraction(3600)):
        with pytest.raises(MediaError, match=r"past the end of .*a\.mp4"):
            seen(movie, start_s, [0.0, 1.0])


def test_a_still_picture_has_no_end(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), (grey_of(7),) * 3).save(tmp_path / "a.png")
    assert seen(tmp_path / "a.png", 3600, [0.0, 9.0]) == [7, 7]


def test_long_gaps_are_skipped_by_seeking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_reader, "_LONGEST_GAP_S", Fraction(1, 2))
    movie = grey_movie(tmp_path / "a.mp4", count=100, codec_options=B_FRAMES)
    assert seen(movie, 0, [0.1, 0.14, 1.5, 1.9, 9.0]) == [2, 3, 37, 47, 49]


def test_each_frame_holds_until_the_next_one_at_variable_rate(tmp_path: Path) -> None:
    pts = [0, 10, 35, 60, 200]
    movie = grey_movie(tmp_path / "a.mp4", count=5, pts=pts, time_base=Fraction(1, 100))
    assert seen(movie, 0, [0.0, 0.099, 0.1, 0.349, 0.35, 0.6, 1.99, 2.0]) == [0, 0, 1, 1, 2, 3, 3, 4]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_media_time_starts_with_the_first_picture(tmp_path: Path, suffix: str) -> None:
    movie = grey_movie(tmp_path / f"a{suffix}", pts=range(1000, 1050), codec_options=B_FRAMES)
    assert seen(movie, Fraction(10, 25), middles(4, Fraction(25))) == [10, 11, 12, 13]


def test_a_truncated_movie_gives_what_is_there(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4", count=100, size=(64, 64), container_options={"movflags": "faststart"})
    whole = movie.read_bytes()
    movie.write_bytes(whole[: whole.index(b"mdat") + (len(whole) - whole.index(b"mdat")) // 2])
    assert seen(movie, 0, edges(5, Fraction(25))) == [0, 1, 2, 3, 4]
    *_, held, last = seen(movie, 1, [0.0, 1.4, 1.8])
    assert held == last
    movie.write_bytes(whole[: whole.index(b"mdat") + 16])
    with pytest.raises(MediaError, match=r"a\.mp4"):
        seen(movie, 0, [0.0])


def test_what_has_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no picture"):
        seen(sound_file(tmp_path / "sound.m4a"), 0, [0.0])
    with pytest.raises(MediaError, match="does not exist"):
        seen(tmp_path / "gone.mov", 0, [0.0])


def _noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _decoded(movie: Path, size: int) -> NDArray[np.int64]:
    span = MediaSpan(path=movie, digest="", start_s=Fraction(0), duration_s=Fraction(1))
    return decode_span(span, times_s=np.array([0.0]), size=size).pixels[0].astype(int)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_a_whole_factor_is_a_box_average(tmp_path: Path, factor: int) -> None:
    picture = _noise(16 * factor, 16 * factor)
    movie = write_movie(
        tmp_path / "a.mkv", [picture], size=(16 * factor, 16 * factor), codec="ffv1", pixel_format="bgr0"
    )
    expected = np.asarray(Image.fromarray(picture).reduce(factor), int)
    assert np.array_equal(_decoded(movie, 16), expected)


def test_a_large_picture_is_averaged_too(tmp_path: Path) -> None:
    picture = _noise(16 * 12, 16 * 12)
    movie = write_movie(tmp_path / "a.mkv", [picture], size=(192, 192), codec="ffv1", pixel_format="bgr0")
    expected = np.asarray(Image.fromarray(picture).reduce(12), int)
    assert np.abs(_decoded(movie, 16) - expected).max() <= 3


def test_the_centre_is_kept(tmp_path: Path) -> None:
    picture = np.zeros((32, 96, 3), np.uint8)
    picture[:, 32:64] = 200
    movie = write_movie(tmp_path / "a.mkv", [picture], size=(96, 32), codec="ffv1", pixel_format="bgr0")
    assert (_decoded(movie, 32) == 200).all()


def test_wide_pixels_are_made_square(tmp_path: Path) -> None:
    """48 x 32 pixels of aspect 2 are a picture of 96 x 32: the centre third is kept."""
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:, 16:32] = 200
    movie = write_movie(tmp_path / "a.mp4", [picture], size=(48, 32), sample_aspect=Fraction(2))
    assert np.abs(_decoded(movie, 32) - 200).max() <= 3


@pytest.mark.parametrize(("rotation", "bright"), [(90, np.s_[:, :4]), (-90, np.s_[:, -4:]), (180, np.s_[-4:, :])])
def test_a_turned_picture_is_set_upright(tmp_path: Path, rotation: int, bright: tuple[slice, slice]) -> None:
    picture = np.full((16, 16, 3), 40, np.uint8)
    picture[:4] = 200
    movie = write_movie(tmp_path / "a.mp4", [picture], size=(16, 16), rotation=rotation)
    pixels = _decoded(movie, 16)
    assert pixels[bright].min() > 150
    assert (pixels > 150).sum() == 4 * 16 * 3


def test_ten_seconds_are_decoded_at_once(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4", count=250, size=(128, 128))
    span = MediaSpan(path=movie, digest="", start_s=Fraction(0), duration_s=Fraction(10))
    began = time.process_time()
    decode_span(span, times_s=np.arange(0.02, 10, 0.04), size=64)
    assert time.process_time() - began < 0.5
