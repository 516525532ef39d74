"""What can appear in a procedural scene: ten things that sound, five that do not, and the phrases that name them."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.sound_phrases import PHRASES


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that can be drawn. `phrases` name it in training; the first is its label."""

    name: str
    phrases: tuple[str, str, str]
    continuous: bool = False
    silent: bool = False

    @property
    def label(self) -> str:
        """The phrase shown to people."""
        return self.phrases[0]


CONTINUOUS_SOURCES = tuple(
    Thing(name=name, phrases=PHRASES[name], continuous=True)
    for name in ("airplane", "train", "siren", "car", "helicopter", "rain")
)
IMPACT_SOURCES = tuple(Thing(name=name, phrases=PHRASES[name]) for name in ("ball", "hammer", "footsteps", "door"))
DISTRACTORS = (
    Thing(name="balloon", phrases=("balloon floating", "a drifting balloon", "a balloon"), silent=True),
    Thing(name="kite", phrases=("kite in the wind", "a flying kite", "a kite"), silent=True),
    Thing(name="butterfly", phrases=("butterfly flapping", "a fluttering butterfly", "a butterfly"), silent=True),
    Thing(name="flag", phrases=("flag waving", "a waving flag", "a flag"), silent=True),
    Thing(name="cloud", phrases=("cloud drifting", "a white cloud", "a cloud"), silent=True),
)
SOURCES = CONTINUOUS_SOURCES + IMPACT_SOURCES
THINGS = SOURCES + DISTRACTORS


def source_named(name: str) -> Thing:
    """The sounding thing of that name; KeyError names the ones there are."""
    for thing in SOURCES:
        if thing.name == name:
            return thing
    raise KeyError(f"no sounding thing is called {name!r}; there are {', '.join(t.name for t in SOURCES)}")
