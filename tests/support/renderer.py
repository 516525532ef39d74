"""A timeline as it is heard, rendered from the written file and its WAVs alone: clips, in and out, fades.

It shares no line with what it measures: each format is read here once more, as plainly as can be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import aaf2
import numpy as np
import soundfile
from numpy.typing import NDArray

RATE_HZ = 48_000
Sound = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HeardClip:
    """A clip of a Foley track, seconds from the timeline's first frame; `source_s` is where in the sound it begins."""

    name: str
    track: str
    sound: Callable[[], Sound]
    start_s: Fraction
    length_s: Fraction
    source_s: Fraction
    fade_in_s: Fraction = Fraction(0)
    fade_out_s: Fraction = Fraction(0)

    @property
    def first(self) -> int:
        """The first sample on the timeline."""
        return round(self.start_s * RATE_HZ)

    @property
    def end(self) -> int:
        """The sample after the last one."""
        return round((self.start_s + self.length_s) * RATE_HZ)

    def samples(self, *, head_s: Fraction = Fraction(0), tail_s: Fraction = Fraction(0), fades: bool = True) -> Sound:
        """What is heard of it, with its edges dragged out by so much."""
        first = round((self.source_s - head_s) * RATE_HZ)
        count = round((self.start_s + self.length_s + tail_s) * RATE_HZ) - round((self.start_s - head_s) * RATE_HZ)
        whole = self.sound()
        heard = np.zeros(count)
        begin, end = max(0, first), min(len(whole), first + count)
        heard[begin - first : end - first] = whole[begin:end]
        if fades:
            _fade(heard, round(self.fade_in_s * RATE_HZ))
            _fade(heard[::-1], round(self.fade_out_s * RATE_HZ))
        return heard


def _fade(sound: Sound, count: int) -> None:
    sound[:count] *= (np.arange(count) + 0.5) / max(1, count)


def mix_of(clips: list[HeardClip], count: int) -> Sound:
    """All clips together, (count,)."""
    mixed = np.zeros(count)
    for clip in clips:
        begin, end = max(0, clip.first), min(count, clip.end)
        mixed[begin:end] += clip.samples()[begin - clip.first : end - clip.first]
    return mixed


def heard_clips(path: Path) -> list[HeardClip]:
    """The clips of the Foley tracks of a written timeline, in its order."""
    read = {".otio": _otio, ".xml": _fcp7, ".fcpxml": _fcpxml, ".aaf": _aaf}[path.suffix]
    return list(read(path))


def _wav(path: str) -> Callable[[], Sound]:
    return lambda: np.asarray(soundfile.read(path, dtype="float64", always_2d=True)[0][:, 0])


# --- OpenTimelineIO -------------------------------------------------------------------------------------------------


def _otio(path: Path) -> Iterator[HeardClip]:
    document = json.loads(path.read_text("utf-8"))
    for track in document["tracks"]["children"]:
        if track["kind"] == "Audio" and track["name"].startswith("FOLEY"):
            yield from _otio_track(track)


def _otio_track(track: dict[str, Any]) -> Iterator[HeardClip]:
    at_s, children = Fraction(0), track["children"]
    for index, item in enumerate(children):
        if item["OTIO_SCHEMA"].startswith("Transition"):
            continue
        first_s, length_s = (_seconds(item["source_range"][key]) for key in ("start_time", "duration"))
        if item["OTIO_SCHEMA"].startswith("Clip"):
            media = item["media_references"]["DEFAULT_MEDIA"] if "media_references" in item else item["media_reference"]
            yield HeardClip(
                name=item["name"],
                track=track["name"],
                sound=_wav(media["target_url"]),
                start_s=at_s,
                length_s=length_s,
                source_s=first_s - _seconds(media["available_range"]["start_time"]),
                fade_in_s=_otio_offset(children[index - 1], "out_offset") if index else Fraction(0),
                fade_out_s=_otio_offset(children[index + 1], "in_offset") if index + 1 < len(children) else Fraction(0),
            )
        at_s += length_s


def _otio_offset(item: dict[str, Any], key: str) -> Fraction:
    return _seconds(item[key]) if item["OTIO_SCHEMA"].startswith("Transition") else Fraction(0)


def _seconds(time: dict[str, Any]) -> Fraction:
    return Fraction(time["value"]) / exact(Fraction(time["rate"]))


def exact(rate: Fraction) -> Fraction:
    """23.976 and its like as the fractions they stand for."""
    nominal = round(rate)
    return rate if rate.denominator == 1 else Fraction(nominal * 1000, 1001)


# --- Final Cut Pro 7 XML --------------------------------------------------------------------------------------------


def _fcp7(path: Path) -> Iterator[HeardClip]:
    root = ElementTree.parse(path).getroot()
    sequence = next(root.iter("sequence"))
    rate = _fcp7_rate(sequence)
    for track in sequence.iterfind("media/audio/track"):
        name = track.get("MZ.TrackName", "")
        if name.startswith("FOLEY"):
            items = [child for child in track if child.tag in ("clipitem", "transitionitem")]
            for index, item in enumerate(items):
                if item.tag == "clipitem":
                    yield _fcp7_clip(items, index, rate, name)


