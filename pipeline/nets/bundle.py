"""All networks of one model, each loaded once per process, when it is first needed, and never changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils import logging as transformers_logging

from pipeline.errors import WeightsError
from pipeline.grid import Grid
from pipeline.label import KnownLabel
from pipeline.mel import MelScale
from pipeline.nets.building import building
from pipeline.nets.clip import FrameEncoder, load_clip, load_image_encoder
from pipeline.nets.frame_adapter import FrameAdapter, use_parallel_attention
from pipeline.nets.int8 import Int8Encoder
from pipeline.nets.label_detector import LinearDetector, TemporalDetector
from pipeline.nets.latents import LatentCodec
from pipeline.nets.listener import listener_for
from pipeline.nets.onset import OnsetDetector, load_onset_detector
from pipeline.nets.samplers import make_sampler
from pipeline.nets.strict import load_into
from pipeline.nets.temporal_adapter import EmbeddedOnce
from pipeline.nets.vocoder import Vocoder, load_vocoder
from pipeline.nets.winograd import use_winograd
from pipeline.runtime import choose_device, choose_dtype, frames_at_once, picture_dtype, windows_at_once
from pipeline.scoring import Listener
from pipeline.settings import Precision, Sampler
from pipeline.weights.registry import ModelCard, find_model, verify_files

Net = TypeVar("Net", bound=nn.Module)
T = TypeVar("T")

logging.getLogger("diffusers").setLevel(logging.ERROR)
transformers_logging.disable_progress_bar()
diffusers_logging.disable_progress_bar()

_SMALL_CLIP_BATCH = 64


class Bundle:
    """The networks of a model on one device. Safe to use from several threads.

    With `offload` the large networks stay in main memory and visit the device one group at a time; `compiled` asks
    torch.compile for the UNet.
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
        structure = card.structure
        self.card = card
        self.device = device
        self.dtype = choose_dtype(precision, device)
        self.offload = offload
        self.compiled = compiled
        self.grid = Grid.from_card(structure["grid"])
        self.mel = MelScale(**structure["mel"])
        self.condition_channels = int(structure["condition_channels"])
        self.threads_per_take = int(structure.get("threads_per_take", 1))
        self.fused = bool(structure.get("fused_attention", False))
        self._windows_at_once: int | None = None
        self._visiting = RLock()
        self._parts: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The model's name."""
        return self.card.name

    @property
    def digest(self) -> str:
        """The model's content digest."""
        return self.card.digest

    @property
    def vocabulary(self) -> tuple[KnownLabel, ...]:
        """The labels the model can spot by itself."""
        return self.card.labels

    @property
    def _saves_products(self) -> bool:
        """Whether large networks run in float32 on a processor: there products are what takes the time, and what is
        saved of them is worth other roundings."""
        return self.fused and self.dtype == torch.float32 and self.device.type == "cpu"

    @property
    def latent_rows(self) -> int:
        """Height of a latent canvas."""
        return self.mel.bands // self.grid.columns_per_latent

    @property
    def windows_at_once(self) -> int:
        """How many windows are denoised in one batch: at first what the device has room for beside the networks."""
        if self._windows_at_once is None:
            if self.device.type != "cpu":
                self._settle_in()
            self._windows_at_once = windows_at_once(self.device)
        return self._windows_at_once

    @windows_at_once.setter
    def windows_at_once(self, count: int) -> None:
        self._windows_at_once = count

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
    def unet(self) -> UNet2DConditionModel:
        """The frozen denoiser, with the parallel attention of eq. (2)."""
        return self._once("unet", self._load_unet)

    @property
    def temporal_adapter(self) -> ControlNetModel:
        """The ControlNet on the on/off track."""
        return self._once("temporal_adapter", self._load_temporal_adapter)

    @property
    def codec(self) -> LatentCodec:
        """Latents to mel pictures and back."""
        return self._once("codec", self._load_codec)

    @property
    def vocoder(self) -> Vocoder:
        """Mel pictures to waves."""
        return self._once(
            "vocoder",
            lambda: load_vocoder(self.card.structure["vocoder"], self.mel, self._needed("vocoder"), self.device),
        )

    @property
    def text_encoder(self) -> CLIPTextModel:
        """The denoiser's own text encoder, in float32."""
        return self._once("text_encoder", lambda: self._stock(CLIPTextModel, "text_encoder", torch.float32))

    @property
    def tokenizer(self) -> CLIPTokenizer:
        """The tokenizer of the text encoder."""
        return self._once(
            "tokenizer", lambda: CLIPTokenizer.from_pretrained(self._needed("tokenizer"), local_files_only=True)
        )

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
    def listener(self) -> Listener:
        """The judge of takes that the model brings along."""
        return self._once("listener", lambda: listener_for(self.card.folder, self.card.structure, self.mel))

    def frame_adapter(self, attention: str) -> FrameAdapter:
        """The frame adapter trained for an attention: "time_local", "literal" or "clip_wise"."""
        return self._once(f"frame_adapter {attention}", lambda: self._load_frame_adapter(attention))

    def sampler(self, name: Sampler, steps: int) -> Any:
        """A fresh sampler over the model's noise schedule."""
        return make_sampler(name, self.card.structure["scheduler"], steps)

    @torch.inference_mode()
    def prompt_states(self, prompt: str) -> Tensor:
        """Hidden states (1, tokens, D) of a prompt; "" is the unconditional one."""
        return self._once(f"prompt {prompt}", lambda: self._encode_prompt(prompt))

    @torch.inference_mode()
    def label_embeddings(self, labels: Sequence[str]) -> Tensor:
        """Labels -> unit vectors (L, D) in the space of the frames. Raises WeightsError where no text side is there."""
        with self.visiting("clip"):
            return torch.cat([self._label_embedding(label) for label in labels])

    @contextmanager
    def visiting(self, *parts: str) -> Iterator[None]:
        """Have these networks ("clip", "unet", "temporal_adapter", "codec") on the device while the block lasts."""
        if not self.offload:
            yield
            return
        with self._visiting:
            modules = [self._module(part) for part in parts]
            try:
                for module in modules:
                    module.to(self.device)
                yield
            finally:
                for module in modules:
                    module.to("cpu")

    def _settle_in(self) -> None:
        """Load the networks that share the device's memory with the windows."""
        for part in ("unet", "temporal_adapter", "clip"):
            if (self.card.folder / part).is_dir():
                getattr(self, part)

    def _label_embedding(self, label: str) -> Tensor:
        return self._once(f"label {label}", lambda: self.clip.encode_labels([label]))

    def _module(self, part: str) -> nn.Module:
        found = getattr(self, part)
        return found.vae if isinstance(found, LatentCodec) else found

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
        needs_none = part == "vocoder" and self.card.structure[part] == "griffin-lim"
        if not path.exists() and not needs_none:
            raise WeightsError(
                f"model {self.name!r} has no {part} ({path} is missing): fetch the model again with that part, "
                "or choose settings that do without"
            )
        return path

    def _encode_prompt(self, prompt: str) -> Tensor:
        length = int(self.text_encoder.config.max_position_embeddings)
        tokens = self.tokenizer(
            [prompt], padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).input_ids
        states: Tensor = self.text_encoder(tokens.to(self.text_encoder.device)).last_hidden_state
        return states.to(self.device)

    def _load_clip(self) -> FrameEncoder:
        has_text = (self.card.folder / "clip").is_dir() or not (self.card.folder / "image_encoder").is_dir()
        load, part = (load_clip, "clip") if has_text else (load_image_encoder, "image_encoder")
        return self._placed(load(self._needed(part), self.dtype))

    def _load_unet(self) -> UNet2DConditionModel:
        unet = self._stock(UNet2DConditionModel, "unet", self.dtype)
        use_parallel_attention(unet, fused=self.fused, once=self._saves_products)
        return torch.compile(unet, dynamic=False) if self.compiled else unet

    def _load_temporal_adapter(self) -> ControlNetModel:
        adapter = self._stock(ControlNetModel, "temporal_adapter", self.dtype)
        if self._saves_products:
            adapter.controlnet_cond_embedding = EmbeddedOnce(adapter)
            use_parallel_attention(adapter, fused=True, once=True)
        elif not self.fused:
            use_parallel_attention(adapter)
        return adapter

    def _load_codec(self) -> LatentCodec:
        vae = self._stock(AutoencoderKL, "vae", picture_dtype(self.dtype, self.device))
        structure = self.card.structure
        return LatentCodec(vae, unshuffle=int(structure["pixel_unshuffle"]), picture=structure.get("picture", "grey"))

    def _load_frame_adapter(self, attention: str) -> FrameAdapter:
        entries = self.card.structure.get("frame_adapters", {})
        if attention not in entries:
            raise WeightsError(f"model {self.name!r} has no frame adapter for {attention!r} attention")
        entry = entries[attention]
        build = partial(
            FrameAdapter,
            self.unet,
            embed_dim=self.clip.embed_dim,
            tokens_per_frame=entry["tokens_per_frame"],
            unit_input=entry.get("input", "unit") == "unit",
        )
        return self._own(build, entry["file"]).to(self.dtype)

    def _stock(self, kind: Any, part: str, dtype: torch.dtype) -> Any:
        """A network of diffusers or transformers, strictly: every key there, none more, each of the right shape."""
        path = self._needed(part)
        model, found = kind.from_pretrained(
            path, local_files_only=True, use_safetensors=True, torch_dtype=dtype, output_loading_info=True
        )
        wrong = [f"{name} {found[kind]}" for kind, name in _WRONG_KEYS.items() if found.get(kind)]
        if wrong:
            raise WeightsError(f"the weights in {path} do not fit the network: {'; '.join(wrong)[:500]}")
        if self._saves_products and dtype == torch.float32:
            use_winograd(model)
        elif self.fused:
            model.to(memory_format=torch.channels_last)
        return self._placed(model.eval())

    def _placed(self, module: Net) -> Net:
        """On the device, unless it only visits it."""
        return module.requires_grad_(False) if self.offload else module.requires_grad_(False).to(self.device)

    def _own(self, build: Callable[[], Net], file: str) -> Net:
        """A network whose file the card names; only files that the card lists were checked."""
        if (self.card.folder / file).is_file() and file not in self.card.files:
            raise WeightsError(f"{file!r} is no file that the card of model {self.name!r} lists; install it again")
        return load_into(build, self._needed(file)).to(self.device)


_WRONG_KEYS = {"missing_keys": "missing", "unexpected_keys": "unknown", "mismatched_keys": "of another shape"}


_resident: dict[tuple[object, ...], Bundle] = {}
_resident_lock = RLock()


def load_bundle(
    model: str = "mini",
    *,
    device: str = "auto",
    precision: Precision | None = None,
    offload: bool = False,
    compiled: bool = False,
    verify: bool = True,
) -> Bundle:
    """The networks of a model by name or folder: one bundle per process, device and number format, and one published
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
            _make_room(card)
            _resident[key] = _bundle(card, chosen, precision=wanted, offload=offload, compiled=compiled)
        return _resident[key]


def _make_room(card: ModelCard) -> None:
    """Let go of other published models: two at once would not fit most machines. The bundled one is small."""
    if not card.bundled:
        for key in [key for key, bundle in _resident.items() if not bundle.card.bundled]:
            del _resident[key]


def _bundle(card: ModelCard, device: torch.device, **options: Any) -> Bundle:
    try:
        return Bundle(card, device, **options)
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"the model card of {card.name!r} in {card.folder} is damaged: {error}") from error
