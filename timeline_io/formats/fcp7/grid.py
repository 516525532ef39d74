"""Which frames `<in>` and `<out>` of a Final Cut Pro 7 clip item count, where its rate is not that of its sequence.

    sequence 30, item 25    start 0  end 60    in 50  out 100     50 frames of 25 last as long: its own
                            start 0  end 60    in 60  out 120     as many as the sequence has: the sequence's

Some programs name the rate of the media and count the frames of the sequence all the same. The lengths tell, those of a
retimed item too, which count played frames or media frames. Where an item is so short that both fit, the other items of
its sequence do. What changes its speed counts its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.formats.fcp7.elements import frames, rate_of
from timeline_io.formats.fcp7.place import Place
from timeline_io.formats.fcp7.retime import speed_of

# Exporters round both edges.
_ROUNDED = 1


@dataclass(frozen=True, slots=True)
class Grid:
    """The rates, other than its own, at which the items of a sequence of `rate` frames a second count its frames."""

    rate: Fraction
    counted_alike: frozenset[Fraction] = field(default_factory=frozenset)

    def of(self, place: Place) -> Fraction:
        """How many frames of its `<in>` and `<out>` are a second."""
        own = rate_of(place.item) or self.rate
        says = _is_sequence_s(place, own, self.rate)
        if says is None:
            says = own in self.counted_alike and speed_of(place.item) is not None
        return self.rate if says else own


def grid_of(places: Iterable[Place], rate: Fraction) -> Grid:
    """What the items of a sequence that leave no doubt say of those that do; what they disagree on stays the item's."""
    told: dict[Fraction, set[bool]] = {}
    for place in places:
        own = rate_of(place.item) or rate
        says = _is_sequence_s(place, own, rate)
        if says is not None:
            told.setdefault(own, set()).add(says)
    return Grid(rate, frozenset(own for own, said in told.items() if said == {True}))


def _is_sequence_s(place: Place, own: Fraction, rate: Fraction) -> bool | None:
    """Whether an item counts the frames of its sequence; None where that cannot be told or makes no difference."""
    span, speed = _span(place.item), speed_of(place.item)
    # 24 and 23.976 are counted alike, frame by frame.
    if span is None or speed is None or round(own) == round(rate):
        return None
    # Played frames, or frames of the media.
    lengths = [(place.end - place.anchor) * counted for counted in {Fraction(1), speed}]
    fits_sequence = span in lengths
    fits_own = any(abs(span - length * own / rate) <= _ROUNDED for length in lengths)
    return None if fits_sequence == fits_own else fits_sequence


def _span(item: Element) -> Fraction | None:
    """The frames from `<in>` to `<out>` of an item with both edges on the track: others end under a transition."""
    edges = [frames(item, name) for name in ("start", "end", "in", "out")]
    if any(edge is None for edge in edges):
        return None
    first, last = frames(item, "in"), frames(item, "out")
    return None if first is None or last is None else last - first
