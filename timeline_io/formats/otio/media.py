"""The media reference of an .otio clip: where the file is, what kind of picture, where its time starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from timeline_io.edit import Numbered
from timeline_io.formats.otio.document import (
    OtioObject,
    frame_rate,
    objects,
    rate_of,
    schema,
    span_of,
    text,
    value_of,
    written_rate,
)
from timeline_io.formats.otio.reel import reel_of
from timeline_io.formats.pictures import is_generator_name, is_still_name, media_named
from timeline_io.frames import frames_of_day
from timeline_io.media_paths import plain_path

# Times that floats have been through: what is nearer to a frame, or to the end of hours of media, is meant to be there.
_NEAR_FRAMES = Fraction(1, 1000)
_NEAR_S = Fraction(1, 50)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtioMedia:
    """What a clip shows; `available` is the media's own start and length in seconds, `available_start` as written."""

    ref: str = ""
    available: tuple[Fraction, Fraction] | None = None
    available_start: OtioObject | None = None
    is_still: bool = False
    no_picture: str = ""
    offline_reason: str = ""
    numbered: Numbered | None = None
    reel: str = ""

    @property
    def available_rate(self) -> Fraction | None:
        """The frames of media a second; None where its start is not told in frames."""
        return _frame_rate(self.available_start)

    @property
    def last_frame_s(self) -> Fraction | None:
        """Seconds into the file at which its last frame begins; None where its length is not told in frames."""
        rate = self.available_rate
        if self.available is None or rate is None or self.is_still or self.available[1] <= 1 / rate:
            return None
        return self.available[1] - 1 / rate


def media_of(clip: OtioObject, clip_name: str) -> OtioMedia:
    """The active media reference of a clip."""
    reference = _active_reference(clip)
    return replace(_media_of(clip, reference, clip_name), reel=reel_of(clip, reference))


def _media_of(clip: OtioObject, reference: OtioObject, clip_name: str) -> OtioMedia:
    kind = schema(reference)
    available = span_of(reference, "available_range", clip_name)
    if kind == "GeneratorReference":
        return OtioMedia(available=available, no_picture="a generator, not a filmed picture")
    if kind == "ExternalReference":
        ref = text(reference, "target_url")
        pattern, numbered = media_named(ref, _available_rate(reference))
        return OtioMedia(
            ref=pattern,
            available=available,
            available_start=_start(reference),
            is_still=is_still_name(ref),
            numbered=numbered,
        )
    if kind == "ImageSequenceReference":
        return _pictures(reference, available)
    if is_generator_name(clip_name):
        return OtioMedia(available=available, no_picture="a title or generator, not a filmed picture")
    # A missing reference still tells the name, which is what a search folder is searched for.
    return OtioMedia(
        ref=text(reference, "name") or text(clip, "name"),
        available=available,
        available_start=_start(reference),
    )


def source_offset(clip: OtioObject, start_s: Fraction, length_s: Fraction, media: OtioMedia) -> Fraction:
    """Seconds from the start of the file to the start of a source range.

    Editors count source ranges from the media's start timecode, which begins anew at midnight, hand-made files often
    from zero, and at mixed rates some keep the number of the timecode: the first reading that lies inside the
    media is right, or else the one of which most does.
    """
    if media.available is None:
        return start_s
    readings = (*_by_timecode(clip, start_s, media), *_by_number(clip, media), start_s)
    for offset_s in readings:
        if offset_s >= 0 and offset_s + length_s <= media.available[1] + _NEAR_S:
            return offset_s
    end_s, zero_s = media.available[1], Fraction(0)
    inside_s = {offset_s: min(offset_s + length_s, end_s) - max(offset_s, zero_s) for offset_s in readings}
    most = max(readings, key=lambda offset_s: inside_s[offset_s])
    return most if inside_s[most] > 0 else next((offset_s for offset_s in readings if offset_s >= 0), start_s)


def timecode_of(clip: OtioObject, start_s: Fraction, source_s: Fraction, media: OtioMedia) -> Fraction | None:
    """`start_s` where it is a time of the media's own timecode: that begins there, and not at 0, or nothing says where.

    Lists that were turned into .otio keep their source times, and tell nothing of the media, or that it begins at 0 and
    ends before them.
    """
    if media.is_still:
        return None
    if media.available is None:
        return start_s
    if media.available[0] <= 0:
        return start_s if source_s >= media.available[1] else None
    counted_s = media.available[0] + _counted_offset(clip, start_s, media)
    return counted_s if source_s in _by_timecode(clip, start_s, media) else None


def _by_timecode(clip: OtioObject, start_s: Fraction, media: OtioMedia) -> tuple[Fraction, ...]:
    """Where a time of the media's own timecode lies in the file; below zero it was counted over midnight."""
    offset_s, rate = _counted_offset(clip, start_s, media), media.available_rate
    if offset_s >= 0 or rate is None:
        return (offset_s,)
    days = dict.fromkeys((frames_of_day(rate, False), frames_of_day(rate, True)))
    return (offset_s, *(offset_s + day / rate for day in days))


