"""Stored takes and features: found exactly as put, never when damaged, safe for many writers."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.clip_store import ClipStore, FeatureStore
from pipeline.errors import OutputError
from pipeline.records import ClipReceipt, FoleyClip, ShotFeatures, Stream, TakeScore, clip_features
from tests.support.sounds import noise, stored
from tests.support.waiting import PATIENCE_S

KEY = "ab" + "0" * 62
OTHER = "ab" + "1" * 62
CLIP = FoleyClip(samples=noise(4801, channels=2), sample_rate_hz=48_000)


def _put(store: ClipStore, key: str = KEY) -> ClipReceipt:
    return store.put(
        key, CLIP, active_spans_s=((0.1, 1 / 3), (0.7, 0.9)), confidence=float(np.float32(0.3)), seconds=1.7
    )


def test_a_take_is_found_exactly_as_it_was_put(tmp_path: Path) -> None:
    store = ClipStore(tmp_path / "store")
    receipt = _put(store)
    assert store.find(KEY) == receipt == ClipStore(tmp_path / "store").find(KEY)
    assert store.find(OTHER) is None
    assert receipt.wav == tmp_path / "store" / "ab" / f"{KEY}.wav"
    assert (receipt.samples, receipt.sample_rate_hz) == (4801, 48_000)
    assert receipt.active_spans_s == ((0.1, 1 / 3), (0.7, 0.9))
    assert receipt.peak == float(np.abs(CLIP.samples).max())
    assert np.array_equal(stored(receipt.wav), CLIP.samples)
    assert hash(receipt) == hash(store.find(KEY))


def test_a_silent_take_is_kept_too(tmp_path: Path) -> None:
    store = ClipStore(tmp_path)
    silence = FoleyClip(samples=np.zeros((1, 0), np.float32), sample_rate_hz=48_000)
    assert store.find(KEY) is None
    receipt = store.put(KEY, silence)
    assert receipt.silent and store.find(KEY) == receipt


def test_a_store_may_be_moved_and_named_relatively(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = _put(ClipStore(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    monkeypatch.chdir(tmp_path)
    moved = ClipStore(Path("new")).find(KEY)
    assert moved == replace(receipt, wav=tmp_path / "new" / "ab" / f"{KEY}.wav")


def _flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "no sidecar": lambda wav: wav.with_suffix(".json").unlink(),
    "no sound": lambda wav: wav.unlink(),
    "sound cut short": lambda wav: os.truncate(wav, 900),
    "sound empty": lambda wav: os.truncate(wav, 0),
    "one bit of the sound": lambda wav: _flip(wav, -1),
    "sidecar cut short": lambda wav: os.truncate(wav.with_suffix(".json"), 40),
    "sidecar empty": lambda wav: os.truncate(wav.with_suffix(".json"), 0),
    "sidecar not text": lambda wav: wav.with_suffix(".json").write_bytes(b"\xff\xfe\0"),
    "sidecar a list": lambda wav: wav.with_suffix(".json").write_text("[]"),
    "sidecar of strings": lambda wav: wav.with_suffix(".json").write_text('{"facts": "x", "check": "y"}'),
    "sidecar without check": lambda wav: wav.with_suffix(".json").write_text('{"facts": {"schema": 1}}'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_take_is_a_miss_and_gets_replaced(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    store = ClipStore(tmp_path)
    receipt = _put(store)
    damage(receipt.wav)
    assert store.find(KEY) is None
    assert _put(store) == receipt == store.find(KEY)


def test_every_fact_of_the_sidecar_is_vouched_for(tmp_path: Path) -> None:
    store = ClipStore(tmp_path)
    sidecar = _put(store).wav.with_suffix(".json")
    whole = json.loads(sidecar.read_text())
    for name in whole["facts"]:
        sidecar.write_text(json.dumps({**whole, "facts": {**whole["facts"], name: 3}}))
        assert store.find(KEY) is None


def test_a_score_is_kept_to_the_last_digit(tmp_path: Path) -> None:
    score = TakeScore(total=1 / 3, presence=0.1 + 0.2, level=None, label=0.88, clipping=0.0001, speech=0.5)
    receipt = ClipStore(tmp_path).put(KEY, CLIP, score=score)
    assert receipt.score == score
    assert ClipStore(tmp_path).find(KEY) == receipt


def _as_kept_before_scores(sidecar: Path) -> None:
    facts = json.loads(sidecar.read_text())["facts"] | {"schema": 1}
    del facts["score"]
    check = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    sidecar.write_text(json.dumps({"facts": facts, "check": check}))


def test_a_take_from_before_scores_still_serves(tmp_path: Path) -> None:
    store = ClipStore(tmp_path)
    receipt = store.put(KEY, CLIP, active_spans_s=((0.1, 0.2),), score=TakeScore(total=0.5, presence=0.5))
    _as_kept_before_scores(receipt.wav.with_suffix(".json"))
    assert store.find(KEY) == replace(receipt, score=None)


def test_a_take_of_a_later_kind_is_a_miss(tmp_path: Path) -> None:
    receipt = _put(ClipStore(tmp_path))
    sidecar = receipt.wav.with_suffix(".json")
    facts = json.loads(sidecar.read_text())["facts"] | {"schema": 3}
    check = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    sidecar.write_text(json.dumps({"facts": facts, "check": check}))
    assert ClipStore(tmp_path).find(KEY) is None


def test_a_take_under_another_key_is_not_found(tmp_path: Path) -> None:
    store = ClipStore(tmp_path)
    wav = _put(store).wav
    for suffix in (".wav", ".json"):
        wav.with_suffix(suffix).rename(wav.with_name(OTHER + suffix))
    assert store.find(OTHER) is None


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "a/b", "x" * 200])
def test_a_key_is_no_path(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not a content key"):
        ClipStore(tmp_path).find(key)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        _put(ClipStore(tmp_path / "store"))
    assert ClipStore(tmp_path / "store").find(KEY) is None


def test_folders_in_place_of_files_are_a_miss(tmp_path: Path) -> None:
    (tmp_path / "ab" / f"{KEY}.json").mkdir(parents=True)
    (tmp_path / "ab" / f"{KEY}.npz").mkdir()
    assert ClipStore(tmp_path).find(KEY) is None
    assert FeatureStore(tmp_path).find(KEY) is None


_WRITER = """
import sys, numpy as np
from pathlib import Path
from typing import Any
from pipeline.clip_store import ClipStore
from pipeline.records import FoleyClip
store, key = ClipStore(Path(sys.argv[1])), sys.argv[2]
clip = FoleyClip(samples=np.full((1, 48_000), 0.25, np.float32), sample_rate_hz=48_000)
for _ in range(40):
    receipt = store.put(key, clip, seconds=1.0)
    found = store.find(key)
    assert found is None or found == receipt
