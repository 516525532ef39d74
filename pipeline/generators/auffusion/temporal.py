"""Rows at CLIP-frame rate to rows at mel-column rate: how a detection becomes the temporal adapter's input."""

from __future__ import annotations

from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor


def presence_at_columns(active: Tensor, columns_per_frame: Fraction | int) -> Tensor:
    """On/off (B, T), one value for each `columns_per_frame` columns -> (B, floor(T * columns_per_frame)), each held."""
    columns = int(active.shape[-1] * columns_per_frame)
    centres = (torch.arange(columns, device=active.device, dtype=torch.float64) + 0.5) / float(columns_per_frame)
    return active[..., centres.long()]


def level_at_columns(level: Tensor, columns_per_frame: Fraction | int) -> Tensor:
    """Level (B, T) interpolated linearly between frame centres: (B, floor(T * columns_per_frame))."""
    scale = float(columns_per_frame)
    return F.interpolate(level[:, None], scale_factor=scale, mode="linear", align_corners=False)[:, 0]
