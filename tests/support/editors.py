"""What an editor does to our tracks and exports again, in every format: small changes of a laid file by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import aaf2

from timeline_io.edit import Edit, FoleyTrack
from timeline_io.lay import lay_tracks
from timeline_io.read import read_edit


class Hand(Protocol):
    """An editor at work on one laid file. Clips are called by their names."""

    def shift(self, name: str, frames: int) -> None:
        """Move a clip."""

    def trim_head(self, name: str, frames: int) -> None:
        """Cut frames off a clip's beginning; its end stays where it is."""

    def remove(self, name: str) -> None:
        """Delete a clip and leave the hole."""

    def switch_off(self, name: str) -> None:
        """Mute a clip."""

    def change_level(self, name: str) -> None:
        """Make a clip half as loud."""

    def add_beside(self, name: str) -> None:
        """Put the sound own.wav on the track of a clip, behind its last; in Final Cut, connect it to the clip."""

    def shift_markers(self, name: str, frames: int) -> None:
        """Move all markers of a clip."""

    def drop_markers(self, name: str) -> None:
        """Delete all markers of a clip."""

    def change_fade_in(self, name: str, frames: int) -> None:
        """Make a clip's fade-in so many frames longer."""

    def lose_fades(self) -> None:
        """Export as a program that knows no fades of sounds."""

    def forget_names(self) -> None:
        """Export with other names of tracks and without anything that is ours but the paths."""

    def save(self, path: Path) -> Path:
        """The edit as it is exported."""


def hand_of(path: Path) -> Hand:
    """The editor for a laid file."""
    hands: dict[str, Callable[[Path], Hand]] = {
        ".otio": OtioHand, ".xml": Fcp7Hand, ".fcpxml": FcpxmlHand, ".aaf": AafHand,
    }  # fmt: skip
    return hands[path.suffix](path)


class OtioHand:
    """At work on an .otio file."""

    def __init__(self, path: Path) -> None:
        self._root = json.loads(path.read_bytes())

    def shift(self, name: str, frames: int) -> None:
        children, index = self._place(name)
        before = index - 1 if children[index - 1]["OTIO_SCHEMA"] == "Transition.1" else index
        if before and children[before - 1]["OTIO_SCHEMA"] == "Gap.1":
            children[before - 1]["source_range"]["duration"]["value"] += frames
        else:
            children.insert(before, self._gap(children[index], frames))

    def trim_head(self, name: str, frames: int) -> None:
        self.shift(name, frames)
        children, index = self._place(name)
        span = children[index]["source_range"]
        span["start_time"]["value"] += frames
        span["duration"]["value"] -= frames

    def remove(self, name: str) -> None:
        children, index = self._place(name)
        children[index] = self._gap(children[index], children[index]["source_range"]["duration"]["value"])

    def switch_off(self, name: str) -> None:
        self._clip(name)["enabled"] = False

    def change_level(self, name: str) -> None:
        volume = {"Parameter ID": "volume", "Parameter Value": -6.0, "Default Parameter Value": 0.0, "Key Frames": {}}
        pan = {"Parameter ID": "pan", "Parameter Value": 0.0, "Default Parameter Value": 0.0, "Key Frames": {}}
        for effect, parameters in (("Fairlight Clip Pan", [pan]), ("Fairlight Clip Volume and Fades", [volume, pan])):
            block = {"Effect Name": effect, "Enabled": True, "Parameters": parameters}
            self._clip(name)["effects"].append({"OTIO_SCHEMA": "Effect.1", "metadata": {"Resolve_OTIO": block}})

    def add_beside(self, name: str) -> None:
        children, index = self._place(name)
        copy = json.loads(json.dumps(children[index])) | {"name": "own.wav", "metadata": {}, "markers": []}
        copy["media_references"]["DEFAULT_MEDIA"]["target_url"] = "/sounds/own.wav"
        children.append(copy)

    def shift_markers(self, name: str, frames: int) -> None:
        for marker in self._clip(name)["markers"]:
            marker["marked_range"]["start_time"]["value"] += frames

    def drop_markers(self, name: str) -> None:
        self._clip(name)["markers"] = []

    def change_fade_in(self, name: str, frames: int) -> None:
        children, index = self._place(name)
        children[index - 1]["out_offset"]["value"] += frames

    def lose_fades(self) -> None:
        for track in self._tracks():
            track["children"] = [item for item in track["children"] if item["OTIO_SCHEMA"] != "Transition.1"]

    def forget_names(self) -> None:
        for track in self._tracks():
            track["name"], track["metadata"] = "Audio 7", {}
            for item in track["children"]:
                item["metadata"] = {}

    def save(self, path: Path) -> Path:
        path.write_text(json.dumps(self._root), encoding="utf-8")
        return path

    def _tracks(self) -> list[dict[str, Any]]:
        return [track for track in self._root["tracks"]["children"] if track["name"].startswith("FOLEY")]

    def _clip(self, name: str) -> dict[str, Any]:
        children, index = self._place(name)
        return children[index]

    def _place(self, name: str) -> tuple[list[dict[str, Any]], int]:
        found = [(t["children"], n) for t in self._tracks() for n, item in enumerate(t["children"])
                 if item["name"] == name]  # fmt: skip
        return found[0]

    def _gap(self, like: dict[str, Any], frames: int) -> dict[str, Any]:
        span = json.loads(json.dumps(like["source_range"]))
        span["start_time"]["value"], span["duration"]["value"] = 0, frames
        return {"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": span}


