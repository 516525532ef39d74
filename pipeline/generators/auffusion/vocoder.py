"""Mel pictures to sound, behind one small interface: `vocoder(picture) -> wave`.

HiFi-GAN as published (transformers' SpeechT5HifiGan), a Vocos-class network (arXiv 2306.00814: ConvNeXt blocks and an
inverse STFT), and Griffin-Lim (the fast variant of Perraudin et al. 2013), which has no weights; the bundled model
uses it. Long pictures are voiced in chunks, each with all the neighbouring columns that its sound depends on: the
wave is that of the whole picture, and memory does not grow with its length.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

from pipeline.errors import WeightsError
from pipeline.mel import MelScale
from pipeline.nets.building import building
from pipeline.nets.strict import load_strictly, read_config, read_weights

_LONGEST_COLUMNS = 2048


class Vocoder(Protocol):
    """Turns a mel picture (B, bands, W) in -1..1 into waves (B, W * hop) at the scale's sample rate."""

    def __call__(self, picture: Tensor) -> Tensor: ...


class GriffinLim:
    """Phase by alternating projections with momentum. Deterministic: the starting phase is a seeded noise."""

    def __init__(
        self, scale: MelScale, *, iterations: int = 32, momentum: float = 0.99, longest: int = _LONGEST_COLUMNS
    ) -> None:
        self.scale = scale
        self.iterations = iterations
        self.momentum = momentum
        self.longest = longest

    def __call__(self, picture: Tensor) -> Tensor:
        scale, bins = self.scale, self.scale.n_fft // 2 + 1
        generator = torch.Generator().manual_seed(0)
        start = torch.rand((bins, picture.shape[-1]), generator=generator)
        # An iteration carries a column's influence as far as windows overlap.
        margin = (self.iterations + 1) * -(-scale.n_fft // scale.hop)

        def voice(columns: slice) -> Tensor:
            return self._voice(picture[..., columns].float(), start[:, columns].to(picture.device))

        return _in_chunks(voice, picture.shape[-1], self.longest, margin, scale.hop)

    def _voice(self, picture: Tensor, start: Tensor) -> Tensor:
        """Picture (B, bands, W) and starting phases in turns (bins, W) -> (B, W * hop)."""
        scale = self.scale
        magnitude = _magnitudes(scale, scale.mel(picture))
        angle = start * (2 * torch.pi)
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
    """The published vocoder. It takes natural-log mel, bands last; pictures come to where it is."""

    def __init__(self, scale: MelScale, model: SpeechT5HifiGan, *, longest: int = _LONGEST_COLUMNS) -> None:
        self.scale = scale
        self.model = model
        self.longest = longest
        self.reach = _reach_columns(model.config)

    def __call__(self, picture: Tensor) -> Tensor:
        weight = next(self.model.parameters())

        def voice(columns: slice) -> Tensor:
            log_mel = self.scale.log_mel(picture[..., columns].to(weight.device).float())
            return self.model(log_mel.transpose(1, 2).to(weight.dtype)).reshape(len(picture), -1).float()

        return _in_chunks(voice, picture.shape[-1], self.longest, self.reach, self.scale.hop)


def _reach_columns(config: SpeechT5HifiGanConfig) -> int:
    """How many columns to either side a sample depends on: every layer's reach, from the wave back to the picture."""
    kernels = zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True)
    residual = max(sum(kernel // 2 * (dilation + 1) for dilation in dilations) for kernel, dilations in kernels)
    ends = 3  # the first and the last convolution have seven taps
    reach = ends
    for rate, kernel in zip(config.upsample_rates[::-1], config.upsample_kernel_sizes[::-1], strict=True):
        reach = -(-(reach + residual + kernel) // rate)
    return reach + ends


def _in_chunks(voice: Callable[[slice], Tensor], columns: int, longest: int, margin: int, hop: int) -> Tensor:
    """The wave (B, columns * hop) of a picture, at most `longest` columns and two margins of it at a time.

    `voice` gives the wave of a slice of columns. Of each chunk only the samples are kept that its margins surround.
    """
    if columns <= longest:
        return voice(slice(0, columns))
    waves = []
    for first in range(0, columns, longest):
        begin, end = max(0, first - margin), min(columns, first + longest)
        wave = voice(slice(begin, end + margin))
        waves.append(wave[:, (first - begin) * hop : (end - begin) * hop])
    return torch.cat(waves, dim=-1)


@building()
def load_vocoder(kind: str, scale: MelScale, folder: Path, device: torch.device | str = "cpu") -> Vocoder:
    """The vocoder a model card names, its weights (if it has any) from `folder` put on `device`. Raises WeightsError.

    Griffin-Lim works wherever the picture is.
    """
    if kind not in _LOADERS:
        raise WeightsError(f"vocoder {kind!r} is not known; there are {', '.join(sorted(_LOADERS))}")
    return _LOADERS[kind](scale, folder, torch.device(device))


def _load_vocos(scale: MelScale, folder: Path, device: torch.device) -> Vocoder:
    path = folder / "model.safetensors"
    model = Vocos(scale, **read_config(folder))
    load_strictly(model, read_weights(path), path)
    return model.requires_grad_(False).eval().to(device)


def _load_hifi_gan(scale: MelScale, folder: Path, device: torch.device) -> Vocoder:
    path = folder / "model.safetensors"
    config = SpeechT5HifiGanConfig.from_dict(read_config(folder))
    hop = math.prod(config.upsample_rates)
    if (config.model_in_dim, hop) != (scale.bands, scale.hop):
        raise WeightsError(
            f"the vocoder in {folder} makes {hop} samples of {config.model_in_dim} bands, "
            f"the model's pictures have {scale.hop} and {scale.bands}; install the model again"
        )
    with torch.device("meta"):
        model = SpeechT5HifiGan(config)
    # Statistics that are not asked for (`normalize_before`) need not be in the file.
    unused = {"mean": torch.zeros(scale.bands), "scale": torch.ones(scale.bands)}
    load_strictly(model, ({} if config.normalize_before else unused) | read_weights(path), path)
    return HifiGan(scale, model.requires_grad_(False).eval().to(device))


def _griffin_lim(scale: MelScale, folder: Path, device: torch.device) -> Vocoder:
    return GriffinLim(scale)


_LOADERS: dict[str, Callable[[MelScale, Path, torch.device], Vocoder]] = {
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


def _stft(scale: MelScale, wave: Tensor) -> Tensor:
    pad = (scale.n_fft - scale.hop) // 2
    window = scale.hann(wave.device)
    padded = F.pad(wave[:, None], (pad, pad), mode="reflect")[:, 0]
    return torch.stft(padded, scale.n_fft, scale.hop, window=window, center=False, return_complex=True)


def _istft(scale: MelScale, spectrum: Tensor) -> Tensor:
    """Overlap-add with the same framing as `_stft`: (B, bins, W) -> (B, W * hop)."""
    window = scale.hann(spectrum.device)
    pieces = torch.fft.irfft(spectrum, n=scale.n_fft, dim=1) * window[None, :, None]
    columns = spectrum.shape[-1]
    length = scale.n_fft + scale.hop * (columns - 1)
    summed = F.fold(pieces, (1, length), (1, scale.n_fft), stride=(1, scale.hop))[:, 0, 0]
    squares = (window**2)[None, :, None].expand(1, -1, columns)
    weight = F.fold(squares, (1, length), (1, scale.n_fft), stride=(1, scale.hop))[:, 0, 0]
    pad = (scale.n_fft - scale.hop) // 2
    return (summed / weight.clamp_min(1e-6))[:, pad : pad + columns * scale.hop]
