"""The seam: what a family of models is asked for.

A family is a package with three modules, found through pipeline/registries.py:

    settings.py     SETTINGS, a class derived from settings.Settings; CHANNELS of what it makes; needs(settings,
                    structure): what settings ask of a model, for a person, and the file that has it. Loads no torch.
    parts.py        PARTS: folder of a model -> weights.parts.PartLayout, for the parts that are its own
    generator.py    GENERATOR, a class derived from components.ModelComponents that is a Generator
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.records import ShotFeatures, TemporalCondition


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoundOrder:
    """One sound to make: what it is, from which noise, what was seen, when it sounds, and how long it is."""

    label: str
    seed: int
    features: ShotFeatures
    condition: TemporalCondition
    duration_s: Fraction


class Generator(Protocol):
    """Makes the sounds of one model, loaded on one device. Safe to use from several threads.

    takes_together: whether orders share batches; else they are best made one by one. threads_per_take: how many cores
    one take computes on, 0 for all.
    """

    @property
    @abstractmethod
    def sample_rate_hz(self) -> int:
        """Of what it makes."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Of what it makes."""

    @property
    @abstractmethod
    def takes_together(self) -> bool:
        """Whether orders share batches."""

    @property
    @abstractmethod
    def threads_per_take(self) -> int:
        """How many cores a take computes on."""

    @abstractmethod
    def frame_times(self, duration_s: Fraction, fps: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """CLIP's clock over a stretch: the middle of each step (T,) and the moment whose frame stands for it (T,), in
        seconds; `fps` 0 for the model's own rate."""

    @abstractmethod
    def make(self, orders: Sequence[SoundOrder], settings: Any) -> list[NDArray[np.float32]]:
        """A sound (channels, N) for each order, at least as long as it says. None depends on the others.

        settings: of the family's own kind. Raises OutOfMemoryError.
        """