class _XmlHand:
    def __init__(self, path: Path) -> None:
        self._root = ElementTree.parse(path).getroot()

    def save(self, path: Path) -> Path:
        path.write_bytes(ElementTree.tostring(self._root, encoding="utf-8", xml_declaration=True))
        return path

    def _around(self, child: Element) -> Element:
        return next(element for element in self._root.iter() if child in list(element))

    def _forget(self, kinds: tuple[str, ...]) -> None:
        for element in self._root.iter():
            for kind in kinds:
                if element.get(kind):
                    element.set(kind, element.get(kind, "").replace("smooth-foley-", "r9"))


class Fcp7Hand(_XmlHand):
    """At work on a Final Cut Pro 7 XML file, as Premiere."""

    def shift(self, name: str, frames: int) -> None:
        for tag in ("start", "end"):
            self._move_edge(name, tag, frames)

    def trim_head(self, name: str, frames: int) -> None:
        self._move_edge(name, "start", frames)
        self._add(self._clip(name), "in", frames)

    def _move_edge(self, name: str, tag: str, frames: int) -> None:
        """An edge under a transition is where that says."""
        clip = self._clip(name)
        if clip.findtext(tag) != "-1":
            self._add(clip, tag, frames)
            return
        items = list(self._around(clip))
        transition = items[items.index(clip) + (1 if tag == "end" else -1)]
        for edge in ("start", "end"):
            self._add(transition, edge, frames)

    def remove(self, name: str) -> None:
        clip = self._clip(name)
        self._around(clip).remove(clip)

    def switch_off(self, name: str) -> None:
        self._child(self._clip(name), "enabled").text = "FALSE"

    def change_level(self, name: str) -> None:
        for effect, parameter, value in (("Audio Pan", "pan", "0"), ("Audio Levels", "level", "0.5")):
            inner = SubElement(SubElement(self._clip(name), "filter"), "effect")
            SubElement(inner, "name").text = effect
            SubElement(inner, "effectid").text = effect.replace(" ", "").lower()
            part = SubElement(inner, "parameter")
            SubElement(part, "parameterid").text, SubElement(part, "value").text = parameter, value

    def add_beside(self, name: str) -> None:
        track = self._around(self._clip(name))
        own = SubElement(track, "clipitem")
        for tag, text in {"name": "own.wav", "start": "300", "end": "310", "in": "0", "out": "10"}.items():
            SubElement(own, tag).text = text
        SubElement(SubElement(own, "file", id="own"), "pathurl").text = "file://localhost/sounds/own.wav"

    def shift_markers(self, name: str, frames: int) -> None:
        for marker in self._clip(name).iterfind("marker"):
            for tag in ("in", "out"):
                self._add(marker, tag, frames)

    def drop_markers(self, name: str) -> None:
        clip = self._clip(name)
        for marker in clip.findall("marker"):
            clip.remove(marker)

    def change_fade_in(self, name: str, frames: int) -> None:
        clip = self._clip(name)
        items = list(self._around(clip))
        self._add(items[items.index(clip) - 1], "end", frames)

    def lose_fades(self) -> None:
        for track in self._root.iterfind("sequence/media/audio/track"):
            items = list(track)
            for index, item in enumerate(items):
                if item.tag == "transitionitem":
                    self._uncover(items, index)
                    track.remove(item)

    def _uncover(self, items: list[Element], index: int) -> None:
        """Write the edge that lies under a transition."""
        rising = items[index].findtext("alignment") == "start-black"
        clip, tag = (items[index + 1], "start") if rising else (items[index - 1], "end")
        self._child(clip, tag).text = items[index].findtext(tag)

    def forget_names(self) -> None:
        self._forget(("id",))
        for track in self._root.iter("track"):
            track.attrib.pop("MZ.TrackName", None)

    def _clip(self, name: str) -> Element:
        clips = self._root.iterfind("sequence/media/audio/track/clipitem")
        return next(clip for clip in clips if clip.findtext("name") == name)

    def _add(self, element: Element, tag: str, frames: int) -> None:
        child = self._child(element, tag)
        child.text = str(int(child.text or "") + frames)

    def _child(self, element: Element, tag: str) -> Element:
        child = element.find(tag)
        assert child is not None
        return child


