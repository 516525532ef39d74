"""Train the detectors: label-guided (the paper's linear one and the temporal one) and the label-free controls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.nets.building import building
from pipeline.nets.label_detector import COSINE_SHARPNESS, LinearDetector, TemporalDetector
from pipeline.nets.label_free import LabelFreeDetector, grey
from pipeline.scenes.catalogue import CONTINUOUS_SOURCES
from pipeline.training.dataset import NEARNESS_DECAY_S, SceneSet
from pipeline.training.loop import Progress, TrainingLoop
from pipeline.training.sizes import EMBED_DIM, GRID

_BATCH = 48
_LABEL_FREE_BATCH = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """What N scenes sound like: audible bool and level 0..1, both (N, sources, T). The first `moments` are moments."""

    audible: Tensor
    level: Tensor
    moments: int

    @classmethod
    def of(cls, moments: SceneSet, states: SceneSet) -> Truth:
        """That of the moments, then of the states."""
        audible, level = (np.concatenate([getattr(moments, n), getattr(states, n)]) for n in ("audible", "level"))
        return cls(audible=torch.from_numpy(audible), level=torch.from_numpy(level), moments=len(moments))

    def batch(self) -> Tensor:
        """Numbers of a batch of scenes: three moments to a state, so that impacts, of which no state is, stay many."""
        states = torch.randint(self.moments, len(self.audible), (_BATCH // 4,))
        return torch.cat([torch.randint(self.moments, (_BATCH - len(states),)), states])


def train_linear_detector(
    work: Path, truth: Truth, embeddings: Tensor, labels: Tensor, *, steps: int, seed: int
) -> LinearDetector:
    """Frames (N, T, D) and label variants (V, L, D) -> the projection of section II-C."""
    with building():
        torch.manual_seed(seed)
        detector = LinearDetector(EMBED_DIM)
    loop = TrainingLoop("linear_detector", work, [detector], steps=steps, learning_rate=2e-3, seed=seed)

    def loss(progress: Progress) -> Tensor:
        which = truth.batch()
        similarity = detector(embeddings[which].float(), _any_variant(labels))
        return _presence_loss(similarity, truth.audible[which])

    loop.run(loss)
    return detector.eval()


def train_temporal_detector(
    work: Path, truth: Truth, embeddings: Tensor, labels: Tensor, *, steps: int, seed: int
) -> TemporalDetector:
    """The same with context in time, and a level."""
    with building():
        torch.manual_seed(seed)
        detector = TemporalDetector(EMBED_DIM)
    loop = TrainingLoop(
        "temporal_detector", work, [detector], steps=steps, learning_rate=1.5e-3, seed=seed, ema_decay=0.995
    )

    def loss(progress: Progress) -> Tensor:
        which = truth.batch()
        frames = embeddings[which].float()
        frames = F.normalize(frames + 0.01 * torch.randn_like(frames), dim=-1)
        similarity, level = detector(frames, _any_variant(labels))
        heard, true_level = truth.audible[which], truth.level[which].float()
        weight = 0.1 + 0.9 * heard.float()
        level_loss = (weight * (level - true_level) ** 2).sum() / weight.sum()
        return _presence_loss(similarity, heard) + 4 * level_loss

    loop.run(loss)
    return detector.eval()


def _any_variant(labels: Tensor) -> Tensor:
    """One random wording of each label, or their mean."""
    variant = torch.randint(len(labels), (labels.shape[1],))
    return labels[variant, torch.arange(labels.shape[1])]


def _presence_loss(similarity: Tensor, heard: Tensor) -> Tensor:
    """Binary cross-entropy of a logit that is zero at cosine 0.5.

    One of ten labels sounds, so presence weighs more, most of all in the first frame of an impact, which is late
    without it.
    """
    begins = heard & ~F.pad(heard, (1, 0))[..., :-1]
    begins[:, : len(CONTINUOUS_SOURCES)] = False
    weight = torch.where(begins, 4.0, torch.where(heard, 1.0, 0.5))
    return F.binary_cross_entropy_with_logits(COSINE_SHARPNESS * (similarity - 0.5), heard.float(), weight=weight)


def train_label_free(
    work: Path, scenes: SceneSet, *, goal: Literal["onset", "presence"], steps: int, seed: int
) -> LabelFreeDetector:
    """A control that is told no label: onsets of impact scenes (FoleyCrafter's way), or presence of all scenes."""
    with building():
        torch.manual_seed(seed)
        detector = LabelFreeDetector()
    loop = TrainingLoop(
        f"{goal}_detector", work, [detector], steps=steps, learning_rate=2e-3, seed=seed, weight_decay=0.01
    )
    targets = np.asarray(scenes.target)
    impacts = np.flatnonzero(targets >= len(CONTINUOUS_SOURCES))
    pool = torch.from_numpy(impacts if goal == "onset" else np.arange(len(scenes)))

    def loss(progress: Progress) -> Tensor:
        which = pool[torch.randint(len(pool), (_LABEL_FREE_BATCH,))].numpy()
        pixels = torch.from_numpy(np.stack([scenes.frames[i] for i in which]))
        if goal == "onset":
            wanted = torch.from_numpy(onset_rows(scenes, which))
        else:
            wanted = torch.from_numpy(np.stack([scenes.audible[i, targets[i]] for i in which]).astype(np.float32))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = detector(grey(pixels))
        return F.binary_cross_entropy_with_logits(logits.float(), wanted, pos_weight=torch.tensor(1.5))

    loop.run(loss)
    return detector.eval()


def onset_rows(scenes: SceneSet, which: NDArray[np.int64]) -> NDArray[np.float32]:
    """1 within about two frames of an impact, float32 (B, T)."""
    reach = np.exp(-1.6 * float(GRID.columns_per_frame * GRID.column_s) / NEARNESS_DECAY_S)
    return (np.stack([scenes.onset_nearness[i] for i in which]) > reach).astype(np.float32)
