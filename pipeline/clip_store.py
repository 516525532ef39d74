"""Finished takes and picture features, kept under their content keys so that nothing is made twice.

An entry is `root/<first two of the key>/<key>.wav` (or `.npz`) with a small file beside it that is written last and
vouches for it by digest. Whatever does not fit together (half-written, damaged, changed) is as good as absent and
gets replaced.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.bwf import write_bwf
from pipeline.curve import DetectionCurve, curve_from, plain_curve
from pipeline.errors import OutputError
from pipeline.files import make_shared_folder, mark_used, replacing, sha256_of
from pipeline.records import ClipReceipt, FoleyClip, ShotFeatures, Stream, TakeScore

_SCHEMA = 2
_UNSCORED_SCHEMA = 1  # such takes still serve; only how good they are is not known
_ASIDE = "smooth-foley-take-"
_KEY = re.compile(r"[0-9A-Za-z_-]{2,128}")
_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class ClipStore:
    """Takes by key. Safe for many processes: entries appear whole, and the last of two equal writers wins."""

    root: Path

    def find(self, key: str, *, touch: bool = True) -> ClipReceipt | None:
        """The receipt of a stored take whose sound is on the disk as it was written; else None. touch: it is used."""
        wav = _entry(self.root, key, ".wav")
        try:
            receipt = _receipt_from(wav.with_suffix(".json").read_bytes(), wav)
            intact = receipt.key == key and receipt.sha256 == sha256_of(wav)
        except _DAMAGED:
            return None
        if not intact:
            return None
        if touch:
            mark_used(wav.with_suffix(".json"))
        return receipt

    def curve(self, key: str) -> DetectionCurve | None:
        """How surely the sound was seen in the picture; None for a take that is from before curves were kept."""
        try:
            return curve_from(json.loads(_entry(self.root, key, ".json").read_bytes())["curve"])
        except _DAMAGED:
            return None

    def put(
        self,
        key: str,
        clip: FoleyClip,
        *,
        active_spans_s: Sequence[tuple[float, float]] = (),
        confidence: float = 0.0,
        seconds: float = 0.0,
        score: TakeScore | None = None,
        unseen: bool = False,
        curve: DetectionCurve | None = None,
    ) -> ClipReceipt:
        """Store a take, samples (C, N), and return the receipt that `find` will give.

        `active_spans_s` are the seconds in which something sounds, `seconds` the time it took to make, `score` how
        good it is, `unseen` whether the detector found nothing, `curve` what it saw.
        Raises OutputError when it cannot be written.
        """
        wav = _entry(self.root, key, ".wav")
        make_shared_folder(wav.parent, self.root.absolute())
        write_bwf(wav, clip.samples, clip.sample_rate_hz, time_reference=0)
        receipt = ClipReceipt(
            key=key,
            wav=wav,
            sha256=sha256_of(wav),
            samples=clip.samples.shape[-1],
            sample_rate_hz=clip.sample_rate_hz,
            peak=float(np.abs(clip.samples).max(initial=0.0)),
            active_spans_s=tuple((float(start_s), float(end_s)) for start_s, end_s in active_spans_s),
            confidence=float(confidence),
            seconds=float(seconds),
            score=score,
            unseen=unseen,
        )
        with replacing(wav.with_suffix(".json")) as temporary:
            temporary.write_bytes(_sidecar_of(receipt, curve))
        return receipt


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """What was seen in a shot, by key; the same promises as ClipStore."""

    root: Path

    def find(self, key: str, *, touch: bool = True) -> ShotFeatures | None:
        """The stored features, or None when absent or damaged. touch: they are used."""
        npz = _entry(self.root, key, ".npz")
        try:
            if npz.with_suffix(".sha256").read_text(encoding="utf-8") != sha256_of(npz):
                return None
            with np.load(npz, allow_pickle=False) as arrays:
                found = _features_from({name: arrays[name] for name in arrays.files})
        except _DAMAGED:
            return None
        if touch:
            mark_used(npz.with_suffix(".sha256"))
        return found

    def holds(self, key: str) -> bool:
        """Whether there are features under this key, whole or damaged: a quick look, for estimates."""
        return _entry(self.root, key, ".sha256").is_file()

    def put(self, key: str, features: ShotFeatures) -> None:
        """Store what was seen. Raises OutputError when it cannot be written."""
        npz = _entry(self.root, key, ".npz")
        make_shared_folder(npz.parent, self.root.absolute())
        with replacing(npz) as temporary, temporary.open("wb") as file:
            np.savez(file, **_arrays_of(features))
        with replacing(npz.with_suffix(".sha256")) as temporary:
            temporary.write_text(sha256_of(npz), encoding="utf-8")


def put_or_set_aside(clips: ClipStore, key: str, clip: FoleyClip, **facts: Any) -> ClipReceipt:
    """Store a take as ClipStore.put does; one that the store cannot take is set aside, so that it can be laid.

    Its file then lies in a temporary folder of its own, which `forget_aside` removes, and its receipt says why. Raises
    OutputError when it cannot be written there either.
    """
    try:
        return clips.put(key, clip, **facts)
    except OutputError as error:
        aside = Path(tempfile.mkdtemp(prefix=_ASIDE))
        try:
            return replace(ClipStore(aside).put(key, clip, **facts), unkept=str(error))
        except OutputError:
            shutil.rmtree(aside, ignore_errors=True)
            raise error from None


def forget_aside(receipt: ClipReceipt) -> None:
    """Remove a take that was set aside; any other stays."""
    aside = receipt.wav.parent.parent
    if receipt.unkept and aside.name.startswith(_ASIDE):
        shutil.rmtree(aside, ignore_errors=True)


# What the two oldest streams are called in a file; others by their names.
_OLDEST = {"clip": ("frame_embeddings", "times_s"), "onset": ("onset_probability", "onset_times_s")}
_VALUES = " values"


def _array_names(stream: str) -> tuple[str, str]:
    """What the values and the times of a stream are called in a file."""
    return _OLDEST.get(stream, (stream + _VALUES, f"{stream} times_s"))


def _arrays_of(features: ShotFeatures) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for name, stream in features.streams.items():
        values, times_s = _array_names(name)
        arrays |= {values: stream.values, times_s: stream.times_s}
    return arrays


def _features_from(arrays: dict[str, Any]) -> ShotFeatures:
    """The streams of a file; KeyError when it is without CLIP's, or one without its times."""
    others = (array.removesuffix(_VALUES) for array in arrays if array.endswith(_VALUES))
    streams = {}
    with_onsets = ["onset"] if _OLDEST["onset"][0] in arrays else []
    for name in ("clip", *with_onsets, *others):
        values, times_s = _array_names(name)
        streams[name] = Stream(values=arrays[values], times_s=arrays[times_s])
    return ShotFeatures(streams=streams)


