"""What of an AAF is no picture to make sound for, and why."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from timeline_io.formats.aaf.items import Item
from timeline_io.formats.aaf.values import attributes, children, kind, length_of, plain_text, text, value
from timeline_io.model import Clip

EXTRA_INPUT = "an extra layer of an effect"
ALTERNATE = "an alternate that is not selected"
_GENERATOR = "a generator, not a filmed picture"
_TITLE = "a title, not a filmed picture"
_OVERLAY = "an effect over the tracks below it, not a filmed picture"
_MAX_DEPTH = 60


def unseen(item: Item, reason: str) -> Item:
    """The item as something that is listed and not seen."""
    if isinstance(item, Clip):
        return replace(item, no_picture=item.no_picture or reason)
    return Clip(
        name=item.name,
        start_s=item.start_s,
        length_s=item.length_s,
        source_start_s=Fraction(0),
        speed=Fraction(1),
        media_ref="",
        no_picture=reason,
    )


def unread(segment: Any, rate: Fraction, name: str, reason: str) -> Clip:
    """A segment whose frames count at `rate` as something that is listed and not seen."""
    return Clip(
        name=name or "an item without a name",
        start_s=Fraction(0),
        length_s=length_of(segment) / rate,
        source_start_s=Fraction(0),
        speed=Fraction(1),
        media_ref="",
        no_picture=reason,
    )


def effect_name(effect: Any) -> str:
    """What an editor calls the effect."""
    operation = value(effect, "Operation")
    plugin = plain_text(attributes(effect).get("_EFFECT_PLUGIN_NAME"))
    return plugin or ("" if operation is None else text(operation, "Name")) or "an effect"


def no_picture(effect: Any) -> str:
    """Why an effect without a picture of its own shows none."""
    if _rests_on_tracks_below(effect, 0):
        return _OVERLAY
    is_generator = attributes(effect).get("_EFFECT_PLUGIN_CLASS") == "Generator"
    return _TITLE if "title" in effect_name(effect).casefold() and not is_generator else _GENERATOR


def _rests_on_tracks_below(segment: Any, depth: int) -> bool:
    if kind(segment) == "ScopeReference":
        return True
    inner = [*children(segment, "InputSegments"), *children(segment, "Components")]
    return depth < _MAX_DEPTH and any(_rests_on_tracks_below(child, depth + 1) for child in inner)
