"""What can appear in a procedural scene: ten things that sound, five that do not, and the phrases that name them."""

from __future__ import annotations

from dataclasses import dataclass


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


CONTINUOUS_SOURCES = (
    Thing(name="airplane", phrases=("airplane flying", "a plane flies by", "jet aircraft passing"), continuous=True),
    Thing(name="train", phrases=("train passing", "a train on the railway", "railroad cars rolling"), continuous=True),
    Thing(
        name="siren",
        phrases=("ambulance siren", "an ambulance with siren", "emergency vehicle wailing"),
        continuous=True,
    ),
    Thing(name="car", phrases=("car passing by", "a car drives past", "vehicle engine on road"), continuous=True),
    Thing(
        name="helicopter",
        phrases=("helicopter flying", "a helicopter hovering", "chopper rotor blades"),
        continuous=True,
    ),
    Thing(name="rain", phrases=("rain falling", "heavy rain drops", "a rain shower"), continuous=True),
)
IMPACT_SOURCES = (
    Thing(name="ball", phrases=("ball bouncing", "a bouncing ball", "rubber ball hits the floor")),
    Thing(name="hammer", phrases=("hammer hitting metal", "a hammer on an anvil", "metal hammering")),
    Thing(name="footsteps", phrases=("footsteps walking", "a person walking", "steps on the floor")),
    Thing(name="door", phrases=("door slamming", "a door closes", "slam of a door")),
)
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
