"""How takes are made: the settings of one pass, part of every take's content key."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

from pipeline.registries import DETECTORS

FixedPrecision = Literal["float32", "bfloat16", "float16"]
Precision = Literal["auto", FixedPrecision]
ClipWeights = Literal["auto", "full", "int8"]
Quirk = Literal["time_grid", "frames", "pixel_range", "int16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What all families of models have in common: how a shot is looked at, and when a label sounds in it.

    Defaults are the bundled model's; a model card may bring others, and presets of its own. A family adds its own
    settings in a class of its own (generators/), and only they enter its keys.

    clip_fps: frames looked at per second, 0 for the model's own rate. near_duplicate_levels: a frame that
    differs from the one before by less (mean of 256 grey levels) is not looked at again; 0 skips equal ones only.
    detector: "linear" is the paper's projection, "null_margin" needs no training, "onset" is FoleyCrafter's network,
    "either" is null_margin or onset. threshold: cosine (of "onset": probability) from which a label sounds.
    use_level: take the level that the detector heard, where it has one. median_frames: length of the median filter on
    the similarity, odd. null_...: how the margin over the null prompts becomes on and off, detectors/null_margin.py.

    precision: of the large networks; "auto" is half precision where the device is made for it. clip_weights: "int8"
    looks in 8 bits, on processors, at stretches whose first picture then comes out alike (cosine over 0.999); "auto"
    does where "auto" for the precision came to float32. quirks: ways of the reference that are wrong, for comparison:
    pipeline/legacy.py explains each.
    """

    clip_fps: float = 0.0
    near_duplicate_levels: float = 0.0
    detector: str = "temporal"
    threshold: float = 0.5
    use_level: bool = True
    median_frames: int = 5
    null_offset: float = 0.02
    null_sharpness: float = 100.0
    null_smooth_s: float = 1 / 3
    null_on: float = 0.55
    null_off: float = 0.40
    null_close_s: float = 1 / 3
    null_drop_s: float = 0.2
    precision: Precision = "float32"
    clip_weights: ClipWeights = "full"
    quirks: tuple[Quirk, ...] = ()

    # Lowest and highest value of those that are numbers; seconds end where any shot does.
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "clip_fps": (0, 240),
        "near_duplicate_levels": (0, 256),
        "median_frames": (1, 9999),
        "null_sharpness": (0, 1e6),
        "null_smooth_s": (0, 3600),
        "null_close_s": (0, 3600),
        "null_drop_s": (0, 3600),
    }

    def __post_init__(self) -> None:
        # A card's list becomes a tuple; a text would become its letters.
        object.__setattr__(self, "quirks", tuple(self.quirks) if isinstance(self.quirks, list) else self.quirks)
        kinds = get_type_hints(type(self))
        for field in fields(self):
            _check_kind(field.name, getattr(self, field.name), kinds[field.name])
            _check_choice(field.name, getattr(self, field.name), kinds[field.name])
        for name, (least, most) in self.ranges.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}, it must be {least:g} to {most:g}")
        if self.detector not in DETECTORS:
            raise ValueError(f"detector is {self.detector!r}, it must be one of {', '.join(DETECTORS)}")
        if 0 < self.clip_fps < _SLOWEST_FPS:
            raise ValueError(f"clip_fps is {self.clip_fps}, it must be 0 (the model's own) or at least {_SLOWEST_FPS}")
        if self.median_frames % 2 == 0:
            raise ValueError(f"median_frames is {self.median_frames}, it must be an odd number")
        if self.null_off > self.null_on:
            raise ValueError(f"null_off is {self.null_off} and null_on {self.null_on}; off must not be above on")

    def digest(self) -> str:
        """16 hex digits that change with any value."""
        return _digest({name: value for name, value in asdict(self).items() if self._counts(name)})

    @property
    def streams(self) -> frozenset[str]:
        """What has to be seen of a shot, by the names of encode.STREAMS."""
        return DETECTORS[self.detector].streams

    @property
    def number_format(self) -> str:
        """What the large networks compute in, in words. Raises ValueError while it is "auto"."""
        if "auto" in (self.precision, self.clip_weights):
            raise ValueError('number formats are settled before a take gets its key: these settings say "auto"')
        return f"{self.precision}, CLIP in int8" if self.clip_weights == "int8" else self.precision

    def encode_digest(self) -> str:
        """16 hex digits that change with any value that decides what is seen in a shot."""
        looking = [getattr(self, name) for name in _LOOKING if self._counts(name)]
        further = sorted(self.streams - {"clip", "onset"})
        return _digest([*looking, "clip" in self.streams, "onset" in self.streams, *further])

    def _counts(self, name: str) -> bool:
        """Whether a setting is part of the keys: one that came later is not while it changes nothing."""
        return name not in _LATER or getattr(self, name) != _LATER[name]

    def changed(self, told: Mapping[str, str]) -> Self:
        """These settings with some values given as text: {"threshold": "0.6"}. Raises ValueError, one sentence."""
        shared = {field.name for field in fields(Settings)}
        # A family's own come first, where they are listed.
        known = {field.name: field.default for field in sorted(fields(self), key=lambda field: field.name in shared)}
        return replace(self, **{name: _parsed(name, text, known) for name, text in told.items()})


_SLOWEST_FPS = 0.01

_LOOKING = ("clip_fps", "near_duplicate_levels", "precision", "quirks", "clip_weights")
# Settings that came after takes had been kept, with the value that all those takes were made with.
_LATER = {"clip_weights": "full"}


def _digest(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _check_kind(name: str, value: Any, kind: Any) -> None:
    """Raise ValueError where a value, perhaps a card's, is of another kind than its setting."""
    wanted = str if get_origin(kind) is Literal else tuple if get_origin(kind) is tuple else kind
    accepted = (int, float) if wanted is float else wanted
    right = isinstance(value, accepted) and (wanted is bool or not isinstance(value, bool))
    if not right or (wanted is float and not math.isfinite(value)):
        raise ValueError(f"{name} is {value!r}, it must be {_KINDS[wanted]}")


def _check_choice(name: str, value: Any, kind: Any) -> None:
    """Raise ValueError where a value is none of those its Literal allows."""
    allowed = get_args(kind) if get_origin(kind) is Literal else _quirk_names(kind)
    for word in (value if isinstance(value, tuple) else (value,)) if allowed else ():
        if word not in allowed:
            raise ValueError(f"{name} is {word!r}, it must be one of {', '.join(map(str, allowed))}")


def _quirk_names(kind: Any) -> tuple[Any, ...]:
    return get_args(get_args(kind)[0]) if get_origin(kind) is tuple else ()


def _parsed(name: str, text: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise ValueError(f"there is no setting {name!r}; there are {', '.join(known)}")
    default = known[name]
    if isinstance(default, tuple):
        return tuple(word for word in text.split(",") if word)
    if isinstance(default, bool):
        return _switch(name, text)
    try:
        return type(default)(text)
    except ValueError as error:
        raise ValueError(f"{name} is {text!r}, it must be {_KINDS[type(default)]}") from error


_KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    tuple: "a list of names",
}
_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _switch(name: str, text: str) -> bool:
    if text.casefold() not in _SWITCH:
        raise ValueError(f"{name} is {text!r}, it must be true or false")
    return _SWITCH[text.casefold()]
