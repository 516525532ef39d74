"""The networks of one model, each loaded once per process, when it is first needed, and never changed.

What all families share is here: CLIP, the detectors, the audio classifier. A family adds its own in a class of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from pipeline.errors import WeightsError
from pipeline.generators.base import Generator
from pipeline.label import VocabularyLabel
from pipeline.nets.audio_classifier import audio_classifier_for
from pipeline.nets.building import building
from pipeline.nets.clip import FrameEncoder, load_clip, load_image_encoder
from pipeline.nets.int8 import Int8Encoder
from pipeline.nets.label_detector import LinearDetector, TemporalDetector
from pipeline.nets.onset import OnsetDetector, load_onset_detector
from pipeline.nets.strict import load_into
from pipeline.runtime import choose_device, choose_dtype, frames_at_once
from pipeline.scoring import AudioClassifier
from pipeline.settings import Precision
from pipeline.weights.registry import ModelCard, find_model, verify_files

Net = TypeVar("Net", bound=nn.Module)
T = TypeVar("T")

_SMALL_CLIP_BATCH = 64


class ModelComponents(Generator):
    """The networks of a model on one device. Safe to use from several threads.

    With `offload` the large networks stay in main memory and visit the device one group at a time; `compiled` asks for
    torch.compile where a family knows what it is good for.
    """

    def __init__(
        self,
        card: ModelCard,
        device: torch.device,
        *,
        precision: Precision = "float32",
        offload: bool = False,
        compiled: bool = False,
    ) -> None:
        self.card = card
        self.device = device
        self.dtype = choose_dtype(precision, device)
        self.offload = offload
        self.compiled = compiled
        self.fused = bool(card.structure.get("fused_attention", False))
        self._device_lock = RLock()
        self._parts: dict[str, Any] = {}

    @property
    def threads_per_take(self) -> int:
        """How many cores a take computes on, 0 for all."""
        return int(self.card.structure.get("threads_per_take", 1))

    @property
    def name(self) -> str:
        """The model's name."""
        return self.card.name

    @property
    def digest(self) -> str:
        """The model's content digest."""
        return self.card.digest

    @property
    def vocabulary(self) -> tuple[VocabularyLabel, ...]:
        """The labels the model can spot by itself."""
        return self.card.labels

    @property
    def clip(self) -> FrameEncoder:
        """Frames and labels into one space; h94's image encoder, which knows no labels, where there is no CLIP."""
        return self._once("clip", self._load_clip)

    @property
    def int8_clip(self) -> FrameEncoder:
        """`clip` with weights of 8 bits: half the time on a processor. Raises WeightsError if it is no plain ViT."""
        return self._once("clip in int8", lambda: Int8Encoder(self.clip))

    @property
    def clip_batch(self) -> int:
        """Frames that go through CLIP at once."""
        return frames_at_once(self.device) if self.fused else _SMALL_CLIP_BATCH

    @property
    def linear_detector(self) -> LinearDetector:
        """The paper's detector."""
        return self._once(
            "linear", lambda: self._own(lambda: LinearDetector(self.clip.embed_dim), "detector/linear.safetensors")
        )

    @property
    def temporal_detector(self) -> TemporalDetector:
        """The bundled model's detector."""
        return self._once(
            "temporal",
            lambda: self._own(lambda: TemporalDetector(self.clip.embed_dim), "detector/temporal.safetensors"),
        )

    @property
    def onset_detector(self) -> OnsetDetector:
        """FoleyCrafter's detector of onsets, which knows no labels."""
        return self._once("onset", lambda: load_onset_detector(self._needed("onset"), self.dtype).to(self.device))

    @property
    def audio_classifier(self) -> AudioClassifier:
        """What scores takes by ear, where the model brings it along."""
        return self._once("audio_classifier", lambda: audio_classifier_for(self.card.folder, self.card.structure))

    @torch.inference_mode()
    def label_embeddings(self, labels: Sequence[str]) -> Tensor:
        """Labels -> unit vectors (L, D) in the space of the frames. Raises WeightsError where no text side is there."""
        with self.on_device("clip"):
            return torch.cat([self._label_embedding(label) for label in labels])

    @contextmanager
    def on_device(self, *parts: str) -> Iterator[None]:
        """Have these networks ("clip", "unet", "temporal_adapter", "codec") on the device while the block lasts."""
        if not self.offload:
            yield
            return
        with self._device_lock:
            modules = [self._module(part) for part in parts]
            try:
                for module in modules:
                    module.to(self.device)
                yield
            finally:
                for module in modules:
                    module.to("cpu")

    def _label_embedding(self, label: str) -> Tensor:
        return self._once(f"label {label}", lambda: self.clip.encode_labels([label]))

    def _module(self, part: str) -> nn.Module:
        found: nn.Module = getattr(self, part)
        return found

    def _once(self, part: str, load: Callable[[], T]) -> T:
        if part in self._parts:  # and stays there: no need to wait for what another thread loads
            return self._parts[part]
        with building():
            if part not in self._parts:
                self._parts[part] = self._loaded(part, load)
            return self._parts[part]

    def _loaded(self, part: str, load: Callable[[], T]) -> T:
        try:
            return load()
        except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
            raise WeightsError(
                f"the {part} of model {self.name!r} in {self.card.folder} cannot be loaded: {error}"
            ) from error

    def _needed(self, part: str) -> Path:
        """The folder or file of a part. Raises WeightsError when the model has none."""
        path = self.card.folder / part
        if not path.exists():
            raise WeightsError(
                f"model {self.name!r} has no {part} ({path} is missing): fetch the model again with that part, "
                "or choose settings that do without"
            )
        return path

    def _load_clip(self) -> FrameEncoder:
        has_text = (self.card.folder / "clip").is_dir() or not (self.card.folder / "image_encoder").is_dir()
        load, part = (load_clip, "clip") if has_text else (load_image_encoder, "image_encoder")
        return self._placed(load(self._needed(part), self.dtype))

    def _placed(self, module: Net) -> Net:
        """On the device, unless it only visits it."""
        return module.requires_grad_(False) if self.offload else module.requires_grad_(False).to(self.device)

    def _own(self, build: Callable[[], Net], file: str) -> Net:
        """A network whose file the card names; only files that the card lists were checked."""
        if (self.card.folder / file).is_file() and file not in self.card.files:
            raise WeightsError(f"{file!r} is no file that the card of model {self.name!r} lists; install it again")
        return load_into(build, self._needed(file)).to(self.device)


