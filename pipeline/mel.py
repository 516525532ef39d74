"""Log-mel pictures of sound and back: one transform for the published layout and for the bundled model's.

Waveform -> STFT magnitude -> mel filterbank -> natural log -> scaled to -1..1 between `log_floor` and
`log_ceiling`, low bands first. Source: the HiFi-GAN analysis (reflect padding, no centring).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from transformers.audio_utils import mel_filter_bank


@dataclass(frozen=True, slots=True, kw_only=True)
class MelScale:
    """Parameters of a log-mel picture.

    `gain` multiplies the magnitudes before the log. `window` is the length of the Hann window in samples where it is
    shorter than `n_fft`. `power_floor` is added to the power under the root.
    """

    sample_rate_hz: int
    n_fft: int
    hop: int
    bands: int
    fmin_hz: float
    fmax_hz: float
    log_floor: float
    log_ceiling: float
    gain: float = 1.0
    norm: Literal["slaney"] | None = None
    window: int | None = None
    power_floor: float = 0.0

    def picture(self, wave: Tensor) -> Tensor:
        """(..., N) samples -> (..., bands, N // hop) in -1..1."""
        magnitude = self.magnitudes(wave) * self.gain
        log_mel = torch.log((_filters(self).to(wave.device) @ magnitude).clamp_min(1e-9))
        return ((log_mel - self.log_floor) / (self.log_ceiling - self.log_floor) * 2 - 1).clamp(-1, 1)

    def magnitudes(self, wave: Tensor) -> Tensor:
        """(..., N) samples -> STFT magnitudes (..., n_fft // 2 + 1, N // hop)."""
        pad = (self.n_fft - self.hop) // 2
        flat = wave.reshape(-1, 1, wave.shape[-1])
        mode = "reflect" if wave.shape[-1] > pad else "constant"
        padded = F.pad(flat, (pad, pad), mode=mode)[:, 0]
        window = self.hann(wave.device)
        spectrum = torch.stft(padded, self.n_fft, self.hop, window=window, center=False, return_complex=True)
        if self.power_floor:
            magnitude = torch.sqrt(spectrum.real**2 + spectrum.imag**2 + self.power_floor)
        else:
            magnitude = spectrum.abs()
        return magnitude.reshape(*wave.shape[:-1], *spectrum.shape[-2:])

    def hann(self, device: torch.device) -> Tensor:
        """The analysis window (n_fft,): a Hann window in its middle."""
        length = self.window or self.n_fft
        before = (self.n_fft - length) // 2
        return F.pad(torch.hann_window(length, device=device), (before, self.n_fft - length - before))

    def log_mel(self, picture: Tensor) -> Tensor:
        """Undo the scaling: picture in -1..1 -> natural log of the mel magnitudes."""
        return (picture.clamp(-1, 1) + 1) / 2 * (self.log_ceiling - self.log_floor) + self.log_floor

    def mel(self, picture: Tensor) -> Tensor:
        """Picture in -1..1 -> mel magnitudes, `gain` undone."""
        return torch.exp(self.log_mel(picture)) / self.gain

    def filters(self) -> Tensor:
        """The filterbank, (bands, n_fft // 2 + 1)."""
        return _filters(self)


# What Auffusion and FoleyCrafter were trained on.
AUFFUSION_MEL = MelScale(
    sample_rate_hz=16_000,
    n_fft=2048,
    window=1024,
    hop=160,
    bands=256,
    fmin_hz=0.0,
    fmax_hz=8000.0,
    log_floor=math.log(1e-5),
    log_ceiling=math.log(200),
    norm="slaney",
    power_floor=1e-9,
)


def peak_normalised(wave: Tensor, peak: float = 0.95) -> Tensor:
    """A wave (..., N) whose loudest sample is `peak`, as the published models heard theirs; silence stays silence."""
    loudest = wave.abs().amax(-1, keepdim=True)
    return torch.where(loudest > 0, wave / loudest * peak, wave)


@lru_cache(maxsize=8)
def _filters(scale: MelScale) -> Tensor:
    # Made outside inference mode even when first asked for inside it: training needs the same tensor later.
    with torch.inference_mode(False):
        return torch.from_numpy(_bank(scale)).float()


def _bank(scale: MelScale) -> NDArray[np.float64]:
    bank = mel_filter_bank(
        num_frequency_bins=scale.n_fft // 2 + 1,
        num_mel_filters=scale.bands,
        min_frequency=scale.fmin_hz,
        max_frequency=scale.fmax_hz,
        sampling_rate=scale.sample_rate_hz,
        norm=scale.norm,
        mel_scale="slaney" if scale.norm else "htk",
    )
    return np.ascontiguousarray(bank.T)
