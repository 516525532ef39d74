"""One of our tracks as the lines of a Final Cut Pro 7 XML `<track>`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from timeline_io.edit import Fade, FoleyTrack, PlacedClip
from timeline_io.formats.fcp7.place import TICKS_PER_SECOND
from timeline_io.formats.on_markers import NOTE, on_name, on_spans
from timeline_io.formats.target import Target
from timeline_io.frames import timecode
from timeline_io.media_paths import localhost_url

ID_PREFIX = "smooth-foley-"
_SAMPLE_RATE_HZ = 48_000
_CHANNELS = {1: "mono", 2: "stereo"}
_BIT_DEPTH = 24
# By whether the fade is half of a crossfade: the constant gain and the constant power of Premiere.
_CROSS_FADES = {
    False: ("Cross Fade ( 0dB)", "KGAudioTransCrossFade0dB"),
    True: ("Cross Fade (+3dB)", "KGAudioTransCrossFade3dB"),
}

# (depth, text): the caller knows the file's indentation.
Line = tuple[int, str]


def track_lines(track: FoleyTrack, target: Target, numbers: Iterator[int]) -> Iterator[Line]:
    """A mono track: exploded as stereo, Premiere leaves one side silent.

    It names no output channel: where the outputs of a sequence are single channels, as Premiere writes them, the first
    is the left one.
    """
    yield (
        0,
        f'<track MZ.TrackName={quoteattr(track.name)} currentExplodedTrackIndex="0" totalExplodedTrackCount="1"'
        ' premiereTrackType="Mono">',
    )
    for clip in track.clips:
        start = clip.record.first - target.start_frame
        end = start + clip.record.count
        yield from deeper(_fade_lines(clip.fade_in, (start, start + clip.fade_in.frames), target, "start-black"))
        yield from deeper(_clip_lines(clip, target, next(numbers)))
        yield from deeper(_fade_lines(clip.fade_out, (end - clip.fade_out.frames, end), target, "end-black"))
    yield 1, "<enabled>TRUE</enabled>"
    yield 1, "<locked>FALSE</locked>"
    yield 0, "</track>"


def _fade_lines(fade: Fade, edges: tuple[int, int], target: Target, alignment: str) -> Iterator[Line]:
    """A fade inside its clip as a transition with nothing on the other side; nothing where there is none."""
    if not fade.frames:
        return
    cut = 0 if alignment == "start-black" else fade.frames
    name, effect_id = _CROSS_FADES[fade.crossing]
    yield 0, "<transitionitem>"
    yield 1, f"<start>{edges[0]}</start>"
    yield 1, f"<end>{edges[1]}</end>"
    yield 1, f"<alignment>{alignment}</alignment>"
    yield 1, f"<cutPointTicks>{round(cut / target.rate * TICKS_PER_SECOND)}</cutPointTicks>"
    yield from deeper(rate_lines(target))
    yield 1, "<effect>"
    yield 2, f"<name>{name}</name>"
    yield 2, f"<effectid>{effect_id}</effectid>"
    yield 2, "<effecttype>transition</effecttype>"
    yield 2, "<mediatype>audio</mediatype>"
    yield 2, "<wipecode>0</wipecode>"
    yield 2, "<wipeaccuracy>100</wipeaccuracy>"
    yield 2, "<startratio>0</startratio>"
    yield 2, "<endratio>1</endratio>"
    yield 2, "<reverse>FALSE</reverse>"
    yield 1, "</effect>"
    yield 0, "</transitionitem>"


def _clip_lines(clip: PlacedClip, target: Target, number: int) -> Iterator[Line]:
    """A clip that shows its shot; an edge under a fade is written as -1, as Premiere does."""
    start = clip.record.first - target.start_frame
    yield 0, f'<clipitem id="{ID_PREFIX}clipitem-{number}" premiereChannelType="{_CHANNELS[clip.channels]}">'
    yield 1, f"<masterclipid>{ID_PREFIX}masterclip-{number}</masterclipid>"
    yield 1, f"<name>{xml_text(clip.name)}</name>"
    yield 1, "<enabled>TRUE</enabled>"
    yield 1, f"<duration>{clip.file.count}</duration>"
    yield from deeper(rate_lines(target))
    yield 1, f"<start>{-1 if clip.fade_in.frames else start}</start>"
    yield 1, f"<end>{-1 if clip.fade_out.frames else start + clip.record.count}</end>"
    yield 1, f"<in>{clip.head_frames}</in>"
    yield 1, f"<out>{clip.head_frames + clip.record.count}</out>"
    yield from deeper(_file_lines(clip, target, number))
    yield 1, "<sourcetrack>"
    yield 2, "<mediatype>audio</mediatype>"
    yield 2, "<trackindex>1</trackindex>"
    yield 1, "</sourcetrack>"
    yield from deeper(_marker_lines(clip))
    yield 1, "<logginginfo>"
    yield 2, f"<description>{xml_text(clip.label)}</description>"
    yield 1, "</logginginfo>"
    yield 0, "</clipitem>"


def _marker_lines(clip: PlacedClip) -> Iterator[Line]:
    """Markers count like the clip's `<in>`, from the first frame of the file."""
    for span in on_spans(clip):
        first = span.first - clip.file.first
        yield 0, "<marker>"
        yield 1, f"<comment>{xml_text(NOTE)}</comment>"
        yield 1, f"<name>{xml_text(on_name(clip))}</name>"
        yield 1, f"<in>{first}</in>"
        yield 1, f"<out>{first + span.count}</out>"
        yield 0, "</marker>"


