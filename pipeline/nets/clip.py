"""CLIP by open_clip: frames and labels into one space. The bundled model is a small open_clip.CLIP with its own BPE."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import load_file
from torch import Tensor, nn


class ClipEncoder(nn.Module):
    """Frames and labels -> unit vectors of `embed_dim`. Frames are square, RGB, uint8."""

    def __init__(self, clip: CLIP, tokenizer: SimpleTokenizer, *, image_size: int, embed_dim: int) -> None:
        super().__init__()
        self.clip = clip
        self.tokenizer = tokenizer
        self.image_size = image_size
        self.embed_dim = embed_dim

    def encode_frames(self, pixels: Tensor) -> Tensor:
        """uint8 (T, H, W, 3) -> float32 (T, embed_dim), L2-normalised."""
        return F.normalize(self.clip.encode_image(normalized_pixels(pixels)).float(), dim=-1)

    def encode_labels(self, labels: Sequence[str]) -> Tensor:
        """Labels -> float32 (L, embed_dim), L2-normalised."""
        tokens = self.tokenizer(list(labels)).to(self.clip.logit_scale.device)
        return F.normalize(self.clip.encode_text(tokens).float(), dim=-1)


def normalized_pixels(pixels: Tensor) -> Tensor:
    """uint8 (T, H, W, 3) -> float32 (T, 3, H, W) in -1..1, channels last in memory."""
    scaled = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
    return scaled.contiguous(memory_format=torch.channels_last)


def build_clip(config: dict[str, Any], bpe_path: Path) -> ClipEncoder:
    """A fresh CLIP from an open_clip model config with `image_size`, and the BPE file of its text side."""
    text = config["text_cfg"]
    tokenizer = SimpleTokenizer(bpe_path=str(bpe_path), context_length=text["context_length"])
    if tokenizer.vocab_size != text["vocab_size"]:
        raise ValueError(f"{bpe_path} gives {tokenizer.vocab_size} tokens, the config asks for {text['vocab_size']}")
    clip = CLIP(embed_dim=config["embed_dim"], vision_cfg=config["vision_cfg"], text_cfg=text)
    encoder = ClipEncoder(clip, tokenizer, image_size=config["vision_cfg"]["image_size"], embed_dim=config["embed_dim"])
    return encoder.to(memory_format=torch.channels_last)


def load_clip(folder: Path) -> ClipEncoder:
    """Load the CLIP of a bundle: config.json, bpe.txt.gz and model.safetensors in `folder`."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    encoder = build_clip(config, folder / "bpe.txt.gz")
    state = {name: value.float() for name, value in load_file(folder / "model.safetensors").items()}
    encoder.clip.load_state_dict(state)
    return encoder.eval()


@torch.inference_mode()
def encode_in_batches(encoder: ClipEncoder, pixels: NDArray[np.uint8], batch: int = 64) -> NDArray[np.float32]:
    """Frames uint8 (T, H, W, 3) -> embeddings float32 (T, D), a fixed-size batch at a time.

    The last batch is padded to the full size, so that a frame's embedding never depends on how many came with it.
    """
    device = encoder.clip.logit_scale.device
    rows = []
    for first in range(0, len(pixels), batch):
        chunk = torch.from_numpy(pixels[first : first + batch])
        padded = torch.cat([chunk, chunk[-1:].expand(batch - len(chunk), -1, -1, -1)])
        rows.append(encoder.encode_frames(padded.to(device))[: len(chunk)].cpu().numpy())
    return np.concatenate(rows)