_resident: dict[tuple[object, ...], ModelComponents] = {}
_resident_lock = RLock()


def load_model(
    model: str = "mini",
    *,
    device: str = "auto",
    precision: Precision | None = None,
    offload: bool = False,
    compiled: bool = False,
    verify: bool = True,
) -> ModelComponents:
    """The networks of a model by name or folder: once per process, device and number format, and one published
    model at a time.

    `precision` None takes the model's own. Raises WeightsError when a file is missing or changed, PipelineError when
    the device is not there; what does not fit is told when it is first used.
    """
    card = find_model(model)
    chosen = choose_device(device)
    wanted = precision or card.settings.precision
    key = (card.folder.resolve(), card.digest, str(chosen), wanted, offload, compiled)
    with _resident_lock:
        if key not in _resident:
            if verify:
                verify_files(card, again=False)
            _evict(card)
            _resident[key] = _components(card, chosen, precision=wanted, offload=offload, compiled=compiled)
        return _resident[key]


def _evict(card: ModelCard) -> None:
    """Let go of other published models: two at once would not fit most machines. The bundled one is small."""
    if not card.bundled:
        for key in [key for key, model in _resident.items() if not model.card.bundled]:
            del _resident[key]


def _components(card: ModelCard, device: torch.device, **options: Any) -> ModelComponents:
    try:
        made: ModelComponents = card.family.generator()(card, device, **options)
        return made
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"the model card of {card.name!r} in {card.folder} is damaged: {error}") from error
