"""Whatever the bytes: every reader reads or refuses in one sentence, in time, and touches nothing."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import aaf_files
from tests.support.mutations import mutated
from timeline_io.bundles import container_of
from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.errors import TimelineError
from timeline_io.formats import FORMATS, laying_in
from timeline_io.frames import FrameSpan
from timeline_io.laid import laid_tracks, touched
from timeline_io.lay import lay_tracks, remove_foley_tracks
from timeline_io.media import MediaSearch
from timeline_io.read import list_sequences, read_edit

FIXTURES = Path(__file__).parents[1] / "fixtures" / "timelines"
SECONDS_A_FILE = 10
SLOW_FILES = 10_000
QUICK = settings(max_examples=50, derandomize=True)
# What Python tells of itself before it changes anything on a disk, or starts a program.
_CHANGES = frozenset(
    {
        "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
        "os.utime", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "urllib.Request",
    }
)  # fmt: skip


class TooSlow(BaseException):
    """No Exception: a reader must not be able to take it for a fault of the file."""


@pytest.fixture(scope="module")
def seeds() -> dict[str, bytes]:
    """The files of the project, one at least for every reader, and a bundle."""
    found = {path.name: path.read_bytes() for path in sorted(FIXTURES.iterdir())}
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "small.otioz")
        with zipfile.ZipFile(bundle, "w") as archive:
            # Without a date: the same damage on every day.
            archive.writestr(zipfile.ZipInfo("version.txt"), b"1.0.0")
            archive.writestr(zipfile.ZipInfo("content.otio"), found["small.otio"], zipfile.ZIP_DEFLATED)
            archive.writestr(zipfile.ZipInfo("media/a.mov"), b"movie" * 100)
        found[bundle.name] = bundle.read_bytes()
        found["golden.aaf"] = aaf_files.golden(Path(folder, "golden.aaf")).read_bytes()
    return found


@contextmanager
def _watched(folder: Path) -> Iterator[list[str]]:
    """A list of what was changed outside `folder` meanwhile."""
    harm: list[str] = []
    _Watch.folder, _Watch.harm = str(folder), harm
    if not _Watch.is_set:
        # An audit hook stays for good; this one looks only while it is told a folder.
        sys.addaudithook(_Watch.look)
        _Watch.is_set = True
    try:
        yield harm
    finally:
        _Watch.folder = None


class _Watch:
    folder: str | None = None
    harm: list[str]
    is_set = False

    @classmethod
    def look(cls, event: str, details: tuple[Any, ...]) -> None:
        if cls.folder is None:
            return
        writes = event == "open" and _opens_to_write(*details[1:3])
        # A number is a file that was opened before, and a name may be one in a folder that was: both were seen then.
        in_open_folder = event in ("os.remove", "os.rmdir", "os.mkdir") and details[-1] not in (None, -1)
        if not details or isinstance(details[0], int) or in_open_folder:
            return
        if (writes or event in _CHANGES) and not str(details[0]).startswith(cls.folder):
            cls.harm.append(f"{event} {details[0]}")


def _opens_to_write(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(sign in mode for sign in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


@contextmanager
def _time_limit(seconds: float = SECONDS_A_FILE) -> Iterator[None]:
    """TooSlow after that time, where the system has an alarm clock."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: Any) -> None:
        raise TooSlow(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _outcome(path: Path, data: bytes) -> str:
    """Read `path` with the bytes `data`, and lay into what could be read: "read" or the kind of the refusal."""
    path.write_bytes(data)
    with _watched(path.parent) as harm, _time_limit():
        try:
            edit = read_edit(path, media=MediaSearch(edit_folder=path.parent, cache=path.parent / "cache"))
        except TimelineError as error:
            _check_sentence(error)
            outcome = type(error).__name__
        else:
            assert all(shot.record.count > 0 for shot in edit.shots)
            if laying_in(edit.format):
                _lay_and_remove(edit)
            outcome = "read"
    assert harm == []
    assert path.read_bytes() == data
    return outcome


def _lay_and_remove(edit: Edit) -> None:
    """Tracks go in and come out of what could be read, or are refused in one sentence."""
    span = FrameSpan(first=edit.start_frame, count=5, rate=edit.rate)
    takes = edit.path.parent / "takes"
    takes.mkdir(exist_ok=True)
    (takes / "a.wav").write_bytes(b"sound")
    clip = PlacedClip(name="a", wav=takes / "a.wav", record=span, shot_id="sh0010", label="rain")
    tracks = [FoleyTrack(name="FOLEY Props 1", clips=(clip,))]
    suffix = edit.path.suffix
    try:
        laid = lay_tracks(edit, tracks, edit.path.with_name(f"laid{suffix}"))
        bare = remove_foley_tracks(laid, edit.path.with_name(f"bare{suffix}"), takes=takes, sequence=edit.name)
    except TimelineError as error:
        _check_sentence(error)
        return
    assert container_of(bare).timeline() == container_of(edit.path).timeline()
    again = read_edit(laid, sequence=edit.name if len(list_sequences(laid)) > 1 else None)
    (track,) = laid_tracks(again, [takes])
    assert [sound.record for sound in track.clips] == [span] and touched(track, [clip]) == ""
    assert [shot.record for shot in again.shots] == [shot.record for shot in edit.shots]
    twice = lay_tracks(again, tracks, edit.path.with_name(f"twice{suffix}"))
    assert container_of(twice).timeline() == container_of(laid).timeline()


def _check_sentence(error: TimelineError) -> None:
    message = str(error)
    assert message and "\n" not in message and len(message) < 2000
    message.encode("utf-8", "replace")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is also where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_every_reader_has_a_file_to_start_from(seeds: dict[str, bytes], place: Path) -> None:
    formats = set()
    for name, data in seeds.items():
        (place / name).write_bytes(data)
        formats.add(read_edit(place / name).format)
    assert formats >= {known.name for known in FORMATS}


def test_the_watch_and_the_clock_work(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x"
    with _watched(place) as harm:
        (place / "inside").write_bytes(b"")
        assert harm == []
        outside.write_bytes(b"")
        outside.unlink()
    assert harm == [f"open {outside}", f"os.remove {outside}"]
    with pytest.raises(TooSlow), _time_limit(0.05):
        time.sleep(3600)


@pytest.mark.parametrize(
    "name",
    [
        "golden.edl",
        "golden.fcpxml",
        pytest.param("golden.aaf", marks=pytest.mark.steady),
        "small.otio",
        "small.xml",
        "small.otioz",
    ],
)
def test_damaged_files_are_read_or_refused(seeds: dict[str, bytes], place: Path, name: str) -> None:
    @QUICK
    @given(chance=st.randoms(use_true_random=False), other=st.sampled_from(sorted(seeds)))
    def check(chance: Random, other: str) -> None:
        _outcome(place / f"cut{Path(name).suffix}", mutated(seeds[name], seeds[other], chance))

    check()


@pytest.mark.slow
def test_ten_thousand_damaged_files(seeds: dict[str, bytes], place: Path) -> None:
    names = sorted(seeds)
    outcomes: Counter[str] = Counter()
    for number in range(SLOW_FILES):
        chance = Random(number)
        name, other = names[number % len(names)], chance.choice(names)
        data = mutated(seeds[name], seeds[other], chance)
        try:
            outcomes[_outcome(place / f"cut{Path(name).suffix}", data)] += 1
        except BaseException as error:
            raise AssertionError(f"file {number}, made of {name}: {error!r}") from error
    print(dict(outcomes))
    assert outcomes["read"] > SLOW_FILES // 20 and len(outcomes) >= 3
