"""The ways to tell when a label sounds: a new one is a module here and a line in DETECTORS. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector before it is needed.

    streams: what it looks at, by the names in `ShotFeatures`. tells_labels: whether it hears one label of several in a
    picture. place: module:function of what does it, (features, labels, model, settings) -> a TemporalCondition for each
    label.
    """

    streams: frozenset[str]
    tells_labels: bool
    place: str

    def load(self) -> Any:
        """What does it. Imports torch."""
        module, _, name = self.place.partition(":")
        return getattr(import_module(f"pipeline.detectors.{module}"), name)


_CLIP, _ONSET = frozenset({"clip"}), frozenset({"onset"})

DETECTORS: dict[str, Detector] = {
    "temporal": Detector(_CLIP, True, "projected:temporal"),
    "linear": Detector(_CLIP, True, "projected:linear"),
    "null_margin": Detector(_CLIP, True, "null_prompts:null_margin"),
    "onset": Detector(_ONSET, False, "onsets:onset"),
    "either": Detector(_CLIP | _ONSET, True, "onsets:either"),
    "always": Detector(frozenset(), False, "always:always"),
}
