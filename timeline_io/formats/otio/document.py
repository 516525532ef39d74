""".otio text -> checked plain values: objects by schema name, exact seconds, rates.

The JSON is read by itself and not through OpenTimelineIO's library: the library refuses a whole file
for one marker of a newer schema (Premiere's exports have them), and its objects must not outlive the
timeline they came from. The library writes our tracks (patchers/otio.py).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, TypeGuard

from timeline_io.errors import UnreadableEditError, UnsupportedEditError
from timeline_io.formats.notes import filled, metadata_notes
from timeline_io.frames import snap_rate

OtioObject = dict[str, Any]

# The newest version of each schema whose meaning is known here; markers and effects are read by shape.
_NEWEST = {
    "Timeline": 1,
    "SerializableCollection": 1,
    "SerializeableCollection": 1,
    "Stack": 1,
    "Track": 1,
    "Sequence": 1,
    "Clip": 2,
    "Gap": 1,
    "Filler": 1,
    "Transition": 1,
    "RationalTime": 1,
    "TimeRange": 1,
    "ExternalReference": 1,
    "MissingReference": 1,
    "GeneratorReference": 1,
    "ImageSequenceReference": 1,
    "LinearTimeWarp": 1,
    "FreezeFrame": 1,
    "TimeEffect": 1,
}
_MODERN_NAMES = {
    "Sequence": "Track",
    "Filler": "Gap",
    "SerializeableCollection": "SerializableCollection",
}
_BARE_INFINITY = re.compile(r'"(?:[^"\\]|\\.)*"|-?\bInf\b')
_LARGEST_TIME_VALUE = 10**12
_SLOWEST_FRAME_RATE, _FASTEST_FRAME_RATE = 6, 480


def parse(data: bytes, file_name: str) -> OtioObject:
    """The root object; raises UnreadableEditError when the bytes are no OpenTimelineIO JSON."""
    try:
        root = _loads(decode(data, file_name))
    except RecursionError:
        raise UnreadableEditError(f"{file_name} is nested too deeply to be an edit") from None
    except ValueError as error:
        raise UnreadableEditError(f"{file_name} is damaged: it is no valid JSON ({_short(error)})") from error
    if not isinstance(root, dict) or not isinstance(root.get("OTIO_SCHEMA"), str):
        raise UnreadableEditError(f"{file_name} is JSON but no OpenTimelineIO timeline (it has no OTIO_SCHEMA)")
    return root


def decode(data: bytes, file_name: str) -> str:
    """The text of an .otio file, without a byte order mark; raises UnreadableEditError unless it is UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableEditError(f"{file_name} is damaged: byte {error.start} is not UTF-8") from error


def schema(thing: object) -> str:
    """The schema name of an object, old names made new, without its version; "" for anything else.

    Raises UnsupportedEditError when the version is newer than this reader.
    """
    label = thing.get("OTIO_SCHEMA") if isinstance(thing, dict) else None
    if not isinstance(label, str):
        return ""
    name, _, version = label.partition(".")
    newest = _NEWEST.get(name)
    if newest is not None and version.isdecimal() and int(version[:9]) > newest:
        raise UnsupportedEditError(
            f"the edit holds {label[:60]}, newer than {name}.{newest}: export it for an older version of OpenTimelineIO"
        )
    return _MODERN_NAMES.get(name, name)


def objects(thing: OtioObject, key: str) -> Iterator[OtioObject]:
    """The objects in the list `thing[key]`; anything else in it is passed over."""
    values = thing.get(key)
    for value in values if isinstance(values, list) else ():
        if isinstance(value, dict):
            yield value


def text(thing: OtioObject, key: str) -> str:
    """The string at `key`, or ""."""
    value = thing.get(key)
    # JSON can spell half a character; nothing can write it, so it ends here.
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


def seconds(time: object, what: str) -> Fraction:
    """A RationalTime in exact seconds; `what` names it in the UnreadableEditError for a broken one."""
    return value_of(time, what) / rate_of(time, what)


def value_of(time: object, what: str) -> Fraction:
    """The value of a RationalTime, in units of its rate."""
    value = time.get("value") if isinstance(time, dict) and schema(time) == "RationalTime" else None
    if not _is_number(value) or not math.isfinite(value) or abs(value) > _LARGEST_TIME_VALUE:
        raise UnreadableEditError(f"the time of {what} is no number")
    return Fraction(value).limit_denominator(1_000_000)


def rate_of(time: object, what: str) -> Fraction:
    """The exact rate of a RationalTime."""
    rate = time.get("rate") if isinstance(time, dict) else None
    if not _is_number(rate):
        raise UnreadableEditError(f"the time of {what} has no rate")
    try:
        return snap_rate(rate)
    except ValueError as error:
        raise UnreadableEditError(f"the time of {what} has no usable rate: {error}") from error


def written_rate(time: object, what: str) -> Fraction:
    """The rate of a RationalTime to the last digit that is written: 23.976 and 24000/1001 part by 2 frames in 20 h."""
    rate_of(time, what)
    return Fraction(time["rate"]) if isinstance(time, dict) else Fraction(1)


def frame_rate(rate: Fraction) -> Fraction | None:
    """The frame rate behind the rate of a time, which may be a time scale: 24000 stands for 24000/1001.

    None when it cannot be the rate of a picture (1, 600, 48000).
    """
    if _SLOWEST_FRAME_RATE <= rate <= _FASTEST_FRAME_RATE:
        return rate
    return rate / 1001 if rate in (24000, 30000, 60000, 120000) else None


def span_of(thing: OtioObject, key: str, what: str) -> tuple[Fraction, Fraction] | None:
    """Start and length in seconds of the TimeRange at `key`, None when there is none."""
    span = thing.get(key)
    if not isinstance(span, dict) or schema(span) != "TimeRange":
        return None
    return seconds(span.get("start_time"), what), seconds(span.get("duration"), what)


def offsets_of(transition: OtioObject) -> tuple[Fraction, Fraction]:
    """Seconds of a Transition before and after the edge it lies over; zero where they cannot be read."""
    try:
        before_s, after_s = (seconds(transition.get(key), "a transition") for key in ("in_offset", "out_offset"))
    except UnreadableEditError:
        return Fraction(0), Fraction(0)
    return max(Fraction(0), before_s), max(Fraction(0), after_s)


def scalar(effect: OtioObject) -> Fraction:
    """The speed of a LinearTimeWarp; 1 when the file does not say."""
    value = effect.get("time_scalar")
    if not _is_number(value) or not math.isfinite(value) or abs(value) > 10_000:
        return Fraction(1)
    return Fraction(value).limit_denominator(1_000_000)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _loads(source: str) -> Any:
    try:
        return json.loads(source)
    except json.JSONDecodeError:
        # OpenTimelineIO itself writes infinity in a way that json does not know.
        return json.loads(_BARE_INFINITY.sub(_spelt_out, source))


def _spelt_out(match: re.Match[str]) -> str:
    token = match[0]
    return token if token.startswith('"') else token.replace("Inf", "Infinity")


def _short(error: ValueError) -> str:
    return str(error)[:80].replace("\n", " ")


def marker_texts(marker: OtioObject) -> tuple[str, ...]:
    """Name, comment and metadata notes of an .otio marker, without empty ones."""
    return filled([text(marker, "name"), text(marker, "comment"), *metadata_notes(marker.get("metadata"))])
