"""What there is to choose from by name: detectors, and families of models.

A new one is a module or a package, and a line here. Loads no torch: what does the work is imported when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pipeline.errors import WeightsError


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector before it is needed.

    streams: what it looks at, by the names in `ShotFeatures`. tells_labels: whether it hears one label of several in a
    picture. place: module:function of what does it, (features, labels, model, settings) -> a TemporalCondition for each
    label. file: of a model, that has the weights it needs.
    """

    streams: frozenset[str]
    tells_labels: bool
    place: str
    file: str = ""

    def load(self) -> Any:
        """What does it. Imports torch."""
        module, _, name = self.place.partition(":")
        return getattr(import_module(module), name)


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models before it is needed; `package` is laid out as generators/base.py says."""

    name: str
    package: str

    @property
    def settings(self) -> Any:
        """Its settings, a class derived from `settings.Settings`."""
        return self._module("settings").SETTINGS

    @property
    def channels(self) -> int:
        """Of what it makes."""
        return int(self._module("settings").CHANNELS)

    def needs(self, settings: Any, structure: Mapping[str, Any]) -> Mapping[str, str]:
        """What settings ask of a model, for a person, and the file of the model that has it."""
        needed: Callable[..., Mapping[str, str]] = self._module("settings").needs
        return needed(settings, structure)

    def parts(self) -> Mapping[str, Any]:
        """Folder of a model -> weights.parts.PartLayout. Imports torch."""
        layouts: Mapping[str, Any] = self._module("parts").PARTS
        return layouts

    def generator(self) -> Any:
        """The class of its generator. Imports torch."""
        return self._module("generator").GENERATOR

    def _module(self, name: str) -> Any:
        return import_module(f"{self.package}.{name}")


_CLIP, _ONSET = frozenset({"clip"}), frozenset({"onset"})
_ONSET_FILE = "onset/model.safetensors"

DETECTORS: dict[str, Detector] = {
    "temporal": Detector(_CLIP, True, "pipeline.detectors.projected:temporal", "detector/temporal.safetensors"),
    "linear": Detector(_CLIP, True, "pipeline.detectors.projected:linear", "detector/linear.safetensors"),
    "null_margin": Detector(_CLIP, True, "pipeline.detectors.null_prompts:null_margin", "clip/model.safetensors"),
    "onset": Detector(_ONSET, False, "pipeline.detectors.onsets:onset", _ONSET_FILE),
    "either": Detector(_CLIP | _ONSET, True, "pipeline.detectors.onsets:either", _ONSET_FILE),
    "always": Detector(frozenset(), False, "pipeline.detectors.always:always"),
}

FAMILIES: dict[str, Family] = {"auffusion": Family("auffusion", "pipeline.generators.auffusion")}


def family_named(name: str) -> Family:
    """The family of that name, as a model card has it. Raises WeightsError."""
    if name not in FAMILIES:
        raise WeightsError(f"there is no family of models called {name!r}; there are {', '.join(FAMILIES)}")
    return FAMILIES[name]
