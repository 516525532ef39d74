"""Mel pictures to latents and back: a diffusers AutoencoderKL, with pixel (un)shuffling around it for small models.

Pictures have their low bands first. The published models were trained on colour pictures, all three channels equal,
with the low bands at the bottom; the codec turns them over.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

PictureLayout = Literal["grey", "rgb-flipped"]
_TILE_LATENTS = 256
_OVERLAP_LATENTS = 32


class LatentCodec:
    """Normalised latents (B, C, rows, columns) <-> pictures (B, bands, W) in -1..1.

    Latent statistics come from the VAE's config: per channel (`latents_mean`, `latents_std`) when it has them,
    else its `scaling_factor`. Latents longer than `tile` columns are decoded in tiles, so memory does not grow with
    their length.
    """

    def __init__(
        self,
        vae: AutoencoderKL,
        *,
        unshuffle: int = 1,
        picture: PictureLayout = "grey",
        tile: int = _TILE_LATENTS,
        overlap: int = _OVERLAP_LATENTS,
    ) -> None:
        self.vae = vae
        self.unshuffle = unshuffle
        self.flipped = picture == "rgb-flipped"
        self.tile = tile
        self.overlap = overlap
        config = vae.config
        channels = int(config.latent_channels)
        mean, std = config.latents_mean, config.latents_std
        scale = 1 / float(config.scaling_factor)
        self.mean = torch.tensor(mean or [0.0] * channels)[None, :, None, None]
        self.std = torch.tensor(std or [scale] * channels)[None, :, None, None]

    def encode(self, pictures: Tensor) -> Tensor:
        """The mode of the posterior, normalised."""
        channels = pictures.flip(-2)[:, None].expand(-1, 3, -1, -1) if self.flipped else pictures[:, None]
        latent = self.vae.encode(F.pixel_unshuffle(channels, self.unshuffle)).latent_dist.mean
        return (latent - self.mean.to(latent)) / self.std.to(latent)

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures, clamped to -1..1."""
        raw = latents * self.std.to(latents) + self.mean.to(latents)
        picture = self._decoded(raw) if raw.shape[-1] <= self.tile else self._decoded_in_tiles(raw)
        return picture.clamp(-1, 1)

    def _decoded(self, raw: Tensor) -> Tensor:
        picture = F.pixel_shuffle(self.vae.decode(raw.to(self.vae.dtype)).sample.float(), self.unshuffle)[:, 0]
        return picture.flip(-2) if self.flipped else picture

    def _decoded_in_tiles(self, raw: Tensor) -> Tensor:
        """Tiles that overlap, each faded into the one before; the last one is flush with the end.

        The VAE's norms and attention look at all they are given, so tiles differ a little from one decoding.

        tile 0  |==============\\\\|
        tile 1                |////==========\\\\|
        tile 2                      |//////////======|
        """
        columns = raw.shape[-1]
        starts = [*range(0, columns - self.tile, self.tile - self.overlap), columns - self.tile]
        picture = self._decoded(raw[..., : self.tile])
        scale = picture.shape[-1] // self.tile
        picture = F.pad(picture, (0, (columns - self.tile) * scale))
        done = self.tile
        for first in starts[1:]:
            tile = self._decoded(raw[..., first : first + self.tile])
            shared = (done - first) * scale
            before = picture[..., first * scale : done * scale]
            # Both show the same sound, so their weights (not their powers) sum to one.
            before.lerp_(tile[..., :shared], _rise(shared).to(tile.device))
            done = first + self.tile
            picture[..., first * scale + shared : done * scale] = tile[..., shared:]
        return picture


def _rise(columns: int) -> Tensor:
    """From 0 to 1, half a period of a cosine, (columns,)."""
    return torch.sin(torch.pi / 2 * (torch.arange(columns) + 0.5) / columns) ** 2
