"""What a Final Cut Pro 7 clip item shows: its file, the angle of a multiclip, or nothing to look at."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.formats.fcp7.elements import content, defined, definitions, frames, is_on, number, rate_of
from timeline_io.formats.pictures import INVISIBLE, is_generator_name

_NO_FILE = Element("file")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file behind a clip item, and how many seconds into it the item's own counting begins."""

    file: Element
    offset_s: Fraction = Fraction(0)


class Media:
    """The files and multiclips of a project, which are defined once and then named by id."""

    def __init__(self, root: Element) -> None:
        self._files = definitions(root, "file")
        self._clips = definitions(root, "clip")
        self._multiclips = definitions(root, "multiclip")

    def shown_by(self, item: Element) -> SourceFile:
        """The file of a clip item, or that of the angle of its multiclip that is cut in."""
        named = item.find("file")
        if named is not None:
            return SourceFile(defined(named, self._files))
        multiclip = item.find("multiclip")
        angle = None if multiclip is None else _active_angle(defined(multiclip, self._multiclips))
        clip = None if angle is None else angle.find("clip")
        return SourceFile(_NO_FILE) if clip is None else self._of_angle(defined(clip, self._clips))

    def _of_angle(self, clip: Element) -> SourceFile:
        """The file of an angle, which stands in its clip or in the clip item that this consists of."""
        own = clip.find("file")
        if own is not None:
            return SourceFile(defined(own, self._files))
        inner = clip.find("media/video/track/clipitem")
        named = None if inner is None else inner.find("file")
        if inner is None or named is None:
            return SourceFile(_NO_FILE)
        rate = rate_of(inner) or rate_of(clip)
        moved = (frames(inner, "in") or Fraction(0)) - (frames(inner, "start") or Fraction(0))
        return SourceFile(defined(named, self._files), moved / rate if rate else Fraction(0))


def last_frame_s(file: Element) -> Fraction | None:
    """Seconds into a file at which its last frame begins; None where the project does not say how long it is."""
    rate, length = rate_of(file), frames(file, "duration")
    return (length - 1) / rate if rate and length and length > 1 else None


def no_picture(item: Element, file: Element, media_ref: str) -> str:
    """Why a clip item shows no filmed picture, "" when it does."""
    if is_on(item, "adjustmentlayer", default=False):
        return "an adjustment layer, not a filmed picture"
    if item.tag == "generatoritem":
        return "a generator, not a filmed picture"
    if is_invisible(item):
        return INVISIBLE
    source = content(file, "mediaSource")
    if media_ref or not (source or is_generator_name(content(item, "name"))):
        return ""
    return "a title, not a filmed picture" if source == "GraphicAndType" else "a generator, not a filmed picture"


def is_invisible(item: Element) -> bool:
    """Whether an item's opacity is 0 from its beginning to its end."""
    return any(_is_zero(effect) for effect in _effects(item) if content(effect, "effectid").casefold() == "opacity")


def _effects(item: Element) -> list[Element]:
    filters = item.findall("filter")
    return [effect for one in filters if is_on(one, "enabled", default=True) for effect in one.findall("effect")]


def _is_zero(effect: Element) -> bool:
    for parameter in effect.iterfind("parameter"):
        if content(parameter, "parameterid").casefold() == "opacity":
            keys = [number(key, "value") for key in parameter.iterfind("keyframe")]
            return all(value == 0 for value in keys or [number(parameter, "value")])
    return False


def _active_angle(multiclip: Element) -> Element | None:
    angles = multiclip.findall("angle")
    active = (angle for angle in angles if is_on(angle, "activevideoangle", default=False))
    return next(active, angles[0] if angles else None)
