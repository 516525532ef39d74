"""Train the bundled CLIP: frames against the phrases of what is in them.

A batch holds many frames with the same things, so the loss is a sigmoid over the known frame-phrase matrix rather
than InfoNCE. A linear head also reads which sources sound, how loud, and how near an impact is, so that an embedding
keeps what state a thing is in (a lamp that is lit, a rotor that turns) and not only which thing it is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.near_duplicates import kept_frames
from pipeline.nets.building import building
from pipeline.nets.clip import ClipEncoder, build_clip, encode_in_batches
from pipeline.scenes.catalogue import SOURCES, THINGS
from pipeline.training.dataset import SceneSet
from pipeline.training.loop import Progress, TrainingLoop
from pipeline.training.sizes import EMBED_DIM, IMAGE_SIZE, clip_config
from pipeline.training.vocabulary import write_open_clip_bpe

_BATCH = 192
_PER_SCENE = 3


def train_clip(work: Path, scenes: SceneSet, *, steps: int, seed: int) -> ClipEncoder:
    """Train for `steps` batches of frames; returns the encoder."""
    with building():
        torch.manual_seed(seed)
        encoder = new_clip(work)
        temperature = _Temperature()
        attributes = nn.Linear(EMBED_DIM, 2 * len(SOURCES) + 1)
    loop = TrainingLoop(
        "clip",
        work,
        [encoder.clip, temperature, attributes],
        steps=steps,
        learning_rate=2e-3,
        seed=seed,
        weight_decay=0.05,
        ema_decay=0.995,
    )
    encoder.train()
    loop.run(lambda progress: _loss(encoder, temperature, attributes, scenes, progress))
    return encoder.eval()


def new_clip(work: Path) -> ClipEncoder:
    """A fresh encoder of the bundled size; its BPE file lies in `work`."""
    bpe = work / "bpe.txt.gz"
    vocab_size = write_open_clip_bpe(bpe)
    return build_clip(clip_config(vocab_size), bpe)


class _Temperature(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(10.0).log())
        self.bias = nn.Parameter(torch.tensor(-6.0))

    def forward(self, cosine: Tensor) -> Tensor:
        return cosine * self.log_scale.exp() + self.bias


def _loss(
    encoder: ClipEncoder, temperature: _Temperature, attributes: nn.Linear, scenes: SceneSet, progress: Progress
) -> Tensor:
    rng = np.random.default_rng(int(torch.randint(2**31, ())))
    which = np.repeat(rng.integers(0, len(scenes), _BATCH // _PER_SCENE), _PER_SCENE)
    when = rng.integers(0, scenes.frames.shape[1], len(which))
    pixels = augmented(torch.from_numpy(scenes.frames[which, when]))
    phrases = [thing.phrases[int(rng.integers(3))] for thing in THINGS]
    seen = torch.from_numpy(scenes.visible[which, :, when]).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        image = encoder.clip.encode_image(pixels)
        text = encoder.clip.encode_text(encoder.tokenizer(phrases))
    image, text = F.normalize(image.float(), dim=-1), F.normalize(text.float(), dim=-1)
    weight = torch.where(seen > 0, 3.0, 1.0)
    contrast = F.binary_cross_entropy_with_logits(temperature(image @ text.T), seen, weight=weight)
    return contrast + _attribute_loss(attributes(image * EMBED_DIM**0.5), scenes, which, when)


def _attribute_loss(predicted: Tensor, scenes: SceneSet, which: NDArray[np.int64], when: NDArray[np.int64]) -> Tensor:
    sounding, level, nearness = predicted.split([len(SOURCES), len(SOURCES), 1], dim=1)
    heard = torch.from_numpy(scenes.audible[which, :, when]).float()
    true_level = torch.from_numpy(scenes.level[which, :, when].astype(np.float32))
    true_nearness = torch.from_numpy(scenes.onset_nearness[which, when].astype(np.float32))
    states = F.binary_cross_entropy_with_logits(sounding, heard)
    return states + F.mse_loss(level, true_level) + 0.1 * F.mse_loss(nearness[:, 0], true_nearness)


def augmented(pixels: Tensor) -> Tensor:
    """uint8 (N, H, W, 3) -> float (N, 3, H, W) with random mirror, exposure, tint and noise."""
    count = len(pixels)
    scaled = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
    scaled = torch.where((torch.rand(count) < 0.5)[:, None, None, None], scaled.flip(-1), scaled)
    gain = 1 + 0.1 * torch.randn(count, 3, 1, 1)
    noise = 0.04 * torch.rand(count, 1, 1, 1) * torch.randn(count, 3, IMAGE_SIZE, IMAGE_SIZE)
    jittered = scaled * gain + 0.05 * torch.randn(count, 3, 1, 1) + noise
    return jittered.clamp(-1, 1).contiguous(memory_format=torch.channels_last)


def embed_scenes(encoder: ClipEncoder, scenes: SceneSet) -> NDArray[np.float16]:
    """Embeddings of all frames, float16 (N, T, D); equal frames in a row are looked at once."""

    def embed(number: int) -> NDArray[np.float16]:
        torch.set_num_threads(1)
        pixels = np.array(scenes.frames[number])
        kept, source = kept_frames(pixels, 0)
        return encode_in_batches(encoder, pixels[kept])[source].astype(np.float16)

    with ThreadPoolExecutor(2) as pool:
        return np.stack(list(pool.map(embed, range(len(scenes)))))


@torch.inference_mode()
def label_embeddings(encoder: ClipEncoder, variant: int | None = None) -> Tensor:
    """Embeddings (sources, D): of one phrase variant, or the normalised mean of the three."""
    if variant is not None:
        return encoder.encode_labels([source.phrases[variant] for source in SOURCES]).clone()
    mean = torch.stack([label_embeddings(encoder, i) for i in range(3)]).mean(0)
    return F.normalize(mean, dim=-1)
