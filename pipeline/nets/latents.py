"""Mel pictures to latents and back: a diffusers AutoencoderKL, with pixel (un)shuffling around it for small models."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor


class LatentCodec:
    """Normalised latents (B, C, rows, columns) <-> pictures (B, bands, W) in -1..1.

    Latent statistics come from the VAE's config: per channel (`latents_mean`, `latents_std`) when it has them,
    else its `scaling_factor`.
    """

    def __init__(self, vae: AutoencoderKL, *, unshuffle: int = 1) -> None:
        self.vae = vae
        self.unshuffle = unshuffle
        config = vae.config
        channels = int(config.latent_channels)
        mean, std = config.latents_mean, config.latents_std
        scale = 1 / float(config.scaling_factor)
        self.mean = torch.tensor(mean or [0.0] * channels)[None, :, None, None]
        self.std = torch.tensor(std or [scale] * channels)[None, :, None, None]

    def encode(self, pictures: Tensor) -> Tensor:
        """The mode of the posterior, normalised."""
        latent = self.vae.encode(F.pixel_unshuffle(pictures[:, None], self.unshuffle)).latent_dist.mean
        return (latent - self.mean.to(latent)) / self.std.to(latent)

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures, clamped to -1..1."""
        raw = latents * self.std.to(latents) + self.mean.to(latents)
        picture = F.pixel_shuffle(self.vae.decode(raw).sample.float(), self.unshuffle)
        return picture[:, 0].clamp(-1, 1)
