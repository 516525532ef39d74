"""Time effects of an .otio item -> one constant speed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from timeline_io.readers.otio_json import OtioObject, objects, scalar, schema


@dataclass(frozen=True, slots=True)
class Retime:
    """A constant speed (negative: backwards, 0: frozen) and what a person should know about it."""

    speed: Fraction
    notes: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether nothing is retimed."""
        return self.speed == 1

    def media_length(self, played_s: Fraction) -> Fraction:
        """Seconds of media shown in `played_s` seconds."""
        return abs(self.speed) * played_s

    def first_edge(self, start_s: Fraction, played_s: Fraction) -> Fraction:
        """Where playing begins in a source range that starts at `start_s`: backwards, at its far edge."""
        return start_s + self.media_length(played_s) if self.speed < 0 else start_s


def retime_of(item: OtioObject) -> Retime:
    """All time effects of an item together; several warps multiply."""
    speed = Fraction(1)
    notes: list[str] = []
    for effect in objects(item, "effects"):
        kind = schema(effect) if effect.get("enabled") is not False else ""
        if kind == "LinearTimeWarp":
            speed *= scalar(effect)
        elif kind == "FreezeFrame":
            speed = Fraction(0)
        elif kind == "TimeEffect":
            notes.append("its changing speed is read as normal speed")
    return Retime(speed, tuple(notes))
