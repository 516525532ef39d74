"""Looking after a store: what is used stays, what is told to go goes, and nothing else."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from flows.store import note_use
from flows.store_care import damaged, entries, left_over, superfluous, uses
from pipeline.clip_store import ClipStore, FeatureStore
from pipeline.records import FoleyClip, clip_features
from plugin.cli import exit_code_of

DAY_S = 24 * 3600.0
KEYS = ["aa" + "0" * 62, "ab" + "1" * 62, "cd" + "2" * 62]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three takes of half a second, used 1, 40 and 90 days ago, and features that were used 90 days ago."""
    root = tmp_path / "store"
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 24_000)).astype(np.float32)
    for key, days in zip(KEYS, (1.5, 40, 90), strict=True):
        ClipStore(root / "clips").put(key, FoleyClip(samples=noise, sample_rate_hz=48_000))
        _used(root / "clips" / key[:2], days)
    seen = clip_features(np.ones((4, 8), np.float32), np.arange(4) / 8 + 1 / 16)
    FeatureStore(root / "features").put(KEYS[0], seen)
    _used(root / "features" / "aa", 90)
    return root


def _used(folder: Path, days: float) -> None:
    then = time.time() - days * DAY_S
    for file in folder.iterdir():
        os.utime(file, (then, then))


def _kept(store: Path) -> set[str]:
    return {f"{entry.part}/{entry.key[:2]}" for entry in entries(store)}


def _pass_over(edit: Path, store: Path, *keys: str) -> None:
    """What a pass leaves of itself."""
    folder = edit.parent / f"{edit.stem}_foley"
    folder.mkdir()
    edit.write_text("{}")
    shots = [{"cues": [{"key": key} for key in keys]}]
    (folder / "foley_manifest.json").write_text(json.dumps({"what": "smooth-foley manifest", "shots": shots}))
    note_use(store, edit, folder)


def test_what_was_not_used_for_long_goes(store: Path) -> None:
    going = superfluous(store, older_than_s=60 * DAY_S)
    assert {f"{entry.part}/{entry.key[:2]}" for entry in going} == {"clips/cd", "features/aa"}
    for entry in going:
        entry.remove()
    assert _kept(store) == {"clips/aa", "clips/ab"}
    assert [ClipStore(store / "clips").find(key) is not None for key in KEYS] == [True, True, False]


def test_a_take_that_is_used_is_young_again(store: Path) -> None:
    assert ClipStore(store / "clips").find(KEYS[2])
    assert {entry.part for entry in superfluous(store, older_than_s=60 * DAY_S)} == {"features"}


def test_the_longest_unused_go_until_the_rest_is_small_enough(store: Path) -> None:
    size = next(entry.bytes for entry in entries(store) if entry.part == "clips")
    assert {entry.key for entry in superfluous(store, most_bytes=int(1.5 * size)) if entry.part == "clips"} == set(
        KEYS[1:]
    )
    assert superfluous(store, most_bytes=100 * size) == []


def test_what_was_used_within_a_day_stays_whatever_is_said(store: Path) -> None:
    for part in ("clips", "features"):
        for folder in (store / part).iterdir():
            _used(folder, 0.5)
    assert superfluous(store, older_than_s=0, most_bytes=0, unused=True) == []


def test_takes_of_edits_that_still_stand_stay(store: Path, tmp_path: Path) -> None:
    _pass_over(tmp_path / "reel.otio", store, KEYS[1])
    _pass_over(tmp_path / "gone.otio", store, KEYS[2])
    (tmp_path / "gone.otio").unlink()
    assert {(use.edit.name, use.stands) for use in uses(store)} == {("reel.otio", True), ("gone.otio", False)}
    assert {entry.key for entry in superfluous(store, unused=True)} == {KEYS[0], KEYS[2]}


def test_damage_is_found_and_half_written_files_are_swept(store: Path) -> None:
    assert list(damaged(store, entries(store))) == []
    wav = store / "clips" / "ab" / f"{KEYS[1]}.wav"
    wav.write_bytes(wav.read_bytes()[:-1])
    half = store / "clips" / "ab" / ".0123.part.wav"
    half.write_bytes(b"RIFF")
    assert list(damaged(store, entries(store))) == [wav.with_suffix(".json")]
    assert list(left_over(store)) == [] and list(left_over(store, now=time.time() + 2 * DAY_S)) == [half]


def test_the_command_says_what_there_is_and_what_goes(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["store", "stats", "--store", str(store), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {part: row["entries"] for part, row in told["parts"].items()} == {"clips": 3, "features": 1, "spots": 0}
    assert told["parts"]["clips"]["unused_for_a_month"] == 2

    command = ["store", "prune", "--store", str(store), "--older-than", "60d"]
    assert exit_code_of([*command, "--dry-run"]) == 0
    assert "2 entries" in capsys.readouterr().out and len(_kept(store)) == 4
    assert exit_code_of(command) == 0 and len(_kept(store)) == 2

    (store / "clips" / "aa" / f"{KEYS[0]}.wav").unlink()
    assert exit_code_of(["store", "verify", "--store", str(store)]) == 1
    assert f"{KEYS[0]}.json is damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["prune"], "say what may go, with --older-than, --to-size or --unused"),
        (
            ["prune", "--older-than", "soon"],
            "--older-than soon: write a number and h, d, w, for example",
        ),
        (["prune", "--to-size", "5"], "--to-size 5: write a number and MB, GB, TB"),
        (["stats"], "there is no store in"),
    ],
)
def test_wrong_usage_is_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(["store", *words, "--store", str(tmp_path / "none")]) == 2
    assert sentence in capsys.readouterr().err
