"""Label-free detection from motion alone: the control that FoleyCrafter's way is measured with.

A small 2-D convolution over frame differences, then a temporal one. Trained on impacts' onsets it stands for
FoleyCrafter's onset detector, trained on presence for the strongest detector that is not told a label.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_OFFSETS = (-3, -1, 1, 3)


class LabelFreeDetector(nn.Module):
    """Grey frames (B, T, H, W) in 0..1 -> logits (B, T)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs, kernel in ((5, 16, 5), (16, 24, 3), (24, 32, 3)):
            layers += [nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2)]
            layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
        self.frame = nn.Sequential(*layers)
        self.time = nn.Sequential(
            nn.Conv1d(64, 64, 5, padding=2), nn.ReLU(), nn.Conv1d(64, 64, 5, padding=4, dilation=2), nn.ReLU()
        )
        self.head = nn.Conv1d(64, 1, 1)

    def forward(self, grey: Tensor) -> Tensor:
        batch, frames = grey.shape[:2]
        index = torch.arange(frames, device=grey.device)
        moved = [(grey[:, (index + k).clamp(0, frames - 1)] - grey) * 4 for k in _OFFSETS]
        stacked = torch.stack([grey - 0.5, *moved], dim=2).flatten(0, 1)
        features = self.frame(stacked.to(memory_format=torch.channels_last))
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], dim=1)
        logits: Tensor = self.head(self.time(pooled.unflatten(0, (batch, frames)).transpose(1, 2)))
        return logits[:, 0]


def grey(pixels: Tensor) -> Tensor:
    """uint8 RGB (..., H, W, 3) -> float 0..1 (..., H, W): the green channel, near enough to luma."""
    return pixels[..., 1].float() / 255
