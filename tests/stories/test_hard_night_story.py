"""A night with everything against it: broken media, a full memory, a decoder that hangs. The others get their sound."""

import csv
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import opentimelineio as otio
import pytest

from tests.support.dangers import DangerousEngine
from tests.support.foley_process import foley
from tests.support.movies import sound_file
from tests.support.passes import Cut, edit_of, movie

__all__ = ["edit_of", "movie"]

pytestmark = pytest.mark.slow
Movie = Callable[[str], Path]
EditOf = Callable[..., Path]
SHOTS = 200
PATIENCE_S = 15


@dataclass(frozen=True, kw_only=True)
class Bad:
    """A file that cannot become sound: which one, and what the papers must say of it."""

    media: Path
    word: str


@pytest.fixture
def bad(tmp_path: Path, movie: Movie) -> dict[int, Bad]:
    """One shot in twenty, by its number, and one whose decoder hangs."""
    folder = tmp_path / "media"
    folder.mkdir()
    whole = movie("a.mp4").read_bytes()
    contents = {"half.mp4": whole[:300], "most.mp4": whole[: len(whole) * 2 // 3], "empty.mp4": b"", "none.mov": b""}
    contents |= {"words.mp4": b"no movie at all\n" * 50, "list.mov": b'{"not": "a movie"}'}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    sound_file(folder / "sound.mp4")
    os.mkfifo(folder / "pipe.mp4")
    words = dict.fromkeys(("half.mp4", "most.mp4", "words.mp4", "list.mov"), "cannot be read as a movie")
    words |= dict.fromkeys(("empty.mp4", "none.mov"), "is empty (0 bytes)")
    words |= {"sound.mp4": "has no picture stream"}
    words |= dict.fromkeys(("gone.mov", "lost.mp4", "pipe.mp4"), "offline: looked for")
    found = {17 + 19 * n: Bad(media=folder / name, word=word) for n, (name, word) in enumerate(words.items())}
    hanging = movie("hangs.mp4")
    return found | {100: Bad(media=hanging, word=f"did not come back within {PATIENCE_S} s")}


@pytest.mark.parametrize(("device", "record"), [("cpu", "--no-prefect"), ("cpu,cpu", "--prefect")])
def test_a_hard_night_ends_with_all_that_can_be_made(
    device: str, record: str, bad: dict[int, Bad], movie: Movie, edit_of: EditOf, tmp_path: Path
) -> None:
    cuts = [
        Cut(name="train", media=bad[n].media if n in bad else movie(f"{n // 25}.mp4"), first=n % 25, count=12)
        for n in range(SHOTS)
    ]
    engine = DangerousEngine(diary=tmp_path / "diary", hanging_media={"hangs.mp4"}, full_times=2)
    arguments: list[str | Path] = ["run", edit_of(*cuts), "--no-preview", "--device", device, record]
    home = {"PREFECT_HOME": str(tmp_path / "prefect")}
    process = foley(arguments, engine.build, tmp_path, patience_s=PATIENCE_S, env=home)
    out, err = process.communicate(timeout=280)

    assert process.returncode == 3, err
    assert "Traceback" not in err
    assert f"{SHOTS - len(bad)} shots made, {len(bad)} failed" in out
    assert sum(line.startswith("full") for line in engine.lines()) == 2
    assert len(engine.takes) == SHOTS - len(bad) and set(engine.takes.values()) == {1}
    _papers_name_each(bad, tmp_path / "reel_foley")
    assert _laid(tmp_path / "reel_foley" / "reel.foley.otio") == SHOTS - len(bad)


def _papers_name_each(bad: dict[int, Bad], folder: Path) -> None:
    shots = json.loads((folder / "foley_manifest.json").read_text())["shots"]
    failed = {n: shot for n, shot in enumerate(shots) if shot["state"] == "failed"}
    assert set(failed) == set(bad)
    page = (folder / "report.html").read_text()
    for number, shot in failed.items():
        assert bad[number].word in shot["reason"], shot
        assert shot["shot_id"] in page
        assert bad[number].word in page.partition(shot["shot_id"])[2][:2000]
    with (folder / "cues.csv").open(newline="", encoding="utf-8-sig") as sheet:
        rows = list(csv.DictReader(sheet))
    # A row of a shot without sound would silence it for good once the sheet is handed back.
    heard = {shot["shot_id"] for n, shot in enumerate(shots) if n not in bad}
    assert {row["shot"] for row in rows} == heard


def _laid(edit: Path) -> int:
    """How many clips lie on our tracks."""
    timeline = otio.adapters.read_from_file(str(edit))
    return sum(isinstance(item, otio.schema.Clip) for track in timeline.audio_tracks() for item in track)
