"""Following a re-cut: what an earlier pass made serves again wherever it still covers the picture.

    earlier take   [handle|########### shot ###########|handle]     made once, at these times of its media
    re-cut shot          [    trimmed, or slipped a little   ]      lies inside: a stretch of the same take
    longer shot    [                                        ]----   reaches out of it: made anew

The manifest of the earlier pass is the truth; the takes themselves lie in the store under the keys they were made by.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from pathlib import PurePosixPath
from typing import Any

from flows.output.delivery import rows_of
from flows.shot_job import HEARD, NAME, SHEET, ShotJob, Spotted, seconds_of_take
from timeline_io.frames import FrameSpan, frame_at


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCue:
    """A cue of an earlier pass as a cue of this one, and where a person wanted it to sound, in seconds of its take."""

    cue: Spotted
    told_s: tuple[tuple[Fraction, Fraction], ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierShot:
    """A stretch of media that takes were made for, and its cues; none where a cue sheet left it silent. `cut_s` is how
    many seconds into its takes the cut of the shot lay."""

    start_s: Fraction
    duration_s: Fraction
    speed: Fraction
    ramp: tuple[tuple[Fraction, Fraction], ...]
    cut_s: Fraction
    cues: tuple[EarlierCue, ...]


class EarlierPass:
    """What an earlier pass made, by the content of its media. Built from its manifest; a damaged row counts as none."""

    def __init__(self, manifest: Mapping[str, Any], told: Mapping[str, Sequence[FrameSpan]] | None = None) -> None:
        """`told` are the stretches of record time that markers in the edit give sounds of the pass, by file name."""
        settings = manifest.get("settings")
        self._seed, self._handles = _ints(settings, "seed", "handles")
        self._shots: dict[str, list[EarlierShot]] = defaultdict(list)
        for digest, shot in _shots_in(manifest, told or {}):
            self._shots[digest].append(shot)

    def conformed(self, job: ShotJob, *, handles: int) -> ShotJob:
        """The job with what the earlier pass knew of its picture.

        Its cues keep their picked takes, and their seeds unless the pass asks for others and they are not locked. Where
        the earlier takes cover the shot, they serve again.
        """
        touching = [shot for shot in self._shots.get(job.span.digest, ()) if _shared_s(shot, job) > 0]
        if not touching:
            return job
        best = max(
            touching,
            key=lambda shot: (_covers(shot, job), _same(shot, job), _shared_s(shot, job), -abs(_lead_s(shot, job))),
        )
        if _covers(best, job) and handles == self._handles:
            job = _inside(best, job)
        return replace(job, given=self._inherited(best, job))

    def _inherited(self, shot: EarlierShot, job: ShotJob) -> tuple[Spotted, ...] | None:
        """What a cue sheet decided holds until another says otherwise, against names and against CLIP."""
        before = {earlier.cue.source for earlier in shot.cues}
        asked = job.given
        if not shot.cues:
            return () if asked is None or _all_named(asked) else asked
        if (asked is None and before <= {HEARD, SHEET}) or (asked and SHEET in before and _all_named(asked)):
            return tuple(self._kept(replace(e.cue, seed=None), e, shot, job) for e in shot.cues)
        if asked is None:
            return None
        known = {earlier.cue.label: earlier for earlier in shot.cues}
        return tuple(self._known(cue, known.get(cue.label), shot, job) for cue in asked)

    def _known(self, cue: Spotted, earlier: EarlierCue | None, shot: EarlierShot, job: ShotJob) -> Spotted:
        """A cue that was asked for, with what is known of it. A cue sheet that is handed in knows better."""
        if not cue.in_sheet:
            return self._kept(cue, earlier, shot, job) if earlier else cue
        # Which take was best says nothing about those of another label or seed that was typed in.
        same = earlier is not None and cue.seed in (None, earlier.cue.seed)
        return cue if same else replace(cue, best=None)

    def _kept(self, cue: Spotted, earlier: EarlierCue, shot: EarlierShot, job: ShotJob) -> Spotted:
        """The cue with the seed, the picked or best take and the spans it had."""
        keeps_seed = earlier.cue.locked or self._seed == job.seed
        return replace(
            cue,
            seed=earlier.cue.seed if keeps_seed else cue.seed,
            take=earlier.cue.take,
            best=earlier.cue.best if keeps_seed else None,
            locked=earlier.cue.locked,
            tail_frames=earlier.cue.tail_frames,
            spans=_record_spans(earlier.told_s, shot, job),
        )


def _all_named(cues: Sequence[Spotted]) -> bool:
    return all(cue.source == NAME and not cue.in_sheet for cue in cues)


def _ints(settings: Any, *names: str) -> list[int | None]:
    found = [settings.get(name) if isinstance(settings, dict) else None for name in names]
    return [value if isinstance(value, int) else None for value in found]


def _shots_in(
    manifest: Mapping[str, Any], told: Mapping[str, Sequence[FrameSpan]]
) -> Iterator[tuple[str, EarlierShot]]:
    for shot, cues in rows_of(manifest):
        rows = [cue for cue in cues if cue.get("laid", True)]
        stretch = rows[0].get("made_for") if rows else shot.get("silenced")
        try:
            if stretch:
                rate = Fraction(manifest["rate"])
                yield str(stretch["media"]), _earlier_shot(stretch, shot, rows, rate, told)
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            continue


def _earlier_shot(
    stretch: Mapping[str, Any],
    shot: Mapping[str, Any],
    rows: list[dict[str, Any]],
    rate: Fraction,
    told: Mapping[str, Sequence[FrameSpan]],
) -> EarlierShot:
    return EarlierShot(
        start_s=Fraction(stretch["start_s"]),
        duration_s=Fraction(stretch["duration_s"]),
        speed=Fraction(stretch["speed"]),
        ramp=tuple((Fraction(t), Fraction(media_s)) for t, media_s in stretch.get("ramp", ())),
        cut_s=_cut_s(stretch, shot, rows, rate),
        cues=tuple(_earlier_cue(row, told.get(PurePosixPath(str(row["wav"])).name)) for row in rows),
    )


def _cut_s(stretch: Mapping[str, Any], shot: Mapping[str, Any], rows: list[dict[str, Any]], rate: Fraction) -> Fraction:
    """Seconds of the take at which the cut of its shot lay; manifests from before that was noted tell it by frames."""
    if "cut_s" in stretch or not rows:
        return Fraction(stretch.get("cut_s", 0))
    return Fraction(stretch["lead_s"]) + (int(shot["first_frame"]) - int(rows[0]["record_first"])) / rate


def _earlier_cue(row: dict[str, Any], marked: Sequence[FrameSpan] | None) -> EarlierCue:
    told, picked = row["told_s"], _picked(row)
    if marked is not None:
        lead_s = Fraction(row["made_for"]["lead_s"])
        told = seconds_of_take(marked, record_first=int(row["record_first"]), lead_s=lead_s)
    return EarlierCue(
        cue=Spotted(
            label=str(row["label"]),
            category=str(row["category"]),
            confidence=float(row["confidence"]),
            source=str(row["source"]),
            seed=int(row["seed"]),
            take=picked,
            best=int(row["take"]) if picked is None else None,
            locked=bool(row["locked"]),
            tail_frames=int(row.get("tail_frames", 0)),
        ),
        told_s=None if told is None else tuple((Fraction(first), Fraction(end)) for first, end in told),
    )


def _picked(row: Mapping[str, Any]) -> int | None:
    """The take a person picked; None where the score chose. Before there were scores, any but the first was picked."""
    laid = int(row["take"])
    picked = row.get("picked", None if laid == 1 else laid)
    if picked is not None:
        return int(picked)
    return laid if row["locked"] else None


def _lead_s(shot: EarlierShot, job: ShotJob) -> Fraction:
    """Seconds from the start of the earlier take to the first frame that is seen of the shot.

    Nothing moves in a still, and a changing speed fits as a whole or not at all: there cut lies on cut.
    """
    cut_s = (job.shot.source_start_s - shot.start_s) / shot.speed if shot.speed and not shot.ramp else shot.cut_s
    return cut_s - Fraction(job.shot.record.first - job.shot.seen.first) / job.file.rate


def _shared_s(shot: EarlierShot, job: ShotJob) -> Fraction:
    """How much of what is seen of the shot, its handles left aside, lies inside the earlier stretch; in seconds."""
    if shot.speed != job.span.speed or shot.ramp != job.span.ramp:
        return Fraction(0)
    if (shot.ramp or not shot.speed) and shot.start_s != job.span.start_s:
        return Fraction(0)
    lead_s = _lead_s(shot, job)
    return min(lead_s + job.shot.seen.duration_s, shot.duration_s) - max(lead_s, Fraction(0))


def _same(shot: EarlierShot, job: ShotJob) -> bool:
    """Whether the earlier take is of exactly this stretch: of two shots that overlap, each finds its own again."""
    return (shot.start_s, shot.duration_s) == (job.span.start_s, job.span.duration_s)


def _covers(shot: EarlierShot, job: ShotJob) -> bool:
    return _shared_s(shot, job) == job.shot.seen.duration_s


def _inside(shot: EarlierShot, job: ShotJob) -> ShotJob:
    """The job on the stretch of the earlier take, with as much of its handles as that has."""
    rate, seen = job.file.rate, job.shot.seen
    lead_s = _lead_s(shot, job)
    head = min(seen.first - job.file.first, floor(lead_s * rate))
    tail = min(job.file.end - seen.end, floor((shot.duration_s - lead_s - seen.duration_s) * rate))
    return replace(
        job,
        file=FrameSpan(first=seen.first - head, count=head + seen.count + tail, rate=rate),
        span=replace(job.span, start_s=shot.start_s, duration_s=shot.duration_s),
        lead_s=lead_s - Fraction(head) / rate,
    )


def _record_spans(
    told_s: tuple[tuple[Fraction, Fraction], ...] | None, shot: EarlierShot, job: ShotJob
) -> tuple[FrameSpan, ...] | None:
    """Stretches of the earlier take in the record time of this job, to the frame."""
    if told_s is None:
        return None
    rate = job.file.rate
    start_s = Fraction(job.shot.seen.first) / rate - _lead_s(shot, job)
    edges = [(frame_at(start_s + first, rate), frame_at(start_s + end, rate)) for first, end in told_s]
    return tuple(FrameSpan(first=first, count=end - first, rate=rate) for first, end in edges if end > first)
