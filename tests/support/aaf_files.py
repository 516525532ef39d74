"""Small AAF edits, written with pyaaf2 so that the tests know every number in them.

Compositions are laid out as Media Composer does it: one picture slot whose scope holds the layers, clips that lead
through a master mob and a file mob with a locator to a tape mob with a timecode, speeds as `Motion Control` effects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import aaf2
from aaf2.auid import AUID
from aaf2.misc import LinearInterp, TaggedValueHelper
from aaf2.rational import AAFRational

NTSC_24 = Fraction(24000, 1001)
_PARAMETERS = {
    "SpeedRatio": "72559a80-24d7-11d3-8a50-0050040ef7d2",
    "PARAM_OFFSET_MAP_U": "8d56827a-847e-11d5-935a-50f857c10000",
    "PARAM_SPEED_MAP_U": "8d56827c-847e-11d5-935a-50f857c10000",
    "PARAM_SPEED_OFFSET_MAP_U": "8d56827d-847e-11d5-935a-50f857c10000",
}
# What a picture descriptor must hold, of no interest here.
_PICTURE = {
    "StoredWidth": 1920,
    "StoredHeight": 1080,
    "ComponentWidth": 8,
    "HorizontalSubsampling": 2,
    "FrameLayout": "FullFrame",
    "VideoLineMap": [42, 0],
    "ImageAspectRatio": "16/9",
}
Point = tuple[int | Fraction, int | Fraction]


@contextmanager
def written(path: Path, rate: Fraction = NTSC_24) -> Iterator[AafWriter]:
    """A new AAF file to put compositions into; it is complete after the block."""
    path.write_bytes(_empty())
    with aaf2.open(str(path), "rw") as aaf:
        yield AafWriter(aaf, rate)


@cache
def _empty() -> bytes:
    """A file without a composition. Most of the time that a new one takes goes into what all have."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "empty.aaf")
        with aaf2.open(str(path), "w"):
            pass
        return path.read_bytes()


