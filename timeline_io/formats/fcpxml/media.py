"""What picture a Final Cut Pro X clip shows: the file behind an asset, or why there is none to look at."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

from timeline_io.edit import Numbered
from timeline_io.formats.fcpxml.values import Resources, time_of
from timeline_io.formats.pictures import is_still_name, media_named
from timeline_io.frames import frames_of_day

# Final Cut writes the times of an asset rounded to its own time scale.
_ROUNDED_S = Fraction(1, 10)
_REEL = "com.apple.proapps.studio.reel"
_NO_RATE = "FFVideoFormatRateUndefined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A media file as an asset tells it; `start_s` is the timecode at which it starts, None when nobody says.

    `drop_frame` is whether that timecode is displayed with dropped numbers.
    """

    name: str = ""
    ref: str = ""
    start_s: Fraction | None = None
    length_s: Fraction | None = None
    is_still: bool = False
    numbered: Numbered | None = None
    is_sound: bool = False
    no_picture: str = ""
    reel: str = ""
    rate: Fraction | None = None
    drop_frame: bool = False

    @property
    def last_frame_s(self) -> Fraction | None:
        """Seconds into the file at which its last frame begins; None where nobody says how long it is."""
        if self.is_still or not self.length_s or not self.rate or self.length_s <= 1 / self.rate:
            return None
        return self.length_s - 1 / self.rate

    def from_file_start(self, earliest_s: Fraction) -> Fraction:
        """What to subtract from source times of which `earliest_s` is the first, to count from the file's start.

        Final Cut counts in the file's timecode, which begins anew at midnight; some programs write it for the asset and
        count from zero. What lies in neither way inside begins before the file does, as handles may.
        """
        start_s = self.start_s or Fraction(0)
        if earliest_s >= start_s - _ROUNDED_S:
            return start_s
        end_s = start_s + (self.length_s or 0)
        after_midnight = (start_s - day_s for day_s in self._days_s() if start_s <= earliest_s + day_s < end_s)
        from_zero = not self.length_s or earliest_s < self.length_s
        return next(after_midnight, Fraction(0) if from_zero else start_s)

    def _days_s(self) -> tuple[Fraction, ...]:
        """How long 24 hours of the timecode may be, the likelier first."""
        if self.rate is None:
            return ()
        modes = (self.drop_frame, not self.drop_frame)
        return tuple(dict.fromkeys(frames_of_day(self.rate, drops) / self.rate for drops in modes))


def media_of(clip: Element, resources: Resources) -> Media:
    """The media of an `asset-clip` or a `video`, which refers to an asset or to an effect that makes a picture."""
    resource = resources.get(clip.get("ref"))
    if resource is None:
        return Media()
    name = resource.get("name", "")
    if resource.tag != "asset":
        return Media(name=name, no_picture="a generator, not a filmed picture")
    written = source_of(resource)
    rate = resources.rate(resource)
    ref, numbered = media_named(written, rate)
    return Media(
        name=name,
        # A search folder is searched for the name even when no path is told.
        ref=ref or name,
        start_s=time_of(resource, "start"),
        length_s=time_of(resource, "duration"),
        is_still=_is_still(resource, written, resources),
        numbered=numbered,
        is_sound=_is_sound(resource),
        reel=_reel(clip) or _reel(resource),
        rate=rate,
        drop_frame=clip.get("tcFormat") == "DF",
    )


def source_of(asset: Element) -> str:
    """The URL of an asset: in the `src` of the original among its `media-rep`s, before FCPXML 1.9 in its own."""
    copies = asset.findall("media-rep")
    originals = [copy for copy in copies if copy.get("kind", "original-media") == "original-media"]
    told = [copy.get("src", "").strip() for copy in (*originals, *copies)]
    return next((src for src in told if src), asset.get("src", "").strip())


def _reel(noted: Element) -> str:
    """The reel that is noted of a clip or an asset, "" where none is."""
    notes = (note for note in noted.iterfind("metadata/md") if note.get("key") == _REEL)
    return next((note.get("value", "").strip() for note in notes), "")


def _is_sound(asset: Element) -> bool:
    return asset.get("hasVideo", "0") != "1" and asset.get("hasAudio", "0") == "1"


def _is_still(asset: Element, ref: str, resources: Resources) -> bool:
    known = resources.get(asset.get("format"), "format")
    has_no_rate = known is not None and known.get("name") == _NO_RATE
    return time_of(asset, "duration") == 0 or has_no_rate or is_still_name(ref)