def _file_lines(clip: PlacedClip, target: Target, number: int) -> Iterator[Line]:
    """The sound file; its timecode repeats its own header, or Resolve does not find the clip."""
    yield 0, f'<file id="{ID_PREFIX}file-{number}">'
    yield 1, f"<name>{xml_text(clip.wav.name)}</name>"
    yield 1, f"<pathurl>{xml_text(localhost_url(target.seen(clip.wav)))}</pathurl>"
    yield from deeper(rate_lines(target))
    yield 1, f"<duration>{clip.file.count}</duration>"
    yield from deeper(timecode_lines(clip.file.first, target))
    yield 1, "<media>"
    yield 2, "<audio>"
    yield 3, "<samplecharacteristics>"
    yield 4, f"<depth>{_BIT_DEPTH}</depth>"
    yield 4, f"<samplerate>{_SAMPLE_RATE_HZ}</samplerate>"
    yield 3, "</samplecharacteristics>"
    yield 3, f"<channelcount>{clip.channels}</channelcount>"
    yield 2, "</audio>"
    yield 1, "</media>"
    yield 0, "</file>"


def rate_lines(target: Target) -> Iterator[Line]:
    """The rate as this format writes it: 24000/1001 is 24 with the NTSC flag."""
    yield 0, "<rate>"
    yield 1, f"<timebase>{max(1, round(target.rate))}</timebase>"
    yield 1, f"<ntsc>{'TRUE' if target.rate.denominator == 1001 else 'FALSE'}</ntsc>"
    yield 0, "</rate>"


def timecode_lines(frame: int, target: Target) -> Iterator[Line]:
    """The timecode of a frame of the timeline, as sequences and files begin with it."""
    yield 0, "<timecode>"
    yield from deeper(rate_lines(target))
    yield 1, f"<string>{timecode(frame, target.rate, target.drop_frame)}</string>"
    yield 1, f"<frame>{frame}</frame>"
    yield 1, f"<displayformat>{'DF' if target.drop_frame else 'NDF'}</displayformat>"
    yield 0, "</timecode>"


def deeper(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines one level further in."""
    return ((depth + 1, text) for depth, text in lines)


def xml_text(value: str) -> str:
    """Text for XML: escaped, and without the control characters that XML cannot hold."""
    return escape("".join(char for char in value if char.isprintable()))