class FcpxmlHand(_XmlHand):
    """At work on a Final Cut Pro X file at 23.976 frames per second."""

    def shift(self, name: str, frames: int) -> None:
        self._add(self._clip(name), "offset", frames)

    def trim_head(self, name: str, frames: int) -> None:
        clip = self._clip(name)
        for attribute, change in (("offset", frames), ("start", frames), ("duration", -frames)):
            self._add(clip, attribute, change)

    def remove(self, name: str) -> None:
        clip = self._clip(name)
        self._around(clip).remove(clip)

    def switch_off(self, name: str) -> None:
        self._clip(name).set("enabled", "0")

    def change_level(self, name: str) -> None:
        self._clip(name).insert(1, Element("adjust-volume", amount="-6dB"))
        self._clip(name).insert(2, Element("adjust-panner", amount="0"))

    def add_beside(self, name: str) -> None:
        self._clip(name).insert(1, Element("asset-clip", ref="r25", lane="-1", duration="1s", name="own.wav"))

    def shift_markers(self, name: str, frames: int) -> None:
        for marker in self._clip(name).iterfind("marker"):
            self._add(marker, "start", frames)

    def drop_markers(self, name: str) -> None:
        clip = self._clip(name)
        for marker in clip.findall("marker"):
            clip.remove(marker)

    def change_fade_in(self, name: str, frames: int) -> None:
        fade = self._clip(name).find("adjust-volume/param/fadeIn")
        assert fade is not None
        self._add(fade, "duration", frames)

    def lose_fades(self) -> None:
        for clip in self._root.iter("asset-clip"):
            for volume in clip.findall("adjust-volume"):
                clip.remove(volume)

    def forget_names(self) -> None:
        self._forget(("id", "ref"))
        for clip in self._root.iter("asset-clip"):
            if clip.get("audioRole") == "effects.Foley":
                clip.set("audioRole", "effects.Doors")

    def _clip(self, name: str) -> Element:
        return next(clip for clip in self._root.iter("asset-clip") if clip.get("name") == name)

    def _add(self, element: Element, attribute: str, frames: int) -> None:
        before = Fraction(element.get(attribute, "").rstrip("s"))
        element.set(attribute, f"{before + frames * Fraction(1001, 24000)}s")


