"""Train the classifier that judges generated sounds. It never meets a generated sound in training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.evaluation.classifier import SoundClassifier, augmented_pictures
from pipeline.nets.building import building
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
        logits = classifier(augmented_pictures(pictures[which].float()))
        return F.cross_entropy(logits, targets[which], label_smoothing=0.05)

    loop.run(loss)
    return classifier.eval()
