"""Label-guided detection: when does what a label names sound? (Smooth-Foley, section II-C)

The paper projects each CLIP frame feature and cuts its cosine with the label's text embedding at 0.5
(`LinearDetector`). Frame by frame, that cannot hear what has just left the picture, so our default looks at the
neighbouring frames as well (`TemporalDetector`) and also says how loud the sound is.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

COSINE_SHARPNESS = 14.0
LEVEL_FLOOR_DB = -60.0


def unit_level(level_db: NDArray[np.float32]) -> NDArray[np.float32]:
    """dBFS -> 0..1 between LEVEL_FLOOR_DB and full scale."""
    return np.clip(1 - level_db / LEVEL_FLOOR_DB, 0.0, 1.0)


class LinearDetector(nn.Module):
    """The paper's projection: one Linear, started at the identity."""

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        self.proj = nn.Linear(embed_dim, embed_dim)
        nn.init.eye_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)

    def forward(self, frames: Tensor, labels: Tensor) -> Tensor:
        """Frames (B, T, D) and labels (L, D), unit length -> cosine similarity (B, L, T)."""
        projected = F.normalize(self.proj(frames), dim=-1)
        return labels @ projected.transpose(1, 2)


class _FrameNorm(nn.LayerNorm):
    """Normalises each frame by itself (B, C, T): what is seen minutes away must not change what is heard now."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class _DilatedBlock(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)
        self.norm = _FrameNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = x + self.mix(F.gelu(self.conv(self.norm(x))))
        return mixed


class TemporalDetector(nn.Module):
    """The same projection with dilated temporal convolutions (reach: about one second each way), and a level.

    The level of a label is a bilinear form of the frame's and the label's embedding, so any label can be asked.
    """

    def __init__(self, embed_dim: int, width: int = 128, dilations: tuple[int, ...] = (1, 2, 4, 8)) -> None:
        super().__init__()
        self.proj = nn.Linear(embed_dim, embed_dim)
        self.lift = nn.Conv1d(embed_dim, width, 1)
        self.blocks = nn.Sequential(*[_DilatedBlock(width, d) for d in dilations])
        self.context = nn.Linear(width, embed_dim)
        self.level_frame = nn.Linear(width, embed_dim)
        self.level_label = nn.Linear(embed_dim, embed_dim)
        self.level_bias = nn.Parameter(torch.zeros(1))
        nn.init.eye_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)

    def forward(self, frames: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (B, T, D), labels (L, D) -> cosine similarity (B, L, T) and level 0..1 (B, L, T).

        Level 0 is LEVEL_FLOOR_DB, 1 is full scale.
        """
        scaled = frames.transpose(1, 2) * frames.shape[-1] ** 0.5
        seen = self.blocks(self.lift(scaled)).transpose(1, 2)
        projected = F.normalize(self.proj(frames) + self.context(seen), dim=-1)
        similarity = labels @ projected.transpose(1, 2)
        asked = self.level_label(labels)
        level = torch.sigmoid(asked @ self.level_frame(seen).transpose(1, 2) + self.level_bias)
        return similarity, level
