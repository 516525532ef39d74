r"""The seam, first half: from how an edit counts (frames of the timeline) to how sound is asked for (seconds of a
movie). A Shot becomes requests; placing.py makes files at their places of what comes back.

    record    ..|  handle  |        shot         |  handle  |..      timeline frames: `file`
    media     ..[----------------- span ---------------------]..      seconds of the movie
    take        [############################################]        stored, its length rounded up
    delivered   [###########################################]         exactly the samples of `file`
    laid                   [/###################\]                    what is heard; the rest lies hidden
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

from flows.planning.anchor import anchored
from flows.records import Stretch
from pipeline.probe import MovieInfo
from pipeline.records import FoleyRequest, MediaSpan, Numbering
from timeline_io.edit import Shot
from timeline_io.frames import FrameSpan

# Who named a sound.
SHEET, NOTE, NAME, HEARD = "sheet", "note", "name", "heard"

# Renditions of a cue lie far apart, so that the takes of two cues with neighbouring seeds stay different.
_TAKE_STRIDE = 15_485_863

# A movie, or the pictures of an image sequence and how they count.
Media = tuple[Path, Numbering | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spotted:
    """One sound a shot is to get. `source` says who named it: sheet, note, name or heard.

    A sheet or an earlier pass may also say the `seed` of its first take, which `take` a person picked to be laid, in
    which `spans` of record time it sounds, how many frames its tail goes on beyond the cut, whether all that is
    `locked`, and under which `cue_id`. `best` is the take that an earlier pass chose by its score: nobody's decision,
    but it stays in the running. `in_sheet` tells that a sheet that is handed in has a row for it.
    """

    label: str
    category: str
    confidence: float
    source: str
    seed: int | None = None
    cue_id: str = ""
    take: int | None = None
    best: int | None = None
    spans: tuple[FrameSpan, ...] | None = None
    tail_frames: int = 0
    locked: bool = False
    in_sheet: bool = False

    @property
    def ordered(self) -> bool:
        """Whether a person named it, who then hears it whatever the picture says."""
        return self.source in (SHEET, NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotJob:
    """A shot ready to be worked on: `file`, in record time and with handles, lies in `span`, from `lead_s` on.

    The two are the same stretch of time, unless the takes of an earlier pass, which reach further, serve again.
    `given` are the sounds already decided; None asks CLIP. `seed` is the pass's, from which each cue has its own.
    `takes` is how many renditions each cue gets; `remark` is what a person should know about its place in the media.
    """

    shot_id: str
    name: str
    shot: Shot
    file: FrameSpan
    span: MediaSpan
    given: tuple[Spotted, ...] | None
    seed: int
    takes: int = 1
    lead_s: Fraction = Fraction(0)
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CueJob:
    """One take to be made for a shot: rendition `take` of a cue, whose first rendition has `seed`."""

    cue_id: str
    spotted: Spotted
    request: FoleyRequest
    seed: int
    take: int = 1


def media_of(shot: Shot) -> Media | None:
    """What is opened to see a shot; None when it is offline."""
    if shot.media is None:
        return None
    count = shot.numbered
    if count is None:
        return shot.media, None
    return shot.media, Numbering(rate=count.rate or shot.record.rate, first=count.first, step=count.step)


def job_for(
    shot: Shot,
    movie: MovieInfo,
    *,
    handles: int,
    given: tuple[Spotted, ...] | None,
    seed: int,
    takes: int = 1,
) -> ShotJob:
    """The job of a shot whose media is `movie`, with `handles` frames on each side of what is seen of it.

    A handle may reach past the media: its first or last picture holds there, and nothing moves in it. It may reach out
    of the timeline, but not to before midnight, where no file can begin. Raises OutsideMediaError.
    """
    placement = anchored(shot, movie)
    shot = placement.shot
    seen, rate = shot.seen, shot.record.rate
    first = max(min(0, seen.first), seen.first - handles)
    file = FrameSpan(first=first, count=seen.end + handles - first, rate=rate)
    head_s = Fraction(shot.record.first - first) / rate
    span = MediaSpan(
        path=movie.path,
        digest=movie.digest,
        start_s=shot.source_start_s - shot.speed * head_s,
        duration_s=file.duration_s,
        speed=shot.speed,
        ramp=tuple((head_s + time_s, media_s) for time_s, media_s in shot.ramp),
        numbering=movie.numbering,
    )
    return ShotJob(
        shot_id=shot.shot_id,
        name=shot.name,
        shot=shot,
        file=file,
        span=span,
        given=given,
        seed=seed,
        takes=takes,
        remark=placement.remark,
    )


def cue_jobs(
    job: ShotJob, spotted: tuple[Spotted, ...], *, settings_digest: str, model_digest: str
) -> tuple[CueJob, ...]:
    """One CueJob per rendition of each sound, those of a sound together; sounds are numbered from 1 in the shot."""
    jobs = []
    for number, cue in enumerate(spotted, start=1):
        seed = cue.seed if cue.seed is not None else cue_seed(job, cue.label)
        for take in _renditions(cue, job.takes):
            request = FoleyRequest(
                span=job.span,
                label=cue.label,
                seed=seed_of_take(seed, take),
                settings_digest=settings_digest,
                model_digest=model_digest,
                spans_s=_told_spans(job, cue),
                ordered=cue.ordered,
            )
            cue_id = cue.cue_id or f"{job.shot_id}_{number:02d}"
            jobs.append(CueJob(cue_id=cue_id, spotted=cue, request=request, seed=seed, take=take))
    return tuple(jobs)


def _renditions(cue: Spotted, takes: int) -> list[int]:
    """Which takes of a cue are to be there. Who asks for one gets the picked one, else the one laid last time."""
    known = cue.take or cue.best or 1
    return [known] if takes == 1 else sorted({known, *range(1, takes + 1)})


def seed_of_take(seed: int, take: int) -> int:
    """The seed of rendition `take` of a cue whose first rendition has `seed`."""
    return (seed + (take - 1) * _TAKE_STRIDE) % 2**31 if take > 1 else seed


def _told_spans(job: ShotJob, cue: Spotted) -> tuple[tuple[Fraction, Fraction], ...] | None:
    """The stretches a person wants it to sound in, in seconds of the take."""
    if cue.spans is None:
        return None
    edges = seconds_of_take(cue.spans, record_first=job.file.first, lead_s=job.lead_s)
    return tuple((max(first_s, Fraction(0)), end_s) for first_s, end_s in edges if end_s > 0)


def seconds_of_take(
    spans: Iterable[FrameSpan], *, record_first: int, lead_s: Fraction
) -> list[tuple[Fraction, Fraction]]:
    """Stretches of record time as seconds of a take whose file begins `lead_s` into it, at frame `record_first`."""
    starts = ((span, record_first / span.rate - lead_s) for span in spans)
    return [(span.first / span.rate - start_s, span.end / span.rate - start_s) for span, start_s in starts]


def cue_seed(job: ShotJob, label: str) -> int:
    """The seed of a cue, 0 to 2**31 - 1, from the pass's seed, the label and where in which media the shot starts.

    Neither the place in the edit, nor the shot's number, nor the length of its handles counts: a re-ordered edit keeps
    every take, and a trimmed out-point keeps the character of the sound. The same picture used twice sounds the same.
    """
    shot = job.shot
    facts = [job.seed, label, job.span.digest, str(shot.source_start_s), str(shot.speed)]
    digest = hashlib.sha256(json.dumps(facts).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def record_spans(spans_s: Iterable[tuple[float, float]], job: ShotJob) -> tuple[FrameSpan, ...]:
    """Stretches of a take (seconds) as whole frames of record time, as far as the shot is seen."""
    rate, lead_s, seen = job.file.rate, float(job.lead_s), job.shot.seen
    edges = [
        (job.file.first + floor((start - lead_s) * rate), job.file.first + ceil((end - lead_s) * rate))
        for start, end in spans_s
    ]
    inside = [(max(seen.first, first), min(seen.end, end)) for first, end in edges]
    return tuple(FrameSpan(first=first, count=end - first, rate=rate) for first, end in inside if end > first)


def stretch_of(job: ShotJob) -> Stretch:
    """What a later pass can compare."""
    span = job.span
    return Stretch(
        media=span.digest,
        start_s=span.start_s,
        duration_s=span.duration_s,
        speed=span.speed,
        ramp=span.ramp,
        lead_s=job.lead_s,
        cut_s=job.lead_s + Fraction(job.shot.record.first - job.file.first) / job.file.rate,
    )