class AafHand:
    """At work on an AAF, which holds no markers of ours. Clips lie behind a hole, and before another."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        self._steps: list[tuple[Any, ...]] = []

    def shift(self, name: str, frames: int) -> None:
        self._steps.append((self._shift, name, frames))

    def trim_head(self, name: str, frames: int) -> None:
        self._steps.append((self._trim_head, name, frames))

    def remove(self, name: str) -> None:
        self._steps.append((self._remove, name))

    def switch_off(self, name: str) -> None:
        self._steps.append((self._switch_off, name))

    def change_level(self, name: str) -> None:
        self._steps.append((self._change_level, name))

    def add_beside(self, name: str) -> None:
        self._steps.append((self._add_beside, name))

    def forget_names(self) -> None:
        self._steps.append((self._forget_names,))

    def change_fade_in(self, name: str, frames: int) -> None:
        self._steps.append((self._change_fade_in, name, frames))

    def lose_fades(self) -> None:
        self._steps.append((self._lose_fades,))

    def shift_markers(self, name: str, frames: int) -> None:
        raise NotImplementedError

    def drop_markers(self, name: str) -> None:
        raise NotImplementedError

    def save(self, path: Path) -> Path:
        path.write_bytes(self._data)
        with aaf2.open(str(path), "rw") as aaf:
            for step, *arguments in self._steps:
                step(aaf, *arguments)
        return path

    def _shift(self, aaf: Any, name: str, frames: int) -> None:
        parts, index = self._place(aaf, name)
        parts[index - 1].length += frames
        parts[index + 1].length -= frames

    def _trim_head(self, aaf: Any, name: str, frames: int) -> None:
        parts, index = self._place(aaf, name)
        hole = index - 2 if isinstance(parts[index - 1], aaf2.components.Transition) else index - 1
        parts[hole].length += frames
        parts[index].start += frames
        parts[index].length -= frames

    def _change_fade_in(self, aaf: Any, name: str, frames: int) -> None:
        parts, index = self._place(aaf, name)
        parts[index - 1].length += frames
        parts[index - 2].length += frames

    def _lose_fades(self, aaf: Any) -> None:
        for slot in self._slots(aaf):
            parts = slot.segment.components
            for index in reversed(range(len(parts))):
                if isinstance(parts[index], aaf2.components.Transition):
                    hole = index - 1 if isinstance(parts[index - 1], aaf2.components.Filler) else index + 1
                    parts[hole].length -= parts[index].length
                    parts.pop(index)

    def _remove(self, aaf: Any, name: str) -> None:
        parts, index = self._place(aaf, name)
        self._replace(parts, index, aaf.create.Filler("sound", parts[index].length))

    def _switch_off(self, aaf: Any, name: str) -> None:
        parts, index = self._place(aaf, name)
        length = parts[index].length
        clip = self._replace(parts, index, aaf.create.Filler("sound", length))
        selector = aaf.create.Selector("sound", length)
        selector["Selected"].value = aaf.create.Filler("sound", length)
        selector["Alternates"].value = [clip]
        selector["ComponentAttributeList"].value = [aaf.create.TaggedValue("_DISABLE_CLIP_FLAG", 1)]
        self._replace(parts, index, selector)

    def _change_level(self, aaf: Any, name: str) -> None:
        parts, index = self._place(aaf, name)
        length = parts[index].length
        clip = self._replace(parts, index, aaf.create.Filler("sound", length))
        operation = aaf.create.OperationDef("9d2ea894-0968-11d3-8a38-0050040ef7d2", "Audio Levels", "")
        operation.media_kind, operation["NumberInputs"].value = "sound", 1
        aaf.dictionary.register_def(operation)
        effect = aaf.create.OperationGroup(operation, length, "sound")
        effect["InputSegments"].value = [clip]
        self._replace(parts, index, effect)

    def _add_beside(self, aaf: Any, name: str) -> None:
        parts, _ = self._place(aaf, name)
        own = aaf.create.MasterMob("own.wav")
        aaf.content.mobs.append(own)
        own.create_sound_slot(24)
        parts.append(own.create_source_clip(1, 0, 9))

    def _forget_names(self, aaf: Any) -> None:
        for slot in self._slots(aaf):
            slot.name = "A7"
        for mob in aaf.content.mastermobs():
            if "Smooth Foley" in dict(mob.comments.items()):
                del mob["UserComments"]

    def _slots(self, aaf: Any) -> Iterator[Any]:
        for mob in aaf.content.compositionmobs():
            yield from (slot for slot in mob.slots if (slot.name or "").startswith("FOLEY"))

    def _place(self, aaf: Any, name: str) -> tuple[Any, int]:
        for slot in self._slots(aaf):
            for index, part in enumerate(slot.segment.components):
                if isinstance(part, aaf2.components.SourceClip) and part.mob.name == name:
                    return slot.segment.components, index
        raise AssertionError(f"{name} is not there")

    def _replace(self, parts: Any, index: int, part: Any) -> Any:
        old = parts.pop(index)
        parts.insert(index, part)
        return old


def exported_again(edit: Edit, tracks: Sequence[FoleyTrack], change: Callable[[Hand], object] | None = None) -> Edit:
    """The edit with `tracks`, changed by hand and exported again."""
    suffix = edit.path.suffix
    laid = lay_tracks(edit, tracks, edit.path.with_name(f"laid{suffix}"))
    if change is None:
        return read_edit(laid)
    hand = hand_of(laid)
    change(hand)
    return read_edit(hand.save(edit.path.with_name(f"again{suffix}")))
