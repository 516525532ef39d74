"""Made-up passes: plans, events and reports without an edit on the disk, and a pass that runs on a made-up clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from pathlib import Path
from typing import cast

from flows.desk import PassEvent
from flows.options import PassOptions
from flows.planning.hand_work import HandWork
from flows.planning.plan import PassPlan
from flows.records import CueReport, OutputPaths, PassReport, ShotReport, ShotState
from flows.shot_job import CueJob, ShotJob, Spotted
from flows.work.engine import Studio
from flows.work.steps import Heard, Take
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.records import SAMPLE_RATE_HZ, ClipReceipt, FoleyRequest, MediaSpan
from tests.support.passes import made_up_card
from timeline_io.edit import Edit, Shot
from timeline_io.frames import FrameSpan

RATE = Fraction(25)


def studio_at(store: Path, *, model: str = "m" * 64, device: str = "cpu") -> Studio:
    return Studio(model="mini", model_digest=model, settings=AuffusionSettings(), device=device, store=store)


def plan_of(
    lengths_s: Sequence[float],
    *,
    edit: Path = Path("/shows/harbour/reel3.otio"),
    store: Path = Path("/nowhere"),
    label: str | None = None,
    takes: int = 1,
    settled: tuple[ShotReport, ...] = (),
) -> PassPlan:
    """A plan of shots of these lengths, one after the other; `label` is the sound all of them are told to get."""
    jobs, first = [], 0
    given = None if label is None else (spotted(label),)
    for number, length_s in enumerate(lengths_s, 1):
        record = FrameSpan(first=first, count=round(length_s * RATE), rate=RATE)
        jobs.append(_job(f"sh{10 * number:04d}", record, given, takes))
        first = record.end
    return PassPlan(
        edit=_edit(edit, jobs, first),
        options=PassOptions(),
        card=made_up_card(),
        studio=studio_at(store),
        folder=edit.parent / f"{edit.stem}_foley",
        jobs=tuple(jobs),
        known={},
        settled=settled,
        warnings=(),
        hand=HandWork(),
        followed=(),
    )


def _edit(path: Path, jobs: Sequence[ShotJob], frame_count: int) -> Edit:
    return Edit(
        path=path,
        format="otio",
        name=path.stem,
        rate=RATE,
        start_frame=0,
        frame_count=frame_count,
        shots=tuple(job.shot for job in jobs),
        skipped=(),
        digest="e",
    )


def _job(shot_id: str, record: FrameSpan, given: tuple[Spotted, ...] | None, takes: int) -> ShotJob:
    media = Path("/media/a.mov")
    shot = Shot(
        shot_id=shot_id,
        name=f"clip {shot_id}",
        media=media,
        media_ref=str(media),
        record=record,
        source_start_s=Fraction(0),
        speed=Fraction(1),
    )
    span = MediaSpan(
        path=Path("/media/a.mov"),
        digest=f"d-{shot_id}",
        start_s=Fraction(record.first) / RATE,
        duration_s=record.duration_s,
    )
    return ShotJob(shot_id=shot_id, name=shot.name, shot=shot, file=record, span=span, given=given, seed=0, takes=takes)


def spotted(label: str, confidence: float = 0.9) -> Spotted:
    return Spotted(label=label, category="vehicles", confidence=confidence, source="heard")


def heard_of(job: ShotJob, cues: int = 1, failure: str = "") -> Heard:
    jobs = tuple(
        CueJob(
            cue_id=f"{job.shot_id}_{number:02d}",
            spotted=spotted("train passing"),
            request=FoleyRequest(span=job.span, label=f"label {number}", seed=1, settings_digest="s", model_digest="m"),
            seed=1,
        )
        for number in range(1, cues + 1)
    )
    return Heard(shot_id=job.shot_id, cues=() if failure else jobs, failure=failure)


def take_of(request: FoleyRequest, seconds: float = 1.0, failure: str = "", confidence: float = 0.9) -> Take:
    if failure:
        return Take(key=request.key(), failure=failure)
    receipt = ClipReceipt(
        key=request.key(),
        wav=Path("/nowhere/a.wav"),
        sha256="0",
        samples=round(request.span.duration_s * SAMPLE_RATE_HZ),
        sample_rate_hz=SAMPLE_RATE_HZ,
        peak=0.1,
        active_spans_s=((0.1, 0.5),),
        confidence=confidence,
        seconds=seconds,
    )
    return Take(key=request.key(), receipt=receipt)


def shot_report(
    shot_id: str,
    state: ShotState = ShotState.MADE,
    reason: str = "",
    confidence: float = 0.9,
    label: str = "train passing",
) -> ShotReport:
    cue = CueReport(
        cue_id=f"{shot_id}_01",
        label=label,
        category="vehicles",
        seed=1,
        source="heard",
        confidence=confidence,
        key=f"{shot_id}-key",
        seconds=2.0,
        wav=Path(f"/nowhere/takes/{shot_id}.wav"),
    )
    cues = (cue,) if state in (ShotState.MADE, ShotState.CACHED) else ()
    return ShotReport(
        shot_id=shot_id, name=f"clip {shot_id}", state=state, reason=reason, cues=cues, first_frame=0, frame_count=50
    )


def report_of(plan: PassPlan, shots: Sequence[ShotReport] | None = None, seconds: float = 1.0) -> PassReport:
    folder = plan.folder
    return PassReport(
        edit=plan.edit.path,
        edit_name=plan.edit.name,
        edit_digest="e",
        rate=RATE,
        model=plan.card.name,
        outputs=OutputPaths(folder=folder, edit=folder / f"{plan.edit.name}.foley.otio", report=folder / "report.html"),
        shots=tuple(shots) if shots is not None else tuple(shot_report(job.shot_id) for job in plan.jobs),
        seconds=seconds,
    )


@dataclass(kw_only=True)
class MadeUpPass:
    """A pass on a clock of its own, as the conductor runs one: so many hands listen, one maker takes full batches.

    The speeds are seconds per second of shot, of sound, and per shot laid.
    """

    plan: PassPlan
    listen: float = 0.5
    make: float = 2.0
    lay: float = 0.1
    load_s: float = 10.0
    listeners: int = 2
    cues: int = 1
    batch: int = 8

    def events(self) -> Iterator[tuple[float, PassEvent]]:
        """The events with their times."""
        yield 0.0, PassEvent(stage="plan", plan=self.plan, edit=self.plan.edit.path.stem)
        yield 0.0, PassEvent(stage="load", text="loading the model")
        jobs, total = list(reversed(self.plan.to_do)), len(self.plan.jobs)
        busy: list[tuple[float, int, object]] = []
        waiting: list[FoleyRequest] = []
        number, listening, making, heard, made, wanted = 0, 0, False, 0, 0, 0
        now = self.load_s
        while True:
            while jobs and listening < self.listeners:
                job = jobs.pop()
                number, listening = number + 1, listening + 1
                heappush(busy, (now + self.listen * float(job.span.duration_s), number, job))
            if not making and (len(waiting) >= self.batch or (waiting and not jobs and not listening)):
                some, waiting = waiting[: self.batch], waiting[self.batch :]
                number, making = number + 1, True
                heappush(busy, (now + self.make * sum(float(r.span.duration_s) for r in some), number, some))
            if not busy:
                break
            now, _, done = heappop(busy)
            if isinstance(done, ShotJob):
                listening, heard = listening - 1, heard + 1
                found = heard_of(done, self.cues)
                waiting += found.missing()
                wanted += self.cues
                yield now, PassEvent(stage="listen", done=heard, total=total, heard=found)
            else:
                requests = cast(list[FoleyRequest], done)
                making, made = False, made + len(requests)
                takes = tuple(take_of(r, seconds=self.make * float(r.span.duration_s)) for r in requests)
                yield now, PassEvent(stage="make", done=made, total=wanted, takes=takes)
        yield now, PassEvent(stage="lay", text="laying")
        now += self.lay * len(self.plan.edit.shots)
        yield now, PassEvent(stage="laid", done=1, total=1, report=report_of(self.plan))