class AafWriter:
    """Makers of the parts of an edit; frames count at `rate` where nothing else is said."""

    def __init__(self, aaf: Any, rate: Fraction) -> None:
        self.aaf = aaf
        self._rate = _exact(rate)
        self._operations: dict[str, Any] = {}
        parameters = ((name, AUID(auid)) for name, auid in _PARAMETERS.items())
        for name, auid in parameters:
            aaf.dictionary.register_def(aaf.create.ParameterDef(auid, name, "", "Rational"))
        aaf.dictionary.register_def(aaf.create.InterpolationDef(LinearInterp, "LinearInterp", ""))

    # --- media ------------------------------------------------------------------------------------------------------

    def media(
        self, name: str, *, rate: Fraction = NTSC_24, frames: int = 480, timecode: int | None = 0, **more: Any
    ) -> Any:
        """A master mob on a file of `frames` frames from frame `timecode` on; `url` and `comments` may be given."""
        url = more.get("url", f"file:///Volumes/rushes/{quote(name)}")
        file = self._mob("SourceMob", f"{name}.PHYS")
        file.descriptor = self.aaf.create.CDCIDescriptor()
        for key, value in {**_PICTURE, "SampleRate": _exact(rate), "Length": frames}.items():
            file.descriptor[key].value = value
        if url:
            locator = self.aaf.create.NetworkLocator()
            locator["URLString"].value = url
            file.descriptor["Locator"].append(locator)
        self._slot(file, self._tape(name, rate, frames, timecode), rate)
        master = self._mob("MasterMob", name)
        self._slot(master, self._source(file, 0, frames), rate)
        for key, comment in more.get("comments", {}).items():
            master.comments[key] = comment
        return master

    def _tape(self, name: str, rate: Fraction, frames: int, timecode: int | None) -> Any:
        if timecode is None:
            return self.aaf.create.SourceClip(length=frames, media_kind="picture")
        tape = self._mob("SourceMob", f"{name} tape")
        tape.create_tape_slots(f"{name} tape", _exact(rate), round(rate), media_kind="picture")
        tape.slot_at(2).segment.start = timecode
        return self._source(tape, 0, frames)

    # --- segments ---------------------------------------------------------------------------------------------------

    def clip(self, mob: Any, start: int, length: int) -> Any:
        """`length` frames of a mob's first slot from frame `start` on."""
        return self._source(mob, start, length)

    def gap(self, length: int) -> Any:
        """Nothing."""
        return self.aaf.create.Filler("picture", length)

    def below(self, length: int, scope: int = 0) -> Any:
        """What the layer below shows."""
        reference = self.aaf.create.ScopeReference("picture", length)
        reference["RelativeScope"].value = scope
        reference["RelativeSlot"].value = 1
        return reference

    def sequence(self, *components: Any, kind: str = "picture", **tags: Any) -> Any:
        """Components one after the other; transitions lie over their neighbours."""
        sequence = self.aaf.create.Sequence(kind)
        sequence["Components"].value = list(components)
        overlaps = [part for part in components if isinstance(part, aaf2.components.Transition)]
        sequence.length = sum(part.length for part in components) - 2 * sum(part.length for part in overlaps)
        return tagged(sequence, **tags)

    def transition(self, length: int, cut: int) -> Any:
        """A dissolve that changes the picture `cut` frames after it begins."""
        transition = self.aaf.create.Transition("picture", length)
        transition.cutpoint = cut
        transition["OperationGroup"].value = self.effect("Dissolve", length)
        return transition

    def scope(self, *layers: Any) -> Any:
        """Layers over each other, the bottom one first."""
        scope = self.aaf.create.NestedScope("picture", layers[0].length)
        scope["Slots"].value = list(layers)
        return scope

    def selector(self, selected: Any, *alternates: Any, **tags: Any) -> Any:
        """One of several."""
        selector = self.aaf.create.Selector("picture", selected.length)
        selector["Selected"].value = selected
        selector["Alternates"].value = list(alternates)
        return tagged(selector, **tags)

    def disabled(self, clip: Any) -> Any:
        """A clip that is switched off, the way Media Composer writes it."""
        return self.selector(self.below(clip.length), clip, _DISABLE_CLIP_FLAG="1", _AAF_SELECTED="0")

    def effect(self, name: str, length: int, *inputs: Any, warp: bool = False, **tags: Any) -> Any:
        """An effect of any kind over its inputs."""
        # The library remembers the class asked for last: what an object needs is made before it.
        operation = self._operation(name, warp)
        effect = self.aaf.create.OperationGroup(operation, length, "picture")
        if inputs:
            effect["InputSegments"].value = list(inputs)
        return tagged(effect, **tags)

    def speed(
        self,
        length: int,
        clip: Any,
        *,
        ratio: Fraction | int | None = None,
        frames: Sequence[Point] = (),
        speeds: Sequence[Point] = (),
        positions: Sequence[Point] = (),
        **tags: Any,
    ) -> Any:
        """A change of speed: by its ratio, by curves of input frames or of speeds, or by several of them.

        The times of `positions`, which are input frames as well, run from 0 at the first frame to 1 at the last.
        """
        effect = self.effect("Motion Control", length, clip, warp=True, **tags)
        parameters = []
        if ratio is not None:
            parameters.append(self.aaf.create.ConstantValue(AUID(_PARAMETERS["SpeedRatio"]), _exact(ratio)))
        curves = {
            "PARAM_SPEED_OFFSET_MAP_U": frames,
            "PARAM_SPEED_MAP_U": speeds,
            "PARAM_OFFSET_MAP_U": positions,
        }
        for name, points in curves.items():
            if points:
                parameters.append(self._varying(name, points))
        effect["Parameters"].value = parameters
        return effect

    def _varying(self, name: str, points: Iterable[Point]) -> Any:
        varying = self.aaf.create.VaryingValue(AUID(_PARAMETERS[name]), LinearInterp)
        for time, value in points:
            varying.add_keyframe(_exact(time), _exact(value))
        return varying

    # --- compositions -----------------------------------------------------------------------------------------------

    def composition(
        self, name: str, *segments: Any, start: int = 86400, usage: str | None = "Usage_TopLevel", drop: bool = False
    ) -> Any:
        """A sequence with one picture slot for each segment, a timecode and, as long as the first, a sound track."""
        mob = self._mob("CompositionMob", name)
        if usage:
            mob.usage = usage
        for segment in segments:
            self._slot(mob, segment, self._rate)
        timecode = self.aaf.create.Timecode(round(self._rate), drop=drop, length=segments[0].length)
        timecode.start = start
        self._slot(mob, timecode, self._rate)["PhysicalTrackNumber"].value = 1
        self._slot(mob, self.aaf.create.Filler("sound", segments[0].length), self._rate)
        return mob

    def mark(self, mob: Any, *markers: tuple[int, str], described: bool = True) -> None:
        """Markers (frame, comment) along a mob; Resolve does not say which slots they describe."""
        slot = self.aaf.create.EventMobSlot()
        slot["SlotID"].value = 1000
        slot["EditRate"].value = self._rate
        events = []
        for frame, comment in markers:
            event = self.aaf.create.DescriptiveMarker()
            event["Position"].value = frame
            event["Comment"].value = comment
            if described:
                event["DescribedSlots"].value = {1}
            events.append(event)
        sequence = self.aaf.create.Sequence("DescriptiveMetadata")
        sequence["Components"].value = events
        slot["Segment"].value = sequence
        mob.slots.append(slot)

    # --- parts ------------------------------------------------------------------------------------------------------

    def _mob(self, kind: str, name: str) -> Any:
        mob = getattr(self.aaf.create, kind)(name)
        self.aaf.content.mobs.append(mob)
        return mob

    def _slot(self, mob: Any, segment: Any, rate: Fraction) -> Any:
        slot = mob.create_timeline_slot(_exact(rate), len(mob.slots) + 1)
        slot.segment = segment
        return slot

    def _source(self, mob: Any, start: int, length: int) -> Any:
        return mob.create_source_clip(1, start, length, "picture")

    def _operation(self, name: str, warp: bool) -> Any:
        if name not in self._operations:
            definition = self.aaf.create.OperationDef(AUID(str(uuid5(NAMESPACE_URL, name))), name, "")
            definition.media_kind = "picture"
            definition.number_inputs = 1
            definition["IsTimeWarp"].value = warp
            self.aaf.dictionary.register_def(definition)
            self._operations[name] = definition
        return self._operations[name]


