"""The sound maker as a pass sees it: a few facts that cost nothing, and one resident engine that costs seconds.

The rest of the package speaks to `Engine`; tests put in their own with `use_engine`. Only the real one loads torch.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flows.planning.spotting import SpotMemory
from pipeline.clip_store import ClipStore, FeatureStore
from pipeline.label import ZeroShotLabel
from pipeline.records import ClipReceipt, Detection, FoleyRequest, MediaSpan, ShotFeatures
from pipeline.settings import Settings

OnTake = Callable[[ClipReceipt], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """Where and with what a pass works: plain values, so that a task can carry them."""

    model: str
    model_digest: str
    settings: Settings
    device: str
    store: Path
    offload: bool = False
    compiled: bool = False

    @property
    def settings_digest(self) -> str:
        """Of everything that decides how a take sounds, beside the model."""
        return self.settings.digest()

    @property
    def number_format(self) -> str:
        """What the large networks compute in: settled with the plan, so that the key of every take names it."""
        return self.settings.number_format

    @property
    def clips(self) -> ClipStore:
        """The finished takes."""
        return ClipStore(self.store / "clips")

    @property
    def features(self) -> FeatureStore:
        """What CLIP saw."""
        return FeatureStore(self.store / "features")

    @property
    def spots(self) -> SpotMemory:
        """What CLIP heard."""
        return SpotMemory(self.store / "spots")


class Engine(Protocol):
    """Encodes, detects and makes. Safe to use from several threads."""

    def encode(self, span: MediaSpan) -> None:
        """Look at the span, unless the store has what was seen; it is kept there."""
        ...

    def spot(self, span: MediaSpan) -> tuple[ZeroShotLabel, ...]:
        """Which sounds are in the span."""
        ...

    def detect(self, span: MediaSpan, label: str) -> Detection:
        """When the label sounds in the span."""
        ...

    def make(self, requests: Sequence[FoleyRequest], on_take: OnTake) -> list[ClipReceipt]:
        """Make the takes that the store does not hold yet; a request that fails raises its PipelineError."""
        ...


Build = Callable[[Studio], Engine]


class _PipelineEngine:
    """The real one: the model loaded once, the stores on disk."""

    def __init__(self, studio: Studio) -> None:
        from pipeline.generators.components import load_model

        self._studio = studio
        self._settings = studio.settings
        self._bundle = load_model(
            studio.model,
            device=studio.device,
            precision=studio.settings.precision,
            offload=studio.offload,
            compiled=studio.compiled,
        )

    def encode(self, span: MediaSpan) -> None:
        self._features(span)

    def spot(self, span: MediaSpan) -> tuple[ZeroShotLabel, ...]:
        from pipeline.generate import spot

        return spot(self._features(span), self._bundle, self._settings)

    def detect(self, span: MediaSpan, label: str) -> Detection:
        from pipeline.detect import detect, summary

        return summary(detect(self._features(span), label, self._bundle, self._settings))

    def make(self, requests: Sequence[FoleyRequest], on_take: OnTake) -> list[ClipReceipt]:
        from pipeline.generate import generate_takes

        studio = self._studio
        return generate_takes(requests, self._bundle, self._settings, studio.features, studio.clips, on_done=on_take)

    def _features(self, span: MediaSpan) -> ShotFeatures:
        from pipeline.generate import encode

        return encode(span, self._bundle, self._studio.features, self._settings)


class _Residence:
    """Holds one engine for the whole process."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self._loading = threading.Lock()
        self._held: tuple[Studio, Engine] | None = None

    def engine(self, studio: Studio) -> Engine:
        with self._loading:
            if self._held is None or self._held[0] != studio:
                self._held = None  # the old model must go before the new one needs its memory
                self._held = (studio, self.build(studio))
            return self._held[1]

    def clear(self) -> None:
        with self._loading:
            self._held = None


_RESIDENCE = _Residence(_PipelineEngine)


def resident(studio: Studio) -> Engine:
    """The engine of this process, loaded by whoever asks first while the others wait.

    Raises WeightsError when the model cannot be loaded.
    """
    return _RESIDENCE.engine(studio)


def current_build() -> Build:
    """What makes the engine here; another process is told to make it the same way."""
    return _RESIDENCE.build


def set_build(build: Build) -> None:
    """Let `build` make the engine of this process from now on."""
    _RESIDENCE.build = build
    _RESIDENCE.clear()


def forget_engine() -> None:
    """Give back the memory that the engine of this process takes, its GPU's as well."""
    _RESIDENCE.clear()
    torch = sys.modules.get("torch")  # who has not loaded it has used no GPU
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def use_engine(build: Build) -> Iterator[None]:
    """Let `build` make the engine instead of the pipeline, for as long as the context lasts."""
    before = current_build()
    set_build(build)
    try:
        yield
    finally:
        set_build(before)