def _counted_offset(clip: OtioObject, start_s: Fraction, media: OtioMedia) -> Fraction:
    """A source range counted from the media's start timecode.

    Where both are written in rates that differ in their last digits, such as 23.976024627685547 and 23.976, one was
    made of the other by those digits; or both count frames, which are then as far apart as they say.
    """
    begin_s = media.available[0] if media.available else Fraction(0)
    counted_s, span = start_s - begin_s, clip.get("source_range")
    if not isinstance(span, dict) or media.available_start is None:
        return counted_s
    start, what = span.get("start_time"), "a clip"
    own = written_rate(media.available_start, what)
    frames = value_of(start, what) / written_rate(start, what) * own - value_of(media.available_start, what)
    rate = rate_of(media.available_start, what)
    if _is_whole(frames):
        return round(frames) / rate
    return counted_s if _is_whole(counted_s * rate) else frames / rate


def _is_whole(frames: Fraction) -> bool:
    return abs(frames - round(frames)) <= _NEAR_FRAMES


def is_invisible(item: OtioObject) -> bool:
    """Whether Resolve says that an item's opacity is 0 from its beginning to its end."""
    return any(_is_zero(parameter) for block in _resolve_effects(item) for parameter in objects(block, "Parameters"))


def _resolve_effects(item: OtioObject) -> Iterator[OtioObject]:
    """What Resolve writes about the effects of an item that are switched on."""
    for effect in objects(item, "effects"):
        metadata = effect.get("metadata") if effect.get("enabled") is not False else None
        block = metadata.get("Resolve_OTIO") if isinstance(metadata, dict) else None
        if isinstance(block, dict) and block.get("Enabled") is not False:
            yield block


def _is_zero(parameter: OtioObject) -> bool:
    if text(parameter, "Parameter ID") != "opacity":
        return False
    keys = parameter.get("Key Frames")
    values = [key.get("Value") for key in keys.values() if isinstance(key, dict)] if isinstance(keys, dict) else []
    return all(value == 0 for value in values or [parameter.get("Parameter Value")])


def _by_number(clip: OtioObject, media: OtioMedia) -> Iterator[Fraction]:
    span = clip.get("source_range")
    if isinstance(span, dict) and media.available_start is not None:
        start = span.get("start_time")
        yield (value_of(start, "a clip") - value_of(media.available_start, "a media file")) / rate_of(start, "a clip")


def _start(reference: OtioObject) -> OtioObject | None:
    """The start of the available range, checked."""
    span = reference.get("available_range")
    if not isinstance(span, dict):
        return None
    start = span.get("start_time")
    value_of(start, "a media file")
    return start if isinstance(start, dict) else None


def _active_reference(clip: OtioObject) -> OtioObject:
    many = clip.get("media_references")
    if isinstance(many, dict):
        reference = many.get(text(clip, "active_media_reference_key") or "DEFAULT_MEDIA")
    else:
        reference = clip.get("media_reference")
    return reference if isinstance(reference, dict) else {}


def _pictures(reference: OtioObject, available: tuple[Fraction, Fraction] | None) -> OtioMedia:
    first, step = (_whole(reference.get(key), default) for key, default in (("start_frame", 1), ("frame_step", 1)))
    is_odd = first < 0 or step < 1
    return OtioMedia(
        ref=_image_pattern(reference),
        available=available,
        available_start=_start(reference),
        offline_reason=f"offline: an image sequence that counts from {first} in steps of {step}" if is_odd else "",
        numbered=Numbered(rate=_own_rate(reference), first=max(first, 0), step=max(step, 1)),
    )


def _whole(number: object, default: int) -> int:
    return number if isinstance(number, int) and not isinstance(number, bool) else default


def _own_rate(reference: OtioObject) -> Fraction | None:
    """The rate of an image sequence; its media may be counted by another."""
    written = reference.get("rate")
    return frame_rate(rate_of(reference, "an image sequence")) if written else _available_rate(reference)


def _available_rate(reference: OtioObject) -> Fraction | None:
    return _frame_rate(_start(reference))


def _frame_rate(start: OtioObject | None) -> Fraction | None:
    return None if start is None else frame_rate(rate_of(start, "a media file"))


def _image_pattern(reference: OtioObject) -> str:
    """`folder/name.%04d.exr`, the usual way to name an image sequence."""
    width = reference.get("frame_zero_padding")
    digits = f"%0{width}d" if isinstance(width, int) and 0 < width < 20 else "%d"
    base = text(reference, "target_url_base")
    folder = plain_path(base) or base
    slash = "/" if folder and not folder.endswith("/") else ""
    return f"{folder}{slash}{text(reference, 'name_prefix')}{digits}{text(reference, 'name_suffix')}"
