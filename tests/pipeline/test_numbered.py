"""Image sequences: which of the numbered pictures is seen when; picture i is one flat grey that tells i."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.decode import decode_span
from pipeline.errors import MediaError
from pipeline.preview import PreviewShot, write_preview
from pipeline.probe import probe_movie, probe_quick
from pipeline.records import MediaSpan, Numbering
from tests.support.movies import frame_of, frames_of, grey_pictures

RATE = Fraction(24)
NTSC = Fraction(24000, 1001)


def seen(span: MediaSpan, times_s: Sequence[Fraction]) -> list[int]:
    return frames_of(decode_span(span, times_s=np.array([float(time_s) for time_s in times_s]), size=8).pixels)


def span_of(pattern: Path, first: int | None = None, rate: Fraction = RATE, speed: Fraction | int = 1) -> MediaSpan:
    return MediaSpan(
        path=pattern,
        digest="",
        start_s=Fraction(0),
        duration_s=Fraction(2),
        speed=Fraction(speed),
        numbering=Numbering(rate=rate, first=first),
    )


@pytest.mark.parametrize("first", [0, 1, 1001, 9990])
@pytest.mark.parametrize("rate", [RATE, NTSC])
@pytest.mark.parametrize("is_told", [True, False])
def test_every_picture_is_seen_in_its_time(tmp_path: Path, first: int, rate: Fraction, is_told: bool) -> None:
    pattern = grey_pictures(tmp_path / "sea.%04d.png", range(first, first + 30), first=first)
    span = span_of(pattern, first if is_told else None, rate)
    for within in (Fraction(0), Fraction(1, 2), Fraction(99, 100)):
        assert seen(span, [(index + within) / rate for index in range(30)]) == list(range(30))
    assert seen(replace(span, start_s=17 / rate), [Fraction(0), 1 / rate]) == [17, 18]


@pytest.mark.parametrize("rate", [RATE, NTSC])
def test_pictures_reversed_retimed_and_frozen(tmp_path: Path, rate: Fraction) -> None:
    pattern = grey_pictures(tmp_path / "sea.%04d.png", range(1, 31), first=1)
    times = [index / rate for index in range(6)]
    middles = [time_s + 1 / (2 * rate) for time_s in times]
    backwards = replace(span_of(pattern, 1, rate, -1), start_s=20 / rate)
    assert seen(backwards, times) == seen(backwards, middles) == [19, 18, 17, 16, 15, 14]
    assert seen(span_of(pattern, 1, rate, 2), times) == [0, 2, 4, 6, 8, 10]
    assert seen(span_of(pattern, 1, rate, Fraction(1, 2)), times) == [0, 0, 1, 1, 2, 2]
    assert seen(replace(span_of(pattern, 1, rate, 0), start_s=7 / rate), times) == [7] * 6


def test_missing_pictures_are_held_over_and_counted(tmp_path: Path) -> None:
    pattern = grey_pictures(tmp_path / "sea.%04d.png", [1, 2, 5, 6], first=1)
    assert seen(span_of(pattern, 1), [index / RATE for index in range(8)]) == [0, 1, 1, 1, 4, 5, 5, 5]
    movie = probe_movie(pattern, Numbering(rate=RATE, first=1))
    assert (movie.duration_s, movie.missing) == (6 / RATE, 2)


def test_the_last_picture_holds_for_a_second_past_the_end(tmp_path: Path) -> None:
    pattern = grey_pictures(tmp_path / "sea.%04d.png", range(1, 11), first=1)
    assert seen(replace(span_of(pattern, 1), start_s=30 / RATE), [Fraction(0)]) == [9]
    with pytest.raises(MediaError, match=r"past the end of .*sea\.%04d\.png"):
        seen(replace(span_of(pattern, 1), start_s=35 / RATE), [Fraction(0)])


def test_every_other_number_can_be_a_picture(tmp_path: Path) -> None:
    pattern = grey_pictures(tmp_path / "sea.%04d.png", range(10, 20), first=10)
    movie = probe_movie(pattern, Numbering(rate=RATE, first=10, step=3))
    assert (movie.duration_s, movie.missing) == (12 / RATE, 0)
    span = replace(span_of(pattern), numbering=movie.numbering)
    assert seen(span, [index / RATE for index in range(7)]) == [0, 0, 0, 3, 3, 3, 6]


def test_only_names_that_the_pattern_counts_are_pictures(tmp_path: Path) -> None:
    pattern = grey_pictures(tmp_path / "sea.%02d.png", [8, 9, 10, 100], first=8)
    for other in ("sea.7.png", "sea.011.png", "sea.12.png.tmp", "Xsea.12.png", "sea.12.jpg"):
        (tmp_path / other).write_bytes(b"no picture")
    movie = probe_quick(pattern, Numbering(rate=RATE))
    assert movie.numbering == Numbering(rate=RATE, first=8)
    assert (movie.duration_s, movie.missing) == (93 / RATE, 89)


def test_what_a_sequence_is(tmp_path: Path) -> None:
    pattern = grey_pictures(tmp_path / "sea.%04d.png", range(1001, 1025), first=1001, size=(64, 48))
    movie = probe_movie(pattern, Numbering(rate=NTSC))
    assert (movie.path, movie.duration_s, movie.rate) == (pattern, 24 / NTSC, NTSC)
    assert (movie.width, movie.height, movie.has_audio, movie.missing) == (64, 48, False, 0)
    assert movie.numbering == Numbering(rate=NTSC, first=1001)


def test_the_digest_tells_what_is_shown_when_and_not_how_it_is_called(tmp_path: Path) -> None:
    def digest(pattern: Path, numbering: Numbering) -> str:
        return probe_movie(pattern, numbering).digest

    one = digest(grey_pictures(tmp_path / "sea.%04d.png", range(1, 9), first=1), Numbering(rate=RATE, first=1))
    moved = grey_pictures(tmp_path / "moved" / "lake_%d.png", range(1001, 1009), first=1001)
    shorter = grey_pictures(tmp_path / "shorter" / "sea.%04d.png", range(1, 8), first=1)
    other = grey_pictures(tmp_path / "other" / "sea.%04d.png", range(1, 9), first=0)
    assert digest(moved, Numbering(rate=RATE)) == one
    assert len({one, *(digest(path, Numbering(rate=RATE)) for path in (shorter, other))}) == 3
    assert digest(moved, Numbering(rate=NTSC)) != one
    assert digest(moved, Numbering(rate=RATE, first=1000)) != one


def test_bad_sequences_are_one_sentence(tmp_path: Path) -> None:
    for pattern, reason in (
        (tmp_path / "gone" / "sea.%04d.png", "cannot be listed"),
        (tmp_path / "sea.%04d.png", "No picture of the image sequence"),
        (tmp_path / "sea.png", "names no image sequence"),
    ):
        with pytest.raises(MediaError, match=reason):
            probe_movie(pattern, Numbering(rate=RATE))
    (tmp_path / "sea.0001.png").write_bytes(b"")
    with pytest.raises(MediaError, match=r"sea\.0001\.png is empty"):
        probe_movie(tmp_path / "sea.%04d.png", Numbering(rate=RATE))


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format"),
    [
        ("png", "png", "rgb24"),
        ("jpg", "mjpeg", "yuvj444p"),
        ("tif", "tiff", "rgb48le"),
        ("dpx", "dpx", "gbrp10be"),
        ("tga", "targa", "bgr24"),
    ],
)
def test_the_kinds_of_picture_that_film_is_rendered_to(
    tmp_path: Path, suffix: str, codec: str, pixel_format: str
) -> None:
    for level in (24, 224):
        write_picture(tmp_path / f"sea.{level:04d}.{suffix}", codec, pixel_format, level)
    span = span_of(tmp_path / f"sea.%04d.{suffix}", 24)
    pixels = decode_span(span, times_s=np.array([0.0, 200 / 24]), size=8).pixels
    assert pixels.mean(axis=(1, 2, 3)) == pytest.approx([24, 224], abs=1)


@pytest.mark.parametrize("coding", [{"format": "half", "compression": "zip16"}, {"format": "float"}])
def test_openexr_is_seen_as_on_a_screen(tmp_path: Path, coding: dict[str, str]) -> None:
    """It holds linear light: 46 of 255, which is 18 %, is the middle grey 118 of a screen."""
    write_picture(tmp_path / "sea.0001.exr", "exr", "gbrpf32le", 46, coding)
    pixels = decode_span(span_of(tmp_path / "sea.%04d.exr", 1), times_s=np.array([0.0]), size=8).pixels
    assert pixels.mean() == pytest.approx(118, abs=1)


def write_picture(path: Path, codec: str, pixel_format: str, level: int, coding: dict[str, str] | None = None) -> None:
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream(codec, rate=24, options=coding or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")
        container.mux(stream.encode(frame.reformat(format=pixel_format)))
        container.mux(stream.encode(None))


def test_a_preview_of_pictures(tmp_path: Path) -> None:
    pattern = grey_pictures(tmp_path / "sea.%04d.png", range(1, 49), first=1)
    forward = replace(span_of(pattern, 1), start_s=12 / RATE)
    shots = [
        PreviewShot(first_frame=0, frame_count=6, span=forward),
        PreviewShot(first_frame=6, frame_count=6, span=replace(forward, speed=Fraction(-1))),
    ]
    out = write_preview(tmp_path / "a.mp4", rate=RATE, frame_count=12, shots=shots, sounds=[], size=(64, 64))
    with av.open(str(out)) as container:
        shown = [frame_of(frame.to_ndarray(format="rgb24")[24:40, 24:40]) for frame in container.decode(video=0)]
    assert shown == [12, 13, 14, 15, 16, 17, 11, 10, 9, 8, 7, 6]
