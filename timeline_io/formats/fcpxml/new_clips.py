"""One of our clips as Final Cut Pro X XML: the asset of its sound file, and the connected clip that plays it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import PurePath
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from timeline_io.edit import PlacedClip
from timeline_io.formats.on_markers import NOTE, on_name, on_spans
from timeline_io.formats.target import Target
from timeline_io.frames import FrameSpan
from timeline_io.media_paths import is_absolute, localhost_url

ID_PREFIX = "smooth-foley-"
ROLE = "effects.Foley"
# Assets keep their files in `media-rep` since 1.9, and `asset-clip` exists since 1.6.
_MEDIA_REP_SINCE = 9
_ASSET_CLIP_SINCE = 6
_SOUND = 'hasAudio="1" audioSources="1" audioChannels="{}" audioRate="48000"'

# (depth, text): the caller knows the file's indentation.
Line = tuple[int, str]


def asset_lines(clip: PlacedClip, asset_id: str, target: Target, version: int) -> Iterator[Line]:
    """The sound file; its start repeats the timecode in its own header, which stands for its first sample."""
    url = quoteattr(_url(target.seen(clip.wav)))
    name = quoteattr(_text(clip.name))
    opening = f'<asset id="{asset_id}" name={name}'
    times = f"{_times(clip.file)} {_SOUND.format(clip.channels)}"
    if version < _MEDIA_REP_SINCE:
        yield 0, f"{opening} src={url} {times}/>"
        return
    yield 0, f"{opening} {times}>"
    yield 1, f'<media-rep kind="original-media" src={url}/>'
    yield 0, "</asset>"


def clip_lines(clip: PlacedClip, asset_id: str, lane: int, offset_s: Fraction, version: int) -> Iterator[Line]:
    """The clip, connected `offset_s` after time zero of its host's own clock."""
    tag, role = ("asset-clip", "audioRole") if version >= _ASSET_CLIP_SINCE else ("audio", "role")
    name = quoteattr(_text(clip.name))
    yield (
        0,
        f'<{tag} ref="{asset_id}" lane="{lane}" offset="{seconds(offset_s)}" name={name} {_times(clip.record)}'
        f' {role}="{ROLE}">',
    )
    yield 1, f"<note>{escape(_text(clip.label))}</note>"
    yield from ((depth + 1, line) for depth, line in _fade_lines(clip))
    for span in on_spans(clip):
        yield 1, f"<marker {_times(span)} value={quoteattr(_text(on_name(clip)))} note={quoteattr(NOTE)}/>"
    yield 0, f"</{tag}>"


def _fade_lines(clip: PlacedClip) -> Iterator[Line]:
    """The clip's fades, which are its own: they stay at its edges when those are dragged."""
    fades = {"fadeIn": clip.fade_in, "fadeOut": clip.fade_out}
    if not any(fade.seconds for fade in fades.values()):
        return
    yield 0, "<adjust-volume>"
    yield 1, '<param name="amount">'
    for tag, fade in fades.items():
        if fade.seconds:
            # Final Cut's own way to keep the power of a crossfade is called ease.
            kind = tag.replace("fade", "ease") if fade.crossing else "linear"
            yield 2, f'<{tag} type="{kind}" duration="{seconds(fade.seconds)}"/>'
    yield 1, "</param>"
    yield 0, "</adjust-volume>"


def seconds(time_s: Fraction) -> str:
    """`1001/24000s`, as this format writes a time."""
    return f"{time_s}s"


def _times(span: FrameSpan) -> str:
    return f'start="{seconds(span.first / span.rate)}" duration="{seconds(span.duration_s)}"'


def _url(path: PurePath) -> str:
    """`file:///...`; inside a bundle, the path from the bundle itself."""
    if not is_absolute(str(path)):
        return quote(path.as_posix())
    return localhost_url(path).replace("file://localhost/", "file:///", 1)


def _text(value: str) -> str:
    """Text without the control characters that XML cannot hold."""
    return "".join(char for char in value if char.isprintable())
