"""The preview is the edit as the audience sees and hears it, to the frame and to the sample."""

import errno
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline import mixdown
from pipeline.errors import OutputError
from pipeline.finish import write_bwf
from pipeline.laid_sound import LaidSound
from pipeline.preview import PreviewShot, one_way_runs, write_preview
from pipeline.records import MediaSpan
from tests.support.movies import frame_of, grey_movie, write_movie

RATE = Fraction(25)
BLACK = -6


def shot(
    first_frame: int, frame_count: int, movie: Path | None, start: int = 0, speed: Fraction | int = 1
) -> PreviewShot:
    """A shot of `movie` that starts at the leading edge of its frame `start`; offline without a movie."""
    if movie is None:
        return PreviewShot(first_frame=first_frame, frame_count=frame_count, span=None)
    span = MediaSpan(path=movie, digest="", start_s=start / RATE, duration_s=frame_count / RATE, speed=Fraction(speed))
    return PreviewShot(first_frame=first_frame, frame_count=frame_count, span=span)


def preview(
    out: Path, shots: Sequence[PreviewShot], frame_count: int, sounds: Sequence[LaidSound] = (), **more: object
) -> Path:
    arguments = {"rate": RATE, "size": (64, 64), **more}
    return write_preview(out, frame_count=frame_count, shots=shots, sounds=sounds, **arguments)  # type: ignore[arg-type]


