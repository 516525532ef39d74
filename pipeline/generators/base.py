"""The seam: what a family of models is asked for, and what it says of itself before anything is loaded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.records import ShotFeatures, TemporalCondition
from pipeline.settings import Settings


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What there is to know of a family without torch.

    settings: its settings, as a class. needs(settings, structure): what settings ask of a model, for a person, and the
    file of the model that has it. place: module:class of its components, a ModelComponents that is a Generator.
    channels: of what it makes.
    """

    name: str
    settings: type[Settings]
    needs: Callable[[Any, Mapping[str, Any]], Mapping[str, str]]
    place: str
    channels: int = 1

    def components(self) -> Any:
        """The class of its components. Imports torch."""
        module, _, name = self.place.partition(":")
        return getattr(import_module(module), name)
