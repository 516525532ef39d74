"""Segments of an AAF composition -> clips and nests on tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from timeline_io.errors import UnreadableEditError
from timeline_io.formats.aaf.cuts import cuts, dissolves
from timeline_io.formats.aaf.items import Item, retimed, window
from timeline_io.formats.aaf.media import Mob, Mobs, Slot
from timeline_io.formats.aaf.retime import frame_map, inner_rate, is_disabled, mixed_rate
from timeline_io.formats.aaf.unseen import ALTERNATE, EXTRA_INPUT, effect_name, no_picture, unread, unseen
from timeline_io.formats.aaf.values import (
    children,
    kind,
    length_of,
    number,
    picture_slots,
    rate_of,
    text,
    value,
)
from timeline_io.model import Clip, Dissolve, Nest, Track

_MAX_DEPTH = 60
_MAX_SEGMENTS = 200_000
_HOLES = ("Filler", "ScopeReference")


@dataclass(frozen=True, slots=True)
class _Here:
    """Where in the file the walk is: the rate that frames are counted at, how deep, and inside which compositions."""

    rate: Fraction
    depth: int = 0
    inside: tuple[Any, ...] = ()

    def deeper(self, rate: Fraction | None = None) -> _Here:
        if self.depth >= _MAX_DEPTH:
            raise UnreadableEditError(f"the edit nests its clips more than {_MAX_DEPTH} deep")
        return replace(self, depth=self.depth + 1, rate=rate or self.rate)


@dataclass(frozen=True, slots=True)
class _Layer:
    """What a segment holds, and the dissolves between its items."""

    items: list[Item]
    dissolves: tuple[Dissolve, ...] = ()


class Tracks:
    """Turns compositions into the model; every segment gives items in its own time, from 0 on."""

    def __init__(self, mobs: Mobs) -> None:
        self.remarks: dict[str, None] = {}
        self._mobs = mobs
        self._nested: dict[tuple[Any, int], tuple[Track, ...]] = {}
        self._segments = 0
        self._readers: dict[str, Callable[[Any, _Here], list[Item]]] = {
            "Sequence": self._sequence,
            "SourceClip": self._source_clip,
            "OperationGroup": self._effect,
            "NestedScope": self._scope,
            "Selector": self._selector,
            "EssenceGroup": self._group,
            "Pulldown": self._pulldown,
        }

    def of(self, mob: Any) -> tuple[Track, ...]:
        """The picture tracks of a composition from the bottom up."""
        inside = (mob.mob_id,)
        tracks: list[Track] = []
        for slot in picture_slots(mob):
            layers = self._layers(value(slot, "Segment"), _Here(rate_of(slot), inside=inside))
            own_name = text(slot, "SlotName") if len(layers) == 1 else ""
            for layer in layers:
                name = own_name or f"V{len(tracks) + 1}"
                tracks.append(Track(name=name, items=tuple(layer.items), dissolves=layer.dissolves))
        return tuple(tracks)

    def _layers(self, segment: Any, here: _Here) -> list[_Layer]:
        """What lies over each other in a segment, from the bottom up: a scope is how Avid writes many tracks."""
        if kind(segment) == "NestedScope":
            return [self._layer(layer, here.deeper()) for layer in children(segment, "Slots")]
        return [self._layer(segment, here)]

    def _layer(self, segment: Any, here: _Here) -> _Layer:
        items = self._items(segment, here)
        if kind(segment) != "Sequence":
            return _Layer(items)
        return _Layer(items, dissolves(children(segment, "Components"), mixed_rate(segment) or here.rate))

    def _items(self, segment: Any, here: _Here) -> list[Item]:
        self._segments += 1
        if self._segments > _MAX_SEGMENTS:
            raise UnreadableEditError(f"the edit holds more than {_MAX_SEGMENTS} segments")
        what = kind(segment)
        if what in ("", *_HOLES):
            return []
        reader = self._readers.get(what)
        if reader is None:
            return [unread(segment, here.rate, what, f"an item of the kind {what}, which is not read")]
        return reader(segment, here.deeper())

    def _sequence(self, sequence: Any, here: _Here) -> list[Item]:
        rate = mixed_rate(sequence) or here.rate
        items: list[Item] = []
        for component, start, first, last in cuts(children(sequence, "Components")):
            own = self._items(component, replace(here, rate=rate))
            items += window(own, (first - start) / rate, (last - start) / rate, first / rate)
        return items

    def _source_clip(self, clip: Any, here: _Here) -> list[Item]:
        mob = self._mobs.referenced(clip)
        if mob is not None and kind(mob.thing) == "CompositionMob":
            return [self._nest(clip, mob, here)]
        source = self._mobs.source(clip, here.rate)
        timecode_s = None if source.is_still else source.timecode_s
        return [
            Clip(
                name=source.name or "a clip without a name",
                start_s=Fraction(0),
                length_s=length_of(clip) / here.rate,
                source_start_s=Fraction(0) if source.is_still else source.start_s,
                speed=Fraction(0 if source.is_still else 1),
                media_ref=source.ref,
                no_picture=source.no_picture,
                notes=source.notes,
                markers=source.markers,
                source_timecode_s=timecode_s,
                reel=source.reel,
                numbered=source.numbered,
            )
        ]

    def _nest(self, clip: Any, mob: Mob, here: _Here) -> Item:
        name = mob.name or "a nested sequence"
        slot = mob.slot(number(clip, "SourceMobSlotID"))
        if slot is None:
            return unread(clip, here.rate, name, "a nested sequence without a picture")
        return Nest(
            name=name,
            start_s=Fraction(0),
            length_s=length_of(clip) / here.rate,
            source_start_s=number(clip, "StartTime") / here.rate + slot.origin_s,
            speed=Fraction(1),
            tracks=self._inner_tracks(mob, slot, here),
            inner_markers=mob.markers,
        )

    def _inner_tracks(self, mob: Mob, slot: Slot, here: _Here) -> tuple[Track, ...]:
        own_id = mob.thing.mob_id
        if own_id in here.inside:
            raise UnreadableEditError(f"the sequence {mob.name!r} is nested in itself")
        if (own_id, slot.number) not in self._nested:
            inner = replace(here.deeper(slot.rate), inside=(*here.inside, own_id))
            self._nested[own_id, slot.number] = _tracks(self._layers(slot.segment, inner))
        return self._nested[own_id, slot.number]

    def _effect(self, effect: Any, here: _Here) -> list[Item]:
        frames = frame_map(effect)
        if frames is None:
            return self._look(effect, here)
        rate = inner_rate(effect, frames, here.rate)
        inner = replace(here, rate=rate)
        inputs = children(effect, "InputSegments")
        inner_s = length_of(inputs[0]) / rate if inputs else Fraction(0)
        time_map = tuple((t / here.rate, frame / rate) for t, frame in frames)
        items, is_exact = retimed(self._shown(effect, inner), time_map, inner_s)
        if not is_exact:
            self.remarks["a changing speed of a nested sequence is read as its mean"] = None
        return items

    def _look(self, effect: Any, here: _Here) -> list[Item]:
        """An effect that changes no time: what it is laid on is seen."""
        length_s = length_of(effect) / here.rate
        name = effect_name(effect)
        if "submaster" in name.casefold():
            layers = [self._layer(segment, here) for segment in children(effect, "InputSegments")]
            return window(_stacked(layers, name, length_s), Fraction(0), length_s, Fraction(0))
        shown = self._shown(effect, here)
        return window(shown, Fraction(0), length_s, Fraction(0)) or [
            unread(effect, here.rate, name, no_picture(effect))
        ]

    def _shown(self, effect: Any, here: _Here) -> list[Item]:
        """The first input with a picture; the others (mattes, backgrounds) are listed."""
        filled = [items for segment in children(effect, "InputSegments") if (items := self._items(segment, here))]
        extra = [unseen(item, EXTRA_INPUT) for items in filled[1:] for item in items]
        return [*(filled[0] if filled else []), *extra]

    def _scope(self, scope: Any, here: _Here) -> list[Item]:
        return _stacked(self._layers(scope, here), "a nested scope", length_of(scope) / here.rate)

    def _selector(self, selector: Any, here: _Here) -> list[Item]:
        selected = self._items(value(selector, "Selected"), here)
        alternates = [item for other in children(selector, "Alternates") for item in self._items(other, here)]
        if is_disabled(selector) or not selected:
            return [replace(item, enabled=False) for item in (*selected, *alternates)]
        return [*selected, *(unseen(item, ALTERNATE) for item in alternates)]

    def _group(self, group: Any, here: _Here) -> list[Item]:
        """The same picture in several qualities: the first that is there."""
        choices = (self._items(choice, here) for choice in children(group, "Choices"))
        return next((items for items in choices if items), [])

    def _pulldown(self, pulldown: Any, here: _Here) -> list[Item]:
        return self._items(value(pulldown, "InputSegment"), here)


def _tracks(layers: list[_Layer]) -> tuple[Track, ...]:
    return tuple(
        Track(name=f"V{index}", items=tuple(layer.items), dissolves=layer.dissolves)
        for index, layer in enumerate(layers, 1)
    )


def _stacked(layers: list[_Layer], name: str, length_s: Fraction) -> list[Item]:
    """Layers as one item; a single one without dissolves needs no nest around it."""
    filled = [layer for layer in layers if layer.items]
    if len(filled) < 2 and not any(layer.dissolves for layer in filled):
        return filled[0].items if filled else []
    whole = Nest(
        name=name,
        start_s=Fraction(0),
        length_s=length_s,
        source_start_s=Fraction(0),
        speed=Fraction(1),
        tracks=_tracks(filled),
    )
    return [whole]