def pictures(movie: Path) -> NDArray[np.uint8]:
    """All pictures of a movie, RGB uint8 (T, H, W, 3)."""
    with av.open(str(movie)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def frames_seen(movie: Path) -> list[int]:
    return [frame_of(picture[24:40, 24:40]) for picture in pictures(movie)]


def heard(movie: Path) -> NDArray[np.float32]:
    """The sound of a movie, float32 (2, N)."""
    with av.open(str(movie)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def test_shots_follow_speed_reverse_and_freeze_and_gaps_are_black(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4", codec_options={"bf": "3", "g": "12", "preset": "veryfast"})
    shots = [
        shot(23, 4, movie, start=40, speed=0),
        shot(2, 5, movie, start=10),
        shot(7, 5, movie, start=30, speed=-1),
        shot(12, 5, movie, start=0, speed=2),
        shot(17, 4, None),
    ]
    assert frames_seen(preview(tmp_path / "p.mp4", shots, 30)) == (
        [BLACK] * 2
        + [10, 11, 12, 13, 14]
        + [29, 28, 27, 26, 25]
        + [1, 3, 5, 7, 9]
        + [BLACK] * 6
        + [40] * 4
        + [BLACK] * 3
    )


def test_a_long_reversed_shot_runs_through_its_pieces(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4", count=50, codec_options={"g": "10"})
    shown = frames_seen(preview(tmp_path / "p.mp4", [shot(0, 100, movie, start=50, speed=Fraction(-1, 2))], 100))
    assert shown == [frame for frame in range(49, -1, -1) for _ in range(2)]


def test_shots_that_overlap_or_leave_the_edit_never_change_its_length(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4")
    shots = [shot(-2, 5, movie, start=0), shot(2, 4, movie, start=20), shot(8, 50, movie, start=30)]
    shown = frames_seen(preview(tmp_path / "p.mp4", shots, 10))
    assert shown == [2, 3, 4, 21, 22, 23, BLACK, BLACK, 30, 31]


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30)])
def test_frame_count_and_rate_are_exact(tmp_path: Path, rate: Fraction) -> None:
    with av.open(str(preview(tmp_path / "p.mp4", [], 37, rate=rate))) as container:
        video = container.streams.video[0]
        assert (video.average_rate, video.frames) == (rate, 37)
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        audio = container.streams.audio[0].codec_context
        assert (audio.name, audio.sample_rate, audio.channels) == ("aac", 48_000, 2)


def test_what_cannot_be_read_is_black(tmp_path: Path) -> None:
    (tmp_path / "damaged.mov").write_bytes(b"no movie" * 100)
    movie = grey_movie(tmp_path / "a.mp4")
    shots = [shot(0, 3, tmp_path / "damaged.mov"), shot(3, 3, tmp_path / "gone.mov"), shot(6, 2, movie, start=5)]
    assert frames_seen(preview(tmp_path / "p.mp4", shots, 8)) == [BLACK] * 6 + [5, 6]


def test_wide_turned_and_full_range_pictures_are_letterboxed(tmp_path: Path) -> None:
    grey = [np.full((32, 64, 3), 200, np.uint8)]
    plain = write_movie(tmp_path / "plain.mp4", grey, size=(64, 32))
    turned = write_movie(tmp_path / "turned.mp4", grey, size=(64, 32), rotation=90)
    full_range = write_movie(tmp_path / "full.mov", grey, size=(64, 32), codec="mjpeg", pixel_format="yuvj420p")
    shots = [shot(0, 1, plain, speed=0), shot(1, 1, turned, speed=0), shot(2, 1, full_range, speed=0)]
    wide, tall, wide_too = pictures(preview(tmp_path / "p.mp4", shots, 3)).mean(axis=3)
    for picture in (wide, tall.T, wide_too):
        assert np.abs(picture[20:44] - 200).max() < 8
        assert picture[:12].max() < 16 and picture[52:].max() < 16


def test_an_edit_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no frames"):
        preview(tmp_path / "p.mp4", [], 0)


def test_an_odd_size_is_made_even(tmp_path: Path) -> None:
    assert pictures(preview(tmp_path / "p.mp4", [], 2, size=(65, 37))).shape == (2, 36, 64, 3)


def _click(path: Path, *, at: int = 100, count: int = 2000, channels: int = 1, level: float = 0.5) -> Path:
    sound = np.zeros((channels, count), np.float32)
    sound[:, at : at + 40] = level * np.sin(2 * np.pi * np.arange(40) / 20)
    write_bwf(path, sound, 48_000, time_reference=0)
    return path


@pytest.mark.parametrize("first_sample", [0, 47_950, 60_000])
def test_a_sound_is_heard_at_its_sample_on_both_sides(tmp_path: Path, first_sample: int) -> None:
    click = _click(tmp_path / "click.wav")
    sound = heard(preview(tmp_path / "p.mp4", [], 50, [LaidSound(wav=click, first_sample=first_sample)]))
    loudest = int(np.abs(sound[0]).argmax())
    assert first_sample + 100 <= loudest < first_sample + 140
    assert abs(np.abs(sound[1]).max() - 0.5) < 0.1
    assert np.abs(sound[0, : max(0, first_sample - 4000)]).max(initial=0) < 1e-3


def test_sounds_may_stick_out_at_both_ends_and_the_length_stays(tmp_path: Path) -> None:
    click = _click(tmp_path / "click.wav", channels=2)
    sounds = [LaidSound(wav=click, first_sample=first) for first in (-5000, -50, 94_000, 97_000)]
    with av.open(str(preview(tmp_path / "p.mp4", [], 50, sounds))) as container:
        stream = container.streams.audio[0]
        assert stream.duration and stream.time_base and stream.duration * stream.time_base == 2


def test_the_mix_adds_and_is_limited(tmp_path: Path) -> None:
    loud = np.full((1, 10), 0.25, np.float32)
    write_bwf(tmp_path / "a.wav", loud, 48_000, time_reference=0)
    sounds = [LaidSound(wav=tmp_path / "a.wav", first_sample=first) for first in (0, 2, 4, 4, 4)]
    mix = mixdown.Mixdown(sounds).read(-1, 16)
    limit = 10 ** (-1 / 20)
    expected = [0, 0.25, 0.25, 0.5, 0.5, *[limit] * 6, limit, limit, 0.75, 0.75, 0]
    assert mix.shape == (2, 16)
    assert np.allclose(mix, expected)


def test_a_sound_that_cannot_be_mixed_is_named(tmp_path: Path) -> None:
    write_bwf(tmp_path / "slow.wav", np.zeros((1, 10), np.float32), 44_100, time_reference=0)
    for name in ("slow.wav", "gone.wav"):
        with pytest.raises(OutputError, match=name):
            preview(tmp_path / "p.mp4", [], 2, [LaidSound(wav=tmp_path / name, first_sample=0)])
    assert not (tmp_path / "p.mp4").exists()


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OutputError, match="the disk is full"):
        preview(tmp_path / "p.mp4", [], 2)
    assert list(tmp_path.iterdir()) == []


def test_equal_edits_give_equal_pictures(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mp4")
    one, other = (preview(tmp_path / f"{name}.mp4", [shot(0, 10, movie)], 10) for name in "ab")
    assert np.array_equal(pictures(one), pictures(other))


def test_playback_can_start_before_the_whole_file_is_there(tmp_path: Path) -> None:
    content = preview(tmp_path / "p.mp4", [], 5).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_times_that_turn_round_are_read_in_runs() -> None:
    times = [Fraction(t) for t in (0, 1, 1, 3, 2, 1, 4)]
    assert list(one_way_runs(times)) == [(times[:4], False), (times[4:6], True), (times[6:], False)]
