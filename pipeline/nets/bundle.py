"""All networks of one model, loaded once per process and never changed."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKL, ControlNetModel, DPMSolverMultistepScheduler, UNet2DConditionModel
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils import logging as transformers_logging

from pipeline.errors import WeightsError
from pipeline.grid import Grid
from pipeline.label import KnownLabel
from pipeline.mel import MelScale
from pipeline.nets.clip import load_clip
from pipeline.nets.detector import LinearDetector, TemporalDetector
from pipeline.nets.frame_adapter import FrameAdapter, use_parallel_attention
from pipeline.nets.latents import LatentCodec
from pipeline.nets.vocoder import load_vocoder
from pipeline.runtime import choose_device
from pipeline.weights.registry import ModelCard, find_model, verify_files

Net = TypeVar("Net", bound=nn.Module)

logging.getLogger("diffusers").setLevel(logging.ERROR)
transformers_logging.disable_progress_bar()


class Bundle:
    """The networks of a model on one device. Safe to use from several threads."""

    def __init__(self, card: ModelCard, device: torch.device) -> None:
        self.card = card
        self.device = device
        self.grid = Grid(**card.structure["grid"])
        self.mel = MelScale(**card.structure["mel"])
        self.condition_channels = int(card.structure["condition_channels"])
        self._lock = Lock()
        self._frame_adapters: dict[str, FrameAdapter] = {}
        self._prompts: dict[str, Tensor] = {}
        self.clip = load_clip(card.folder / "clip").to(device)
        self.tokenizer = CLIPTokenizer.from_pretrained(card.folder / "tokenizer", local_files_only=True)
        self.text_encoder = self._stock(CLIPTextModel, "text_encoder")
        self.unet = self._stock(UNet2DConditionModel, "unet")
        self.temporal_adapter = self._stock(ControlNetModel, "temporal_adapter")
        use_parallel_attention(self.unet)
        use_parallel_attention(self.temporal_adapter)
        self.codec = LatentCodec(self._stock(AutoencoderKL, "vae"), unshuffle=int(card.structure["pixel_unshuffle"]))
        self.vocoder = load_vocoder(card.structure["vocoder"], self.mel, card.folder / "vocoder")

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
        """The labels the model was trained on."""
        return self.card.labels

    @cached_property
    def linear_detector(self) -> LinearDetector:
        """The paper's detector."""
        return self._own(LinearDetector(self.clip.embed_dim), "detector/linear.safetensors")

    @cached_property
    def temporal_detector(self) -> TemporalDetector:
        """The default detector."""
        return self._own(TemporalDetector(self.clip.embed_dim), "detector/temporal.safetensors")

    def frame_adapter(self, attention: str) -> FrameAdapter:
        """The frame adapter trained for an attention: "time_local", "literal" or "clip_wise"."""
        with self._lock:
            if attention not in self._frame_adapters:
                self._frame_adapters[attention] = self._load_frame_adapter(attention)
            return self._frame_adapters[attention]

    def scheduler(self, steps: int) -> DPMSolverMultistepScheduler:
        """A fresh DPM-Solver++ (2M) set to `steps` steps; it keeps state, so every take has its own."""
        scheduler = DPMSolverMultistepScheduler(**self.card.structure["scheduler"], timestep_spacing="trailing")
        scheduler.set_timesteps(steps)
        return scheduler

    @torch.inference_mode()
    def prompt_states(self, prompt: str) -> Tensor:
        """Hidden states (1, tokens, D) of a prompt; "" is the unconditional one."""
        with self._lock:
            if prompt not in self._prompts:
                self._prompts[prompt] = self._encode_prompt(prompt)
            return self._prompts[prompt]

    def _encode_prompt(self, prompt: str) -> Tensor:
        length = int(self.text_encoder.config.max_position_embeddings)
        tokens = self.tokenizer(
            [prompt], padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).input_ids
        states: Tensor = self.text_encoder(tokens.to(self.device)).last_hidden_state
        return states

    def _load_frame_adapter(self, attention: str) -> FrameAdapter:
        entry = self.card.structure["frame_adapters"][attention]
        adapter = FrameAdapter(self.unet, embed_dim=self.clip.embed_dim, tokens_per_frame=entry["tokens_per_frame"])
        return self._own(adapter, entry["file"])

    def _stock(self, kind: Any, part: str) -> Any:
        folder = self.card.folder / part
        model = kind.from_pretrained(folder, local_files_only=True, use_safetensors=True, torch_dtype=torch.float32)
        return model.requires_grad_(False).eval().to(self.device)

    def _own(self, module: Net, file: str) -> Net:
        return load_into(module, self.card.folder / file).to(self.device)


def load_into(module: Net, path: Path) -> Net:
    """Load a safetensors file into a module, strictly, in fp32. Raises WeightsError when the two do not fit."""
    state = {name: value.float() for name, value in load_file(path).items()}
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(f"the weights file {path} does not fit the network: {error}") from error
    return module.requires_grad_(False).eval()


_resident: dict[tuple[Path, str, str], Bundle] = {}
_resident_lock = Lock()


def load_bundle(model: str = "mini", *, device: str = "auto", verify: bool = True) -> Bundle:
    """The networks of a model by name or folder, loaded once per process and device.

    Raises WeightsError when a file is missing, changed or does not fit, PipelineError when the device is not there.
    """
    card = find_model(model)
    chosen = choose_device(device)
    key = (card.folder.resolve(), card.digest, str(chosen))
    with _resident_lock:
        if key not in _resident:
            if verify:
                verify_files(card)
            _resident[key] = _loaded(card, chosen)
        return _resident[key]


def _loaded(card: ModelCard, device: torch.device) -> Bundle:
    try:
        return Bundle(card, device)
    except (OSError, KeyError, ValueError) as error:
        raise WeightsError(f"model {card.name!r} in {card.folder} cannot be loaded: {error}") from error
