"""Rows at CLIP-frame rate to rows at mel-column rate: how a detection becomes the temporal adapter's input."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def presence_at_columns(active: Tensor, columns_per_frame: int) -> Tensor:
    """On/off (B, T) held over the columns of each frame: (B, T * columns_per_frame)."""
    return active.repeat_interleave(columns_per_frame, dim=-1)


def level_at_columns(level: Tensor, columns_per_frame: int) -> Tensor:
    """Level (B, T) interpolated linearly between frame centres: (B, T * columns_per_frame)."""
    scale = float(columns_per_frame)
    return F.interpolate(level[:, None], scale_factor=scale, mode="linear", align_corners=False)[:, 0]
