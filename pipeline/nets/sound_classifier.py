"""A small classifier of ten sounds on mel pictures."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

FEATURES = 128


class SoundClassifier(nn.Module):
    """Mel pictures (B, bands, W) -> logits (B, classes). Time is pooled, so any length goes."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, 16), (16, 32), (32, 64), (64, 96)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.features_layer = nn.Linear(96 * 4, FEATURES)
        self.head = nn.Linear(FEATURES, classes)

    def features(self, pictures: Tensor) -> Tensor:
        """(B, bands, W) -> (B, FEATURES)."""
        maps = self.body(pictures[:, None])
        pooled = 0.5 * maps.amax(-1) + 0.5 * maps.mean(-1)
        return F.relu(self.features_layer(pooled.flatten(1)))

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(pictures))
        return logits
