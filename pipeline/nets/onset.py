"""FoleyCrafter's detector of onsets: which frames of a movie something strikes in, told from the picture alone.

It is torchvision's R(2+1)D-18 that keeps every frame (nothing is strided or pooled over time), and a small head per
frame. It was trained on 15 frames per second with pixels in 0..1; the reference feeds it 0..255 instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.video import VideoResNet, r2plus1d_18
from torchvision.transforms.v2 import functional as pictures

from pipeline.nets.building import building
from pipeline.nets.strict import load_strictly, read_weights

ONSET_FPS = 15
ONSET_PIXELS = 128
_CROPPED = [112, 112]
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
# Seventeen convolutions over three frames each: that far a frame sees to either side.
ONSET_REACH_FRAMES = 17


class OnsetDetector(nn.Module):
    """Prepared frames (B, T, 3, 112, 112) -> logits (B, T). Parameters are named as published."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.ModuleDict({"model": _every_frame(r2plus1d_18(weights=None))})
        self.fc = nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 1))

    def forward(self, frames: Tensor) -> Tensor:
        net: Any = self.net["model"]
        features = net.stem(frames.transpose(1, 2))
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            features = layer(features)
        logits: Tensor = self.fc(features.mean((3, 4)).transpose(1, 2))
        return logits[..., 0]


def _every_frame(net: VideoResNet) -> VideoResNet:
    """The network with its strides over time taken out, and without its head."""
    for layer in (net.layer2, net.layer3, net.layer4):
        layer[0].conv1[0][3].stride = (1, 1, 1)
        layer[0].downsample[0].stride = (1, 2, 2)
    net.fc = nn.Identity()
    return net


@building()
def load_onset_detector(folder: Path, dtype: torch.dtype = torch.float32) -> OnsetDetector:
    """Load model.safetensors in `folder`. Raises WeightsError."""
    path = folder / "model.safetensors"
    with torch.device("meta"):
        detector = OnsetDetector()
    load_strictly(detector, read_weights(path, dtype), path)
    return detector.requires_grad_(False).eval()


def preprocess(frames: Tensor, *, unit_scale: bool = True) -> Tensor:
    """uint8 (T, H, W, 3) -> float32 (T, 3, 112, 112): squashed to a square, its middle, scaled.

    `unit_scale` False leaves pixels in 0..255 before the statistics of 0..1 pixels are applied: the reference's way.
    """
    channels_first = frames.permute(0, 3, 1, 2).float()
    squashed = pictures.resize(channels_first, [ONSET_PIXELS, ONSET_PIXELS], antialias=True)
    middle = pictures.center_crop(squashed, _CROPPED)
    mean, std = (torch.tensor(row, device=frames.device)[:, None, None] for row in (_MEAN, _STD))
    return (middle / 255 - mean) / std if unit_scale else (middle - mean) / std


@torch.inference_mode()
def onset_probability(
    detector: OnsetDetector, frames: NDArray[np.uint8], *, unit_scale: bool = True, chunk: int = 64
) -> NDArray[np.float32]:
    """Frames uint8 (T, H, W, 3) at ONSET_FPS -> how likely each holds an onset, 0..1 (T,).

    `chunk` frames are asked at a time, each chunk with all the neighbours that its frames can see, so the answer does
    not depend on it and memory does not grow with T.
    """
    likely = np.zeros(len(frames), np.float32)
    weight = next(detector.parameters())
    for first in range(0, len(frames), chunk):
        begin = max(0, first - ONSET_REACH_FRAMES)
        seen = torch.from_numpy(frames[begin : first + chunk + ONSET_REACH_FRAMES]).to(weight.device)
        logits = detector(preprocess(seen, unit_scale=unit_scale)[None].to(weight.dtype))[0]
        likely[first : first + chunk] = torch.sigmoid(logits.float())[first - begin :][:chunk].cpu().numpy()
    return likely