def _entry(root: Path, key: str, suffix: str) -> Path:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a content key")
    return root.absolute() / key[:2] / f"{key}{suffix}"


def _sidecar_of(receipt: ClipReceipt, curve: DetectionCurve | None) -> bytes:
    """The receipt as JSON, without the place of the store (it may be moved), under a digest of itself.

    The curve lies beside the facts: it is only for people to look at, and readers who do not know of it pass it over.
    """
    facts = {
        "schema": _SCHEMA,
        "key": receipt.key,
        "sha256": receipt.sha256,
        "samples": receipt.samples,
        "sample_rate_hz": receipt.sample_rate_hz,
        "peak": receipt.peak,
        "active_spans_s": receipt.active_spans_s,
        "confidence": receipt.confidence,
        "seconds": receipt.seconds,
        "score": receipt.score and asdict(receipt.score),
        "unseen": receipt.unseen,
    }
    document = {"facts": facts, "check": _check_of(facts)} | ({} if curve is None else {"curve": plain_curve(curve)})
    return json.dumps(document, indent=1).encode()


def _receipt_from(sidecar: bytes, wav: Path) -> ClipReceipt:
    """The receipt in a sidecar; ValueError, KeyError or TypeError when it is damaged."""
    document = json.loads(sidecar)
    facts: dict[str, Any] = document["facts"]
    if document["check"] != _check_of(facts) or facts.pop("schema") not in (_UNSCORED_SCHEMA, _SCHEMA):
        raise ValueError("the sidecar is damaged")
    spans_s = tuple((start_s, end_s) for start_s, end_s in facts.pop("active_spans_s"))
    score = facts.pop("score", None)
    return ClipReceipt(wav=wav, active_spans_s=spans_s, score=score and TakeScore(**score), **facts)


def _check_of(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
