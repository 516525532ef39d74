"""Our tracks in and out of an AAF file, as sound slots at the end of its composition.

The sounds are embedded: Media Composer does not link to a WAV file by its path. Nothing else of the graph is touched;
only the definitions of the classes and types that we use are added where a file leaves them out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timeline_io.edit import FoleyTrack
from timeline_io.errors import LayingError, TimelineError
from timeline_io.formats.aaf.fades import drop_unused_dissolve
from timeline_io.formats.aaf.laid import clips_of, found_track, is_marked
from timeline_io.formats.aaf.media import Mobs
from timeline_io.formats.aaf.opening import handle_of, on_disk, opened
from timeline_io.formats.aaf.pack import packed
from timeline_io.formats.aaf.reader import choose_composition
from timeline_io.formats.aaf.sound import TrackWriter
from timeline_io.formats.aaf.values import children, kind, number, rate_of, text, value
from timeline_io.formats.found import FoundTrack
from timeline_io.formats.pick import reselect
from timeline_io.formats.target import Folders, Keep, Target, is_ours


def add_tracks(data: bytes, target: Target, tracks: tuple[FoleyTrack, ...]) -> bytes:
    """The file with `tracks` as the last slots of the composition, and the sounds inside it."""

    def add(aaf: Any) -> None:
        writer = TrackWriter(aaf, _chosen(aaf, target), target)
        for track in tracks:
            writer.add(track)

    return _changed(data, target, add)


def remove_tracks(data: bytes, target: Target, folders: Folders, keep: Keep) -> bytes:
    """The file without the tracks that were laid by us, those that stay excepted, and without their sounds where
    nothing else uses them."""
    with opened(data, target.file_name) as aaf:
        ours = _our_slots(aaf, _chosen(aaf, target), folders, keep)
    if not ours:
        return data

    def remove(aaf: Any) -> None:
        composition = _chosen(aaf, target)
        mobs = Mobs(aaf.content)
        slots = composition.slots
        leaving = _our_mobs([slots[index] for index in ours], mobs)
        for index in reversed(ours):
            _drop(aaf, slots, index)
        used = _used(aaf, leaving)
        for mob_id in leaving:
            if mob_id not in used:
                _drop_mob(aaf, mob_id)
        drop_unused_dissolve(aaf)

    return _changed(data, target, remove, pack=True)


def find_tracks(data: bytes, target: Target) -> tuple[FoundTrack, ...]:
    """The sound tracks of the composition, each known by the number of its slot."""
    with opened(data, target.file_name) as aaf:
        composition, mobs = _chosen(aaf, target), Mobs(aaf.content)
        slots = [slot for slot in children(composition, "Slots") if clips_of(slot)]
        return tuple(found_track(slot, mobs) for slot in slots)


def _changed(data: bytes, target: Target, change: Callable[[Any], None], *, pack: bool = False) -> bytes:
    """The bytes of the file after `change`, packed on request; raises LayingError when the library cannot do it."""
    import aaf2

    try:
        with on_disk(data) as stream:
            # Without its extensions the library does not write definitions of Avid's into files of others.
            with aaf2.open(handle_of(stream), "rw", extensions=False) as aaf:
                change(aaf)
            stream.seek(0)
            return packed(stream) if pack else stream.read()
    except TimelineError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise LayingError(f"{target.file_name} does not take new tracks ({reason})") from error


def _chosen(aaf: Any, target: Target) -> Any:
    """The composition that reading chose."""

    def choose(wanted: str | None) -> Any:
        return choose_composition(aaf, target.file_name, wanted)

    return reselect(choose, lambda mob: text(mob, "Name"), target.sequence)


def _our_slots(aaf: Any, composition: Any, folders: Folders, keep: Keep) -> list[int]:
    """Where among the slots of the composition those stand that were laid by us."""
    mobs = Mobs(aaf.content)
    found = []
    for index, slot in enumerate(children(composition, "Slots")):
        clips = clips_of(slot)
        if clips and is_ours(
            name=text(slot, "SlotName"),
            marked=all(is_marked(mobs.referenced(clip)) for clip in clips),
            media=[mobs.source(clip, rate_of(slot)).ref for clip in clips],
            folders=folders,
            key=str(number(slot, "SlotID")),
            keep=keep,
        ):
            found.append(index)
    return found


def _our_mobs(slots: list[Any], mobs: Mobs) -> list[Any]:
    """The ids of all mobs behind the clips of slots that carry our mark, the master mobs first."""
    found: dict[Any, None] = {}
    waiting = [mob for slot in slots for clip in clips_of(slot) if is_marked(mob := mobs.referenced(clip))]
    while waiting:
        mob = waiting.pop(0)
        if mob is not None and mob.thing.mob_id not in found:
            found[mob.thing.mob_id] = None
            waiting += [mobs.referenced(slot.segment) for slot in mob.slots if kind(slot.segment) == "SourceClip"]
    return list(found)


def _used(aaf: Any, leaving: list[Any]) -> set[Any]:
    """The ids of mobs that clips of others refer to: an editor may have used our sound elsewhere."""
    used: set[Any] = set()
    staying = [mob for mob in aaf.content.mobs if mob.mob_id not in set(leaving)]
    waiting = [found for mob in staying for found, _ in mob.walk_references()]
    while waiting:
        found = waiting.pop()
        if kind(found) == "SourceClip" and value(found, "SourceID") in leaving and value(found, "SourceID") not in used:
            used.add(value(found, "SourceID"))
            inner = aaf.content.mobs.get(value(found, "SourceID"), None)
            waiting += [] if inner is None else [below for below, _ in inner.walk_references()]
    return used


def _drop_mob(aaf: Any, mob_id: Any) -> None:
    _drop(aaf, aaf.content.mobs, mob_id)
    essence = aaf.content.essencedata
    if mob_id in essence:
        _drop(aaf, essence, mob_id)
        if not len(essence):
            # A file that held no sound before had no list of them.
            aaf.cfb.remove(f"{aaf.content.dir.path()}/{essence.index_name} index")
            del aaf.content["EssenceData"]


def _drop(aaf: Any, holder: Any, key: Any) -> None:
    """Take an object out of a list or set of objects, and what it stores out of the file.

    The library's own way keeps the stored objects, and moves sounds to places with random names.
    """
    folder = holder.parent.dir.get(holder.index_ref_name(key))
    holder.references.pop(key)
    holder.objects.clear()
    holder.mark_modified()
    aaf.cfb.rmtree(folder)
