"""Mel pictures to sound, behind one small interface: `vocoder(picture) -> wave`.

HiFi-GAN as published (transformers' SpeechT5HifiGan), a Vocos-class network (arXiv 2306.00814: ConvNeXt blocks and an
inverse STFT), and Griffin-Lim (the fast variant of Perraudin et al. 2013), which has no weights; the bundled model
uses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import SpeechT5HifiGan

from pipeline.errors import WeightsError
from pipeline.mel import MelScale


class Vocoder(Protocol):
    """Turns a mel picture (B, bands, W) in -1..1 into waves (B, W * hop) at the scale's sample rate."""

    def __call__(self, picture: Tensor) -> Tensor: ...


class GriffinLim:
    """Phase by alternating projections with momentum. Deterministic: the starting phase is a seeded noise."""

    def __init__(self, scale: MelScale, *, iterations: int = 32, momentum: float = 0.99) -> None:
        self.scale = scale
        self.iterations = iterations
        self.momentum = momentum

    def __call__(self, picture: Tensor) -> Tensor:
        scale = self.scale
        magnitude = _magnitudes(scale, scale.mel(picture.float()))
        generator = torch.Generator().manual_seed(0)
        angle = torch.rand(magnitude.shape[-2:], generator=generator).to(magnitude.device) * (2 * torch.pi)
        phase = torch.polar(torch.ones_like(angle), angle).expand_as(magnitude)
        previous = torch.zeros_like(phase)
        for _ in range(self.iterations):
            rebuilt = _stft(scale, _istft(scale, magnitude * phase))
            ahead = rebuilt + self.momentum * (rebuilt - previous)
            previous = rebuilt
            phase = ahead / ahead.abs().clamp_min(1e-12)
        return _istft(scale, magnitude * phase)


class Vocos(nn.Module):
    """ConvNeXt blocks that refine the pseudo-inverse magnitude and give a phase, then an inverse STFT."""

    def __init__(self, scale: MelScale, *, width: int = 192, hidden: int = 512, depth: int = 5) -> None:
        super().__init__()
        self.scale = scale
        self.embed = nn.Conv1d(scale.bands, width, 7, padding=3)
        self.blocks = nn.Sequential(*[_ConvNeXt(width, hidden) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, (scale.n_fft // 2 + 1) * 2)

    def forward(self, picture: Tensor) -> Tensor:
        features = self.norm(self.blocks(self.embed(picture)).transpose(1, 2))
        gain, angle = self.head(features).float().transpose(1, 2).chunk(2, dim=1)
        magnitude = _magnitudes(self.scale, self.scale.mel(picture.float())) * torch.exp(gain.clamp(-4, 4))
        return _istft(self.scale, torch.polar(magnitude, angle * 3))


class _ConvNeXt(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, hidden)
        self.reduce = nn.Linear(hidden, width)
        self.gain = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.reduce(F.gelu(self.expand(self.norm(self.depthwise(x).transpose(1, 2)))))
        return x + (self.gain * y).transpose(1, 2)


class HifiGan:
    """The published vocoder. It takes natural-log mel, bands last, and gives 160 samples per column."""

    def __init__(self, scale: MelScale, model: SpeechT5HifiGan) -> None:
        self.scale = scale
        self.model = model

    def __call__(self, picture: Tensor) -> Tensor:
        wave: Tensor = self.model(self.scale.log_mel(picture).transpose(1, 2))
        return wave.reshape(len(picture), -1)


def load_vocoder(kind: str, scale: MelScale, folder: Path) -> Vocoder:
    """The vocoder a model card names, its weights (if it has any) from `folder`. Raises WeightsError."""
    if kind not in _LOADERS:
        raise WeightsError(f"vocoder {kind!r} is not known; there are {', '.join(sorted(_LOADERS))}")
    return _LOADERS[kind](scale, folder)


def _load_vocos(scale: MelScale, folder: Path) -> Vocoder:
    model = Vocos(scale, **json.loads((folder / "config.json").read_text(encoding="utf-8")))
    model.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    return model.eval()


def _load_hifi_gan(scale: MelScale, folder: Path) -> Vocoder:
    return HifiGan(scale, SpeechT5HifiGan.from_pretrained(folder, use_safetensors=True).eval())


def _griffin_lim(scale: MelScale, folder: Path) -> Vocoder:
    return GriffinLim(scale)


_LOADERS: dict[str, Callable[[MelScale, Path], Vocoder]] = {
    "griffin-lim": _griffin_lim,
    "vocos": _load_vocos,
    "hifi-gan": _load_hifi_gan,
}


@lru_cache(maxsize=4)
def _inverse_filters(scale: MelScale) -> Tensor:
    with torch.inference_mode(False):
        return torch.linalg.pinv(scale.filters().double()).float()


def _magnitudes(scale: MelScale, mel: Tensor, refinements: int = 8) -> Tensor:
    """Non-negative STFT magnitudes (B, bins, W) whose mel is near `mel`: Lee and Seung's multiplicative updates."""
    bank = scale.filters().to(mel.device)
    magnitude = (_inverse_filters(scale).to(mel.device) @ mel).clamp_min(1e-6)
    target = bank.T @ mel
    for _ in range(refinements):
        magnitude = magnitude * target / (bank.T @ (bank @ magnitude)).clamp_min(1e-9)
    return magnitude


def _window(scale: MelScale, device: torch.device) -> Tensor:
    return torch.hann_window(scale.n_fft, device=device)


def _stft(scale: MelScale, wave: Tensor) -> Tensor:
    pad = (scale.n_fft - scale.hop) // 2
    window = _window(scale, wave.device)
    padded = F.pad(wave[:, None], (pad, pad), mode="reflect")[:, 0]
    return torch.stft(padded, scale.n_fft, scale.hop, window=window, center=False, return_complex=True)


def _istft(scale: MelScale, spectrum: Tensor) -> Tensor:
    """Overlap-add with the same framing as `_stft`: (B, bins, W) -> (B, W * hop)."""
    window = _window(scale, spectrum.device)
    pieces = torch.fft.irfft(spectrum, n=scale.n_fft, dim=1) * window[None, :, None]
    columns = spectrum.shape[-1]
    length = scale.n_fft + scale.hop * (columns - 1)
    summed = F.fold(pieces, (1, length), (1, scale.n_fft), stride=(1, scale.hop))[:, 0, 0]
    squares = (window**2)[None, :, None].expand(1, -1, columns)
    weight = F.fold(squares, (1, length), (1, scale.n_fft), stride=(1, scale.hop))[:, 0, 0]
    pad = (scale.n_fft - scale.hop) // 2
    return (summed / weight.clamp_min(1e-6))[:, pad : pad + columns * scale.hop]