def tagged(thing: Any, **tags: Any) -> Any:
    """The object with Avid's attributes on it."""
    for name, value in tags.items():
        TaggedValueHelper(thing["ComponentAttributeList"])[name] = value
    return thing


def golden(path: Path) -> Path:
    """The cut of tests/fixtures/timelines/golden.xml as Media Composer would export it."""
    path.write_bytes(_golden_bytes())
    return path


@cache
def _golden_bytes() -> bytes:
    """Written once, copied to every test that asks."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "golden.aaf")
        with written(path) as aaf:
            clips = _golden_clips(aaf)
            layers = [aaf.sequence(*clips[layer]) for layer in ("V1", "V2", "V3")]
            cut = aaf.composition("golden", aaf.scope(*layers))
            aaf.mark(cut, (20, "foley: footsteps on gravel"), (20, "left foot first"))
        return path.read_bytes()


def _golden_clips(aaf: AafWriter) -> dict[str, list[Any]]:
    def clip(name: str, start: int, length: int, **more: Any) -> Any:
        return aaf.clip(aaf.media(name, **more), start, length)

    crowd = aaf.sequence(
        clip("crowd_06a.mov", 0, 36), aaf.speed(24, clip("crowd_06b.mov", 10, 48), ratio=Fraction(1, 2))
    )
    scene = aaf.composition("scene 6", crowd, usage="Usage_LowerLevel", start=0)
    # 25 frames per second in 24000/1001: a rate adapter, whose input counts its own frames.
    horn = aaf.sequence(
        clip("horn_02b.mov", 50, 13, rate=Fraction(25), timecode=900000),
        _MIXMATCH_RATE_NUM=25,
        _MIXMATCH_RATE_DENOM=1,
    )
    fitted = aaf.speed(12, horn, ratio=Fraction(24000, 1001) / 25, _MIXMATCH_MOTIONADAPTER=2)
    title = aaf.effect("Text", 48, aaf.gap(48), _EFFECT_PLUGIN_NAME="main title", _EFFECT_PLUGIN_CLASS="Generator")
    return {
        "V1": [
            clip("walk_01.mov", 10, 48, timecode=86400),
            aaf.speed(48, clip("train_02.mov", 24, 96), ratio=Fraction(1, 2)),
            aaf.speed(24, clip("door_03.mov", 100, 24), ratio=-1),
            aaf.speed(24, clip("car_04.mov", 30, 1), ratio=24),
            aaf.gap(24),
            # The clip's own rate is another, its frames count at the rate of the track: 45 of 30 are 36 of 24.
            clip("rain_05.mov", 36, 24, rate=Fraction(30000, 1001)),
            aaf.speed(24, aaf.clip(scene, 12, 48), ratio=Fraction(1, 2)),
            clip("sea_07.mov", 0, 54),
            aaf.transition(12, 6),
            clip("sea_08.mov", 14, 54),
            clip("unused_09.mov", 0, 24),
            clip("poster_10.png", 0, 24, frames=1),
            clip("日本 #11.mov", 5, 24),
        ],
        "V2": [
            aaf.below(60),
            fitted,
            aaf.below(96),
            aaf.disabled(clip("rain_05_alt.mov", 0, 24)),
            aaf.below(120),
            clip("gulls_09.mov", 7, 24),
            aaf.below(48),
        ],
        "V3": [title, aaf.below(336)],
    }


def large(path: Path, count: int) -> Path:
    """A cut of `count` clips of 24 frames, each with its own media, every fourth at double speed."""
    with written(path) as aaf:
        parts = []
        for index in range(count):
            clip = aaf.clip(aaf.media(f"clip_{index:04d}.mov"), 10, 48 if index % 4 == 3 else 24)
            parts.append(aaf.speed(24, clip, ratio=Fraction(1, 2)) if index % 4 == 3 else clip)
        aaf.composition("large", aaf.sequence(*parts))
    return path


def _exact(number: Fraction | int) -> Any:
    return AAFRational(f"{Fraction(number).numerator}/{Fraction(number).denominator}")