def _fcp7_clip(items: list[Element], index: int, rate: Fraction, track: str) -> HeardClip:
    item = items[index]
    start, end, first, last = (int(item.findtext(tag, "")) for tag in ("start", "end", "in", "out"))
    fade_in = fade_out = 0
    if start == -1:
        start, before = _fcp7_edges(items[index - 1], "start-black")
        fade_in = before - start
    if end == -1:
        after, end = _fcp7_edges(items[index + 1], "end-black")
        fade_out = end - after
    assert last - first == end - start
    url = item.findtext("file/pathurl", "")
    return HeardClip(
        name=item.findtext("name", ""),
        track=track,
        sound=_wav(unquote(urlparse(url).path)),
        start_s=start / rate,
        length_s=(end - start) / rate,
        source_s=first / rate,
        fade_in_s=fade_in / rate,
        fade_out_s=fade_out / rate,
    )


def _fcp7_edges(transition: Element, alignment: str) -> tuple[int, int]:
    assert (transition.tag, transition.findtext("alignment")) == ("transitionitem", alignment)
    return int(transition.findtext("start", "")), int(transition.findtext("end", ""))


def _fcp7_rate(element: Element) -> Fraction:
    base = int(element.findtext("rate/timebase", ""))
    return Fraction(base * 1000, 1001) if element.findtext("rate/ntsc") == "TRUE" else Fraction(base)


# --- Final Cut Pro X XML --------------------------------------------------------------------------------------------


def _fcpxml(path: Path) -> Iterator[HeardClip]:
    root = ElementTree.parse(path).getroot()
    sequence = root.find(".//project/sequence")
    assert sequence is not None
    assets = {asset.get("id", ""): asset for asset in root.iter("asset")}
    spine = sequence.find("spine")
    assert spine is not None
    begin_s = _time(sequence, "tcStart")
    for host in spine:
        for clip in host:
            if clip.get("audioRole") == "effects.Foley":
                at_s = _time(host, "offset") + _time(clip, "offset") - _time(host, "start") - begin_s
                yield _fcpxml_clip(clip, assets[clip.get("ref", "")], at_s)


def _fcpxml_clip(clip: Element, asset: Element, at_s: Fraction) -> HeardClip:
    media = asset.find("media-rep")
    url = asset.get("src") if media is None else media.get("src")
    fades = clip.find("adjust-volume/param[@name='amount']")
    return HeardClip(
        name=clip.get("name", ""),
        track=f"lane {clip.get('lane')}",
        sound=_wav(unquote(urlparse(url or "").path)),
        start_s=at_s,
        length_s=_time(clip, "duration"),
        source_s=_time(clip, "start") - _time(asset, "start"),
        fade_in_s=_fade_s(fades, "fadeIn"),
        fade_out_s=_fade_s(fades, "fadeOut"),
    )


def _fade_s(fades: Element | None, tag: str) -> Fraction:
    fade = None if fades is None else fades.find(tag)
    return Fraction(0) if fade is None else _time(fade, "duration")


def _time(element: Element, attribute: str) -> Fraction:
    return Fraction(element.get(attribute, "0s").rstrip("s"))


# --- AAF ------------------------------------------------------------------------------------------------------------


def _aaf(path: Path) -> Iterator[HeardClip]:
    with aaf2.open(str(path), "r") as aaf:
        composition = next(mob for mob in aaf.content.compositionmobs() if _foley_slots(mob))
        for slot in _foley_slots(composition):
            yield from list(_aaf_track(slot, Fraction(slot.edit_rate.numerator, slot.edit_rate.denominator)))


def _foley_slots(mob: Any) -> list[Any]:
    return [slot for slot in mob.slots if (slot.name or "").startswith("FOLEY")]


def _aaf_track(slot: Any, rate: Fraction) -> Iterator[HeardClip]:
    parts, at = list(slot.segment.components), 0
    for index, part in enumerate(parts):
        if isinstance(part, aaf2.components.Transition):
            at -= part.length
            continue
        if isinstance(part, aaf2.components.SourceClip):
            yield _aaf_clip(parts, index, at / rate, rate, slot.name)
        at += part.length
    assert at == slot.segment.length


def _aaf_clip(parts: list[Any], index: int, at_s: Fraction, rate: Fraction, track: str) -> HeardClip:
    clip, master = parts[index], parts[index].mob
    file_mob = master.slots[0].segment.mob
    samples = _aaf_sound(file_mob)
    return HeardClip(
        name=master.name,
        track=track,
        sound=lambda: samples,
        start_s=at_s,
        length_s=clip.length / rate,
        source_s=clip.start / rate,
        fade_in_s=_aaf_fade(parts[index - 1], 0) / rate if index else Fraction(0),
        fade_out_s=_aaf_fade(parts[index + 1], None) / rate if index + 1 < len(parts) else Fraction(0),
    )


def _aaf_fade(part: Any, cut_point: int | None) -> int:
    if not isinstance(part, aaf2.components.Transition):
        return 0
    length = int(part.length)
    assert part.cutpoint == (length if cut_point is None else cut_point)
    return length


def _aaf_sound(file_mob: Any) -> Sound:
    """The samples inside the file: 24 bits, little end first."""
    data = np.frombuffer(file_mob.essence.open().read(), np.uint8).reshape(-1, 3).astype(np.int32)
    values = data[:, 0] | data[:, 1] << 8 | data[:, 2] << 16
    return np.asarray(np.where(values >= 1 << 23, values - (1 << 24), values) / (1 << 23), dtype=np.float64)
