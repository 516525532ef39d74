"""Train the classifier that judges generated sounds. It never meets a generated sound in training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.nets.building import building
from pipeline.nets.sound_classifier import SoundClassifier
from pipeline.scenes.catalogue import SOURCES
from pipeline.training.dataset import SceneSet
from pipeline.training.loop import Progress, TrainingLoop

_BATCH = 48
_AUDIBLE_SHARE = 0.03


def train_classifier(work: Path, scenes: SceneSet, pictures: Tensor, *, steps: int, seed: int) -> SoundClassifier:
    """Mel pictures (N, bands, W) of the targets -> a classifier; scenes that are nearly silent are left out."""
    with building():
        torch.manual_seed(seed)
        classifier = SoundClassifier(len(SOURCES))
    targets = torch.from_numpy(np.asarray(scenes.target))
    share = np.stack([scenes.audible[i, t].mean() for i, t in enumerate(scenes.target)])
    pool = torch.from_numpy(np.flatnonzero(share > _AUDIBLE_SHARE))
    loop = TrainingLoop("classifier", work, [classifier], steps=steps, learning_rate=2e-3, seed=seed, weight_decay=0.01)

    def loss(progress: Progress) -> Tensor:
        which = pool[torch.randint(len(pool), (_BATCH,))]
        logits = classifier(_augmented(pictures[which].float()))
        return F.cross_entropy(logits, targets[which], label_smoothing=0.05)

    loop.run(loss)
    return classifier.eval()


def _augmented(pictures: Tensor) -> Tensor:
    """Blur, level, noise and time shift at random, so that the classifier judges sounds and not their rendering."""
    blurred = F.avg_pool2d(pictures[:, None], 3, stride=1, padding=1)[:, 0]
    mixed = torch.where((torch.rand(len(pictures)) < 0.3)[:, None, None], blurred, pictures)
    mixed = mixed + 0.08 * torch.randn(len(pictures), 1, 1) + 0.05 * torch.rand(1) * torch.randn_like(pictures)
    shift = int(torch.randint(pictures.shape[-1], ()))
    return torch.roll(mixed, shift, dims=-1).clamp(-1, 1)
