"""Fades of an AAF sound track: transitions between a clip and a hole, all of one operation of the dictionary.

[ hole     ]                        a transition lies over the end of what is before it
     [ T   ]                        and the start of what follows: both are longer by its length
     [ clip             ]
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from timeline_io.edit import Fade
from timeline_io.formats.aaf.values import kind, length_of, number, text

# MonoAudioDissolve of the AAF edit protocol; left to itself it fades from nothing to all.
_MONO_AUDIO_DISSOLVE = "0c3bea41-fc05-11d2-8a29-0050040ef7d2"
_MADE = "made by Smooth Foley"
# How Media Composer names the curve of an audio dissolve.
_CURVE, _EQUAL_POWER = "_ATN_AUDIO_DISSOLVE_CURVETYPE", 1


def dissolve_effect(aaf: Any, sound: Any, fade: Fade) -> Any:
    """The effect of a transition. Its curve is a straight line; the halves of a crossfade keep their power where the
    file knows Media Composer's attribute for that."""
    # The library makes what was named last, so nothing may be made between a name and its call.
    operation = _audio_dissolve(aaf, sound)
    effect = aaf.create.OperationGroup(operation, fade.frames, sound)
    if fade.crossing and "ComponentAttributeList" in {
        known.property_name for known in effect.classdef.all_propertydefs()
    }:
        effect["ComponentAttributeList"].value = [aaf.create.TaggedValue(_CURVE, _EQUAL_POWER, "aafInt32")]
    return effect


def _audio_dissolve(aaf: Any, sound: Any) -> Any:
    """The definition of the audio dissolve; a file that has none gets one that says who made it."""
    found = _defined(aaf)
    if found is None:
        found = aaf.create.OperationDef(_MONO_AUDIO_DISSOLVE, "Audio Dissolve", _MADE)
        found.media_kind = sound.short_name
        found["NumberInputs"].value = 2
        found["IsTimeWarp"].value = False
        aaf.dictionary.register_def(found)
    return found


def drop_unused_dissolve(aaf: Any) -> None:
    """Take the definition out of the dictionary again when it was made here and nothing uses it any more."""
    found = _defined(aaf)
    if found is None or text(found, "Description") != _MADE or _is_used(aaf, found):
        return
    definitions = aaf.dictionary["OperationDefinitions"]
    folder = definitions.parent.dir.get(definitions.index_ref_name(found.auid))
    definitions.references.pop(found.auid)
    definitions.objects.clear()
    definitions.mark_modified()
    aaf.cfb.rmtree(folder)


def fades_of(parts: list[Any], index: int) -> tuple[int, int]:
    """Frames of fade-in and fade-out of the part at `index`: transitions that lie inside it, with a hole beside."""
    before, after = parts[max(0, index - 2) : index], parts[index + 1 : index + 3]
    fade_in = fade_length(parts, index - 1) if before and kind(before[-1]) == "Transition" else 0
    fade_out = -fade_length(parts, index + 1) if after and kind(after[0]) == "Transition" else 0
    return max(0, fade_in), max(0, fade_out)


def fade_length(parts: list[Any], index: int) -> int:
    """Frames of the transition at `index`: above zero when the part after it fades in, below when the part before it
    fades out, zero when it is no fade of a single clip."""
    transition, length = parts[index], length_of(parts[index])
    holes = [not beside or kind(beside[0]) == "Filler" for beside in (parts[index - 1 : index], parts[index + 1 :][:1])]
    if holes == [True, False] and number(transition, "CutPoint") == 0:
        return length
    return -length if holes == [False, True] and number(transition, "CutPoint") == length else 0


def _defined(aaf: Any) -> Any:
    for definition in aaf.dictionary["OperationDefinitions"]:
        if UUID(str(definition.auid)) == UUID(_MONO_AUDIO_DISSOLVE):
            return definition
    return None


def _is_used(aaf: Any, definition: Any) -> bool:
    things = (found for mob in aaf.content.mobs for found, _ in mob.walk_references())
    return any(kind(found) == "OperationGroup" and found.operation is definition for found in things)
