"""Train the VAE on mel pictures and turn the training sound into normalised latents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from pipeline.generators.auffusion.latents import LatentCodec
from pipeline.nets.building import building
from pipeline.training.dataset import SceneSet
from pipeline.training.loop import Progress, TrainingLoop
from pipeline.training.sizes import MEL, PIXEL_UNSHUFFLE, VAE

_BATCH = 24
_CROP = 64
_KL_WEIGHT = 2e-3


@torch.inference_mode()
def mel_pictures(scenes: SceneSet) -> Tensor:
    """Mel pictures of all scenes, float16 (N, bands, W)."""
    rows = [
        MEL.picture(torch.from_numpy(np.asarray(scenes.sound[i : i + 100], dtype=np.float32))).half()
        for i in range(0, len(scenes), 100)
    ]
    return torch.cat(rows)


def train_vae(work: Path, pictures: Tensor, *, steps: int, seed: int) -> AutoencoderKL:
    """Train for `steps` batches of crops, then set the latent statistics in the config."""
    with building():
        torch.manual_seed(seed)
        vae = AutoencoderKL(**VAE)
    loop = TrainingLoop(
        "vae", work, [vae], steps=steps, learning_rate=1.2e-3, seed=seed, weight_decay=1e-4, ema_decay=0.995
    )
    vae.train()
    loop.run(lambda progress: _loss(vae, pictures, progress))
    vae.eval()
    latents = _raw_latents(vae, pictures[:1000])
    vae.register_to_config(latents_mean=latents.mean((0, 2, 3)).tolist(), latents_std=latents.std((0, 2, 3)).tolist())
    return vae


def _loss(vae: AutoencoderKL, pictures: Tensor, progress: Progress) -> Tensor:
    which = torch.randint(len(pictures), (_BATCH,))
    start = 8 * int(torch.randint((pictures.shape[-1] - _CROP) // 8 + 1, ()))
    target = pictures[which][:, None, :, start : start + _CROP].float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        posterior = vae.encode(F.pixel_unshuffle(target, PIXEL_UNSHUFFLE)).latent_dist
        mean, log_variance = posterior.mean.float(), posterior.logvar.float()
        latent = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        decoded = vae.decode(latent).sample
    rebuilt = F.pixel_shuffle(decoded.float(), PIXEL_UNSHUFFLE)
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
    return _reconstruction(rebuilt, target) + _KL_WEIGHT * divergence


def _reconstruction(rebuilt: Tensor, target: Tensor) -> Tensor:
    """L1 of the picture, of its 4x4 means and of its columns: texture, tone and loudness."""
    fine = (rebuilt - target).abs().mean()
    coarse = (F.avg_pool2d(rebuilt, 4) - F.avg_pool2d(target, 4)).abs().mean()
    loudness = (rebuilt.mean(2) - target.mean(2)).abs().mean()
    return fine + 0.5 * coarse + 0.15 * loudness


@torch.inference_mode()
def _raw_latents(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    rows = []
    for i in range(0, len(pictures), 50):
        unshuffled = F.pixel_unshuffle(pictures[i : i + 50, None].float(), PIXEL_UNSHUFFLE)
        rows.append(vae.encode(unshuffled).latent_dist.mean)
    return torch.cat(rows)


@torch.inference_mode()
def encode_latents(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    """Normalised latents of all pictures, float16 (N, C, rows, W / 8)."""
    codec = LatentCodec(vae, unshuffle=PIXEL_UNSHUFFLE)
    return torch.cat([codec.encode(pictures[i : i + 50].float()).half() for i in range(0, len(pictures), 50)])
