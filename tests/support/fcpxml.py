"""Small Final Cut Pro X projects written by hand, and the order in which their elements may stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

FORMATS = (
    '<format id="f24" frameDuration="100/2400s"/><format id="f25" frameDuration="100/2500s"/>'
    '<format id="f2398" frameDuration="1001/24000s"/><format id="f30" name="FFVideoFormat1080p2997"/>'
    '<format id="fi" name="FFVideoFormat1080i50"/><format id="none" name="FFVideoFormatRateUndefined"/>'
)


def asset(name: str, more: str = 'hasVideo="1" format="f24"', start: str = "0s", duration: str = "100s") -> str:
    """An asset whose id is its name and whose file lies in /rushes."""
    return (
        f'<asset id="{name}" name="{name}" start="{start}" duration="{duration}" {more}>'
        f'<media-rep kind="original-media" src="file:///rushes/{name}"/></asset>'
    )


def clip(name: str, times: str, inside: str = "", tag: str = "asset-clip", more: str = "") -> str:
    """A clip; `times` is "offset start duration" in seconds, `-` for one that is not written."""
    written = zip(("offset", "start", "duration"), times.split(), strict=True)
    attributes = " ".join(f'{key}="{value}s"' for key, value in written if value != "-")
    return f'<{tag} ref="{name}" name="{name}" {attributes} {more}>{inside}</{tag}>'


def gap(times: str, inside: str = "") -> str:
    """A gap, whose own clock begins at an hour as Final Cut writes it."""
    offset, duration = times.split()
    return f'<gap name="Gap" offset="{offset}s" start="3600s" duration="{duration}s">{inside}</gap>'


def time_map(*points: str, more: str = "") -> str:
    """A time map through points "time value" in seconds."""
    pairs = (point.split() for point in points)
    written = "".join(f'<timept time="{time}s" value="{value}s" {more}/>' for time, value in pairs)
    return f"<timeMap>{written}</timeMap>"


def project(*spine: str, name: str = "cut", sequence: str = 'format="f24" tcStart="0s"') -> str:
    """A project whose primary storyline holds `spine`."""
    return f'<project name="{name}"><sequence {sequence}><spine>{"".join(spine)}</spine></sequence></project>'


def document(*body: str, resources: str = "", version: str = "1.11", head: str = "<!DOCTYPE fcpxml>") -> str:
    """A whole file around projects, with assets a.mov and b.mov and the sound s.wav."""
    known = FORMATS + asset("a.mov") + asset("b.mov") + asset("s.wav", 'hasAudio="1"') + resources
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n<fcpxml version="{version}">\n'
        f"<resources>{known}</resources>\n<library><event>{''.join(body)}</event></library>\n</fcpxml>\n"
    )


# --- The order of elements, after the document types of versions 1.8 to 1.13 ----------------------------------------

_STORY = "asset-clip|audio|video|clip|title|caption|mc-clip|ref-clip|sync-clip|audition|spine|live-drawing"
_TIMING = r"(conform-rate )?(timeMap )?"
_ADJUST = r"((object-tracker|adjust-[\w-]+) )*"
_ANCHORED = f"(({_STORY}) )*"
_HELD = f"(({_STORY}|gap) )*"
_MARKED = r"((marker|chapter-marker|rating|keyword|analysis-marker|hidden-clip-marker) )*"
_FILTERS = r"((filter-video|filter-video-mask) )*(filter-audio )*"
_CHANNELS = r"(audio-channel-source )*"
_ORDER = {
    "asset-clip": rf"(note )?{_TIMING}{_ADJUST}{_ANCHORED}{_MARKED}{_CHANNELS}{_FILTERS}(metadata )?",
    "clip": rf"(note )?{_TIMING}{_ADJUST}{_HELD}{_MARKED}{_CHANNELS}{_FILTERS}(metadata )?",
    "sync-clip": rf"(note )?{_TIMING}{_ADJUST}{_HELD}{_MARKED}(sync-source )*{_FILTERS}(metadata )?",
    "ref-clip": rf"(note )?{_TIMING}{_ADJUST}{_ANCHORED}{_MARKED}(audio-role-source )*{_FILTERS}(metadata )?",
    "mc-clip": rf"(note )?{_TIMING}{_ADJUST}(mc-source )*{_ANCHORED}{_MARKED}(filter-audio )*(metadata )?",
    "audio": rf"(note )?{_TIMING}{_ADJUST}{_ANCHORED}{_MARKED}(filter-audio )*",
    "video": rf"(param )*(note )?{_TIMING}{_ADJUST}{_ANCHORED}{_MARKED}{_FILTERS}(reserved )?",
    "title": rf"(param )*(text )*(text-style-def )*(note )?{_ADJUST}{_ANCHORED}{_MARKED}{_FILTERS}(metadata )?",
    "gap": rf"(note )?{_ANCHORED}{_MARKED}(metadata )?",
    "spine": rf"(({_STORY}|gap|transition) )*",
    "audition": rf"(({_STORY}) )+",
    "sequence": r"(note )?spine (metadata )?",
    "resources": r"((asset|effect|format|media|locator) )*",
}


def complaints(root: Element) -> Iterator[str]:
    """What is wrong with a file: elements out of order, a needed attribute missing, an id twice or unknown."""
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    yield from (f"the id {twice} is there more than once" for twice in {i for i in ids if ids.count(i) > 1})
    is_new = int(root.get("version", "1.0").split(".")[1]) >= 9
    for element in root.iter():
        tags = "".join(f"{child.tag} " for child in element)
        asset_order = r"(media-rep )+(metadata )?" if is_new else r"(bookmark )?(metadata )?"
        order = asset_order if element.tag == "asset" else _ORDER.get(element.tag)
        if order is not None and not re.fullmatch(order, tags):
            yield f"<{element.tag} name={element.get('name')!r}> holds {tags}"
        if element.get("ref") and element.get("ref") not in ids:
            yield f"<{element.tag}> refers to {element.get('ref')}, which is not there"
        if element.tag == "asset" and not (element.get("id") and (is_new or element.get("src"))):
            yield f"<asset name={element.get('name')!r}> lacks its id or its src"
