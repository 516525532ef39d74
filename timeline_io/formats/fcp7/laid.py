"""The audio tracks of a Final Cut Pro 7 XML sequence, as whatever program wrote it last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.formats.fcp7.elements import content, defined, frames, number, rate_of
from timeline_io.formats.fcp7.elements import is_on as is_switched_on
from timeline_io.formats.fcp7.place import Place, dissolves, places
from timeline_io.formats.fcp7.track import ID_PREFIX
from timeline_io.formats.found import FoundClip, FoundTrack, transition
from timeline_io.formats.on_markers import is_on
from timeline_io.model import Dissolve

_NO_FADES = Fraction(0), Fraction(0)
# Effects that programs write on every clip, the parameter that says whether they do anything, and its value if not.
_NEUTRAL = {"audiolevels": ("level", 1), "audiopan": ("pan", 0)}


def is_marked(item: Element) -> bool:
    """Whether a clip item carries our mark."""
    return (item.get("id") or "").startswith(ID_PREFIX)


def track_name(track: Element) -> str:
    """What a track is called, "" when nothing is written."""
    return track.get("MZ.TrackName") or content(track, "name")


def found_track(track: Element, key: str, files: dict[str, Element], rate: Fraction) -> FoundTrack:
    """An audio track of a sequence of `rate` frames per second; `files` holds what is defined elsewhere."""
    laid = places(track)
    fades, others = _fades(laid, dissolves(track, Fraction(1)))
    clips = [_found(place, files, rate, fades.get(index, _NO_FADES)) for index, place in enumerate(laid)]
    enabled = is_switched_on(track, "enabled", default=True)
    return FoundTrack(key=key, name=track_name(track), clips=(*clips, *others), enabled=enabled)


def _fades(
    laid: Sequence[Place], transitions: Iterable[Dissolve]
) -> tuple[dict[int, tuple[Fraction, Fraction]], list[FoundClip]]:
    """Frames of fade-in and fade-out of items by their number, and the transitions that are no fade of a single item:
    a fade begins or ends at the edge of its item and lies inside it."""
    starting = {place.start: index for index, place in enumerate(laid)}
    ending = {place.end: index for index, place in enumerate(laid)}
    fades: dict[int, tuple[Fraction, Fraction]] = {}
    others = []
    for one in transitions:
        length, fades_in = one.end_s - one.start_s, one.cut_s == one.start_s
        index = starting.get(one.start_s) if fades_in else ending.get(one.end_s) if one.cut_s == one.end_s else None
        if index is None:
            others.append(transition())
        else:
            before = fades.get(index, _NO_FADES)
            fades[index] = (length, before[1]) if fades_in else (before[0], length)
    return fades, others


def _found(place: Place, files: dict[str, Element], rate: Fraction, fades: tuple[Fraction, Fraction]) -> FoundClip:
    """`fades` are frames of the sequence."""
    item, own_rate = place.item, rate_of(place.item) or rate
    file = item.find("file")
    start_s, before_s = place.start / rate, (place.start - place.anchor) / rate
    in_s = (frames(item, "in") or Fraction(0)) / own_rate + before_s
    return FoundClip(
        name=content(item, "name") or "a clip without a name",
        media_ref="" if file is None else content(defined(file, files), "pathurl"),
        start_s=start_s,
        length_s=(place.end - place.start) / rate,
        source_s=in_s + (frames(item, "subclipinfo/startoffset") or Fraction(0)) / own_rate,
        ons=tuple((start_s + at_s - in_s, length_s) for at_s, length_s in _ons(item, own_rate)),
        effects=tuple(_effects(item)),
        fade_in_s=fades[0] / rate,
        fade_out_s=fades[1] / rate,
        enabled=is_switched_on(item, "enabled", default=True),
        marked=is_marked(item),
    )


def _ons(item: Element, rate: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
    """Where the markers begin that say that the sound is on, counted like `<in>`, and how long they are."""
    for marker in item.iterfind("marker"):
        first, last = number(marker, "in"), frames(marker, "out")
        if first is not None and is_on((content(marker, "name"), content(marker, "comment"))):
            yield first / rate, max(Fraction(0), (last - first) / rate) if last is not None else Fraction(0)


def _effects(item: Element) -> Iterator[str]:
    """Effects that do something."""
    for track_filter in item.iterfind("filter"):
        effect = track_filter.find("effect")
        if effect is not None and is_switched_on(track_filter, "enabled", default=True) and not _is_neutral(effect):
            yield content(effect, "name") or content(effect, "effectid") or "an effect"


def _is_neutral(effect: Element) -> bool:
    wanted, neutral = _NEUTRAL.get(content(effect, "effectid").casefold(), ("", 0))
    for parameter in effect.iterfind("parameter"):
        if content(parameter, "parameterid").casefold() == wanted:
            keys = [number(key, "value") for key in parameter.iterfind("keyframe")]
            return all(value in (neutral, None) for value in (number(parameter, "value"), *keys))
    return False
