"""The networks of Auffusion with its adapters, and how they make a sound."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils import logging as transformers_logging

from pipeline.errors import WeightsError
from pipeline.generators.auffusion.frame_adapter import FrameAdapter, use_parallel_attention
from pipeline.generators.auffusion.grid import Grid
from pipeline.generators.auffusion.latents import LatentCodec
from pipeline.generators.auffusion.samplers import make_sampler
from pipeline.generators.auffusion.settings import Sampler
from pipeline.generators.auffusion.temporal_adapter import EmbeddedOnce
from pipeline.generators.auffusion.vocoder import Vocoder, load_vocoder
from pipeline.generators.auffusion.winograd import use_winograd
from pipeline.generators.components import ModelComponents
from pipeline.mel import MelScale
from pipeline.runtime import picture_dtype, rows_that_fit
from pipeline.weights.registry import ModelCard

logging.getLogger("diffusers").setLevel(logging.ERROR)
transformers_logging.disable_progress_bar()
diffusers_logging.disable_progress_bar()


# What one window (both halves of the guidance pair) takes while it is denoised, at the published size.
_WINDOW_BYTES = 800_000_000
_MOST_WINDOWS = 32


class AuffusionComponents(ModelComponents):
    """The networks of Auffusion. `compiled` asks torch.compile for the UNet."""

    def __init__(self, card: ModelCard, device: torch.device, **options: Any) -> None:
        super().__init__(card, device, **options)
        structure = card.structure
        self.grid = Grid.from_card(structure["grid"])
        self.mel = MelScale(**structure["mel"])
        self.condition_channels = int(structure["condition_channels"])
        self._windows_at_once: int | None = None

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
            self._windows_at_once = rows_that_fit(self.device, _WINDOW_BYTES, _MOST_WINDOWS)
        return self._windows_at_once

    @windows_at_once.setter
    def windows_at_once(self, count: int) -> None:
        self._windows_at_once = count

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

    def _settle_in(self) -> None:
        """Load the networks that share the device's memory with the windows."""
        for part in ("unet", "temporal_adapter", "clip"):
            if (self.card.folder / part).is_dir():
                getattr(self, part)

    def _encode_prompt(self, prompt: str) -> Tensor:
        length = int(self.text_encoder.config.max_position_embeddings)
        tokens = self.tokenizer(
            [prompt], padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).input_ids
        states: Tensor = self.text_encoder(tokens.to(self.text_encoder.device)).last_hidden_state
        return states.to(self.device)

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

    def _needed(self, part: str) -> Path:
        """The folder or file of a part; a vocoder without weights needs none."""
        if part == "vocoder" and self.card.structure[part] == "griffin-lim":
            return self.card.folder / part
        return super()._needed(part)

    def _module(self, part: str) -> nn.Module:
        return self.codec.vae if part == "codec" else super()._module(part)


_WRONG_KEYS = {"missing_keys": "missing", "unexpected_keys": "unknown", "mismatched_keys": "of another shape"}