"""


def test_two_processes_may_put_the_same_take(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path), KEY]
    writers = [subprocess.Popen(command, cwd=Path(__file__).parents[2]) for _ in range(2)]
    assert [writer.wait(PATIENCE_S) for writer in writers] == [0, 0]
    found = ClipStore(tmp_path).find(KEY)
    assert found is not None and found.samples == 48_000
    assert sorted(path.suffix for path in (tmp_path / "ab").iterdir()) == [".json", ".wav"]


def _features() -> ShotFeatures:
    embeddings = np.random.default_rng(0).standard_normal((5, 16)).astype(np.float32)
    return clip_features(embeddings, np.arange(5) / 3)


def test_features_are_found_exactly_as_they_were_put(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    assert store.find(KEY) is None
    store.put(KEY, _features())
    found = store.find(KEY)
    assert found is not None
    assert np.array_equal(found.clip.values, _features().clip.values)
    assert np.array_equal(found.clip.times_s, _features().clip.times_s)
    assert (found.clip.values.dtype, found.clip.times_s.dtype) == (np.float32, np.float64)


def test_every_stream_is_found_on_its_own_clock(tmp_path: Path) -> None:
    onset = Stream(values=np.array([0.1, 0.9], np.float32), times_s=np.array([0.25, 0.75]))
    sync = Stream(values=np.ones((25, 3), np.float32), times_s=(np.arange(25) + 0.5) / 25)
    FeatureStore(tmp_path).put(KEY, ShotFeatures(streams={**_features().streams, "onset": onset, "sync": sync}))
    found = FeatureStore(tmp_path).find(KEY)
    assert found is not None and sorted(found.streams) == ["clip", "onset", "sync"]
    for name, put in (("onset", onset), ("sync", sync)):
        assert np.array_equal(found.streams[name].values, put.values)
        assert np.array_equal(found.streams[name].times_s, put.times_s)


@pytest.mark.parametrize("with_onsets", [False, True])
def test_features_that_were_kept_before_streams_had_names_are_found(with_onsets: bool, tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"frame_embeddings": _features().clip.values, "times_s": _features().clip.times_s}
    if with_onsets:
        arrays |= {"onset_probability": np.array([0.5], np.float32), "onset_times_s": np.array([0.5])}
    npz = tmp_path / "ab" / f"{KEY}.npz"
    npz.parent.mkdir()
    np.savez(npz, **arrays)
    npz.with_suffix(".sha256").write_text(hashlib.sha256(npz.read_bytes()).hexdigest())
    found = FeatureStore(tmp_path).find(KEY)
    assert found is not None and np.array_equal(found.clip.values, arrays["frame_embeddings"])
    assert ("onset" in found.streams) is with_onsets


def test_damaged_features_are_a_miss_wherever_the_damage_is(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    store.put(KEY, _features())
    npz = tmp_path / "ab" / f"{KEY}.npz"
    whole = npz.read_bytes()
    for at in range(0, len(whole), 7):
        npz.write_bytes(whole)
        _flip(npz, at)
        assert store.find(KEY) is None
    for damage in (whole[:-10], b""):
        npz.write_bytes(damage)
        assert store.find(KEY) is None
    store.put(KEY, _features())
    assert store.find(KEY) is not None
