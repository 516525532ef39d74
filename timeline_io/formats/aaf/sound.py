"""One of our tracks as a sound slot of an AAF composition, each of its clips on a chain of three mobs.

clip -> master mob -> file mob (the sound itself) -> import mob (where the WAV was, the timecode it begins at)
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from math import ceil
from pathlib import PurePath
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from timeline_io.edit import Fade, FoleyTrack, PlacedClip
from timeline_io.errors import LayingError
from timeline_io.files import sound_digest
from timeline_io.formats.aaf.fades import dissolve_effect
from timeline_io.formats.aaf.values import (
    children,
    length_of,
    number,
    picture_slots,
    rate_of,
    timeline_slots,
    value,
)
from timeline_io.formats.target import Target
from timeline_io.media_paths import localhost_url

# The comment on our master mobs that tells them from others, and the one that says what they sound like.
MARK = "Smooth Foley"
_LABEL = "Description"
_MARK_VERSION = "1"
_LONG_AGO = datetime(2000, 1, 1)


class TrackWriter:
    """Adds tracks to a composition; whatever differs from run to run elsewhere is made from the sounds here."""

    def __init__(self, aaf: Any, composition: Any, target: Target) -> None:
        self._aaf = aaf
        self._composition = composition
        self._target = target
        pictures = picture_slots(composition) or list(timeline_slots(composition))
        # The rate in the file's own spelling: another one of the same rate would be another rate to a program.
        self._edit_rate = value(pictures[0], "EditRate")
        self._rate = rate_of(pictures[0])
        self._made = value(composition, "CreationTime") or _LONG_AGO
        self._length = max(length_of(value(slot, "Segment")) for slot in pictures)
        self._sound = self._defined("Sound")

    def add(self, track: FoleyTrack) -> None:
        """A slot after all others, as the next sound track."""
        slots = children(self._composition, "Slots")
        sequence = self._aaf.create.Sequence(self._sound)
        parts: list[Any] = []
        reached = fading = 0
        for index, clip in enumerate(track.clips):
            begin = clip.record.first - self._target.start_frame
            laid = self._clip(clip, f"{track.name}\n{index}")
            parts += self._hole(begin - reached, fading, clip.fade_in.frames)
            parts += [*self._fade(clip.fade_in, 0), laid, *self._fade(clip.fade_out, clip.fade_out.frames)]
            reached, fading = begin + laid.length, clip.fade_out.frames
        # Avid's tracks are all as long as the composition.
        parts += self._hole(self._length - reached, fading, 0)
        sequence["Components"].value = parts
        sequence.length = max(reached, self._length)
        numbers = [number(slot, "PhysicalTrackNumber") for slot in slots if slot.media_kind == self._sound.short_name]
        slot = self._composition.create_timeline_slot(
            self._edit_rate, 1 + max((number(slot, "SlotID") for slot in slots), default=0)
        )
        slot.name = track.name
        slot["PhysicalTrackNumber"].value = 1 + max([len(numbers), *numbers])
        slot.segment = sequence

    def _hole(self, frames: int, fade_out: int, fade_in: int) -> list[Any]:
        """What lies between two clips: a fade overlaps it for its whole length, as a transition does."""
        length = max(frames, 0) + fade_out + fade_in
        return [self._aaf.create.Filler(self._sound, length)] if length else []

    def _fade(self, fade: Fade, cut_point: int) -> list[Any]:
        """A fade inside its clip: a transition to or from a hole, its cut at the clip's edge."""
        if not fade.frames:
            return []
        transition = self._aaf.create.Transition(self._sound, fade.frames)
        transition["OperationGroup"].value = dissolve_effect(self._aaf, self._sound, fade)
        transition["CutPoint"].value = cut_point
        return [transition]

    def _clip(self, clip: PlacedClip, place: str) -> Any:
        seen = self._target.seen(clip.wav)
        seed = "\n".join((place, clip.name, str(seen), str(clip.file), sound_digest(clip.wav)))
        import_mob = self._import_mob(clip, seen, seed)
        file_mob = self._mob("SourceMob", f"{clip.name}.PHYS", f"{seed}\nfile")
        origin = import_mob.create_source_clip(1, 0, clip.file.count, self._sound)
        length = self._embed(file_mob, clip, origin)
        master = self._mob("MasterMob", clip.name, f"{seed}\nmaster")
        slot = master.create_timeline_slot(self._edit_rate, 1)
        slot.name = clip.wav.name
        slot["PhysicalTrackNumber"].value = 1
        slot.segment = file_mob.create_source_clip(1, 0, length, self._sound)
        master.comments[MARK] = _MARK_VERSION
        master.comments[_LABEL] = clip.label
        # A sound that ends before its last frame does is as long as it is.
        heard = min(max(1, length - clip.head_frames), clip.record.count)
        return master.create_source_clip(1, clip.head_frames, heard, self._sound)

    def _embed(self, mob: Any, clip: PlacedClip, origin: Any) -> int:
        """Put the samples of a WAV file into the AAF; gives its length in frames, the last one begun included."""
        try:
            with clip.wav.open("rb") as stream:
                slot = mob.import_audio_essence(stream, self._edit_rate, origin)
        except OSError as error:
            raise LayingError(f"the sound {clip.wav} cannot be read ({error.strerror or error})") from error
        except Exception as error:
            # What the wave module and pyaaf2 raise for a broken header: wave.Error, EOFError, struct.error.
            raise LayingError(f"the sound {clip.wav} is no WAV file of 16 or 24 bits") from error
        descriptor = value(mob, "EssenceDescription")
        samples = Fraction(number(descriptor, "Length"))
        slot.segment.length = ceil(samples * self._rate / int(value(descriptor, "AudioSamplingRate")))
        return int(slot.segment.length)

    def _import_mob(self, clip: PlacedClip, seen: PurePath, seed: str) -> Any:
        """Where the sound comes from: its file, and the timecode in its header, which is where its start lies."""
        mob = self._mob("SourceMob", clip.wav.name, f"{seed}\nimport")
        mob.descriptor = self._aaf.create.ImportDescriptor()
        locator = self._aaf.create.NetworkLocator()
        locator["URLString"].value = localhost_url(seen)
        mob.descriptor["Locator"].append(locator)
        mob.create_empty_slot(self._edit_rate, self._sound, 1).segment.length = clip.file.count
        self._defined("Timecode")
        nominal = max(1, round(self._rate))
        slot = mob.create_timecode_slot(self._edit_rate, nominal, self._target.drop_frame, clip.file.count)
        slot.segment.start = clip.file.first
        slot["PhysicalTrackNumber"].value = 1
        return mob

    def _mob(self, what: str, name: str, seed: str) -> Any:
        from aaf2.auid import AUID

        mob = getattr(self._aaf.create, what)(name)
        mob_id = mob.mob_id
        mob_id.material = AUID(str(uuid5(NAMESPACE_URL, seed)))
        mob.mob_id = mob_id
        mob["CreationTime"].value = mob["LastModified"].value = self._made
        self._aaf.content.mobs.append(mob)
        return mob

    def _defined(self, name: str) -> Any:
        """The definition of a kind of media; a file that has no such media may lack it."""
        from aaf2.model.datadefs import DataDefs

        dictionary = self._aaf.dictionary
        found = {definition.short_name: definition for definition in dictionary["DataDefinitions"]}
        if name in found or f"Legacy{name}" in found:
            return found.get(name) or found[f"Legacy{name}"]
        auid, args = next((auid, args) for auid, args in DataDefs.items() if args[0] == f"DataDef_{name}")
        definition = self._aaf.create.DataDef(auid, *args)
        dictionary.register_def(definition)
        return definition
