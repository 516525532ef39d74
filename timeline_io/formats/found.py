"""Audio tracks of an edit as its file describes them, before anyone asks which of them are ours.

Times are exact seconds from the timeline's first frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundClip:
    """A clip on an audio track: `source_s` is the time in its file at which it begins.

    `media_ref` is the file as the timeline names it, "" for what has none (a nested sequence, a transition). `ons`
    are the (start, length) of the markers that say that the sound is on. `effects` name what changes how it sounds,
    its fades aside, whose lengths are `fade_in_s` and `fade_out_s`. `marked` tells that it carries our mark.
    """

    name: str
    media_ref: str = ""
    start_s: Fraction = Fraction(0)
    length_s: Fraction = Fraction(0)
    source_s: Fraction = Fraction(0)
    ons: tuple[tuple[Fraction, Fraction], ...] = ()
    effects: tuple[str, ...] = ()
    fade_in_s: Fraction = Fraction(0)
    fade_out_s: Fraction = Fraction(0)
    enabled: bool = True
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTrack:
    """An audio track; `key` is its place in the file, and stays the same as long as the file does.

    A lane (`is_lane`) is no track: the editing program decides by itself what lies at which depth.
    """

    key: str
    name: str
    clips: tuple[FoundClip, ...]
    enabled: bool = True
    is_lane: bool = False


def transition() -> FoundClip:
    """A transition that is no fade of a single clip: it has no media, and we never lay one."""
    return FoundClip(name="a transition")
