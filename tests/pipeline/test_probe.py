"""What is told about a movie file, and what is said when it is none."""

import hashlib
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.errors import MediaError
from pipeline.probe import PROCEDURAL_SCENE_TAG, probe_movie
from tests.support.movies import grey_movie, sound_file


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30)])
def test_length_and_rate_are_exact(tmp_path: Path, rate: Fraction) -> None:
    movie = grey_movie(tmp_path / "a.mp4", rate=rate, count=48, size=(48, 32))
    info = probe_movie(movie)
    assert (info.rate, info.duration_s) == (rate, 48 / rate)
    assert (info.width, info.height, info.has_audio) == (48, 32, False)
    assert info.digest == hashlib.sha256(movie.read_bytes()).hexdigest()
    assert (info.start_timecode, info.is_procedural_scene) == (None, False)


def test_the_container_tells_the_length_where_the_stream_does_not(tmp_path: Path) -> None:
    info = probe_movie(grey_movie(tmp_path / "a.mkv", count=50))
    assert info.duration_s == 2


def test_a_live_recording_is_measured_by_its_packets(tmp_path: Path) -> None:
    movie = grey_movie(tmp_path / "a.mkv", count=50, container_options={"live": "1"})
    assert abs(probe_movie(movie).duration_s - 2) <= Fraction(1, 1000)


def test_wherever_a_movie_is_cut_off_there_is_one_sentence(tmp_path: Path) -> None:
    # The index in front: a file that was cut off inside it names a picture but not how it is coded.
    whole = grey_movie(tmp_path / "a.mp4", count=10, container_options={"movflags": "faststart"}).read_bytes()
    movie = tmp_path / "cut.mp4"
    said = set()
    for length in range(40, len(whole), 25):
        movie.write_bytes(whole[:length])
        try:
            probe_movie(movie)
        except MediaError as error:
            said.add(str(error).removeprefix(str(movie)).partition("(")[2].partition(")")[0])
    assert "how its picture is coded is missing" in said


def test_timecode_and_scene_tag_are_read(tmp_path: Path) -> None:
    metadata = {"timecode": "01:00:00:00", "comment": PROCEDURAL_SCENE_TAG}
    info = probe_movie(grey_movie(tmp_path / "a.mov", metadata=metadata))
    assert (info.start_timecode, info.is_procedural_scene) == ("01:00:00:00", True)


def test_a_still_frame_rate_tag_is_not_needed(tmp_path: Path) -> None:
    pts = [0, 10, 35, 60, 200]
    movie = grey_movie(tmp_path / "a.mp4", count=5, pts=pts, time_base=Fraction(1, 100))
    assert probe_movie(movie).duration_s >= 2


def test_a_digest_is_kept_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    movie = grey_movie(tmp_path / "a.mp4", count=5)
    first = probe_movie(movie).digest
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
        assert probe_movie(movie).digest == first
    with movie.open("ab") as file:
        file.write(b"\0" * 8)
    os.utime(movie, ns=(1, 1))
    assert probe_movie(movie).digest == hashlib.sha256(movie.read_bytes()).hexdigest() != first


def _truncated(folder: Path) -> Path:
    movie = grey_movie(folder / "truncated.mp4")
    movie.write_bytes(movie.read_bytes()[:-400])
    return movie


def _with_content(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "gone.mov", "does not exist"),
        (lambda folder: folder, "is a folder"),
        (_with_content("zero.mov", b""), "is empty"),
        (_with_content("text.mov", b"not a movie\n" * 50), "cannot be read as a movie"),
        (_with_content("notes.txt", b"not a movie\n" * 50), "not a movie|cannot be read as a movie"),
        (_truncated, "cannot be read as a movie"),
        (lambda folder: sound_file(folder / "sound.m4a"), "has no picture"),
        (lambda folder: folder / ("x" * 300 + ".mov"), "cannot be reached|does not exist"),
        (lambda folder: folder / "nul\0.mov", "cannot be reached|does not exist"),
    ],
)
def test_what_is_no_movie_is_refused_in_one_sentence(tmp_path: Path, make: Callable[[Path], Path], reason: str) -> None:
    path = make(tmp_path)
    with pytest.raises(MediaError, match=reason) as refused:
        probe_movie(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_name_that_looks_like_an_address_or_a_pattern_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("concat:a#1.mp4", "shot %04d.mp4", "-i.mp4", "\u96e8.mp4"):
        grey_movie(tmp_path / "plain.mp4", count=5).rename(name)
        assert probe_movie(Path(name)).duration_s == Fraction(1, 5)
