"""Which shots of a pass get a picture, and their files: failed ones, and sounds the detector is not sure of."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from flows.output.delivery import OutputFolder
from flows.output.names import slug
from flows.output.pictures import ShotView, picture_of
from flows.planning.plan import PassPlan
from flows.records import CueReport, PassReport, ShotReport
from flows.shot_job import ShotJob
from flows.watching.shot_rows import problem_of, row_of, worst_first
from flows.work.boundary import attempt
from flows.work.ledger import Ledger
from pipeline.files import replacing
from pipeline.records import feature_key

MOST_PICTURES = 24  # a tenth of a second each, and nobody looks at more
_LOOKS = 1  # another number when pictures are drawn in another way


def with_pictures(
    report: PassReport, plan: PassPlan, ledger: Ledger, out: OutputFolder
) -> tuple[PassReport, list[Path]]:
    """The report with pictures of its worst shots, and the files. A picture that cannot be made is left out: it is
    there to explain, and nothing hangs on it."""
    jobs = {job.shot_id: job for job in plan.jobs}
    drawn: dict[str, Path] = {}
    for shot in worst_first(report.shots)[:MOST_PICTURES]:
        if problem_of(shot) and shot.shot_id in jobs:
            file = attempt(_drawn, shot, jobs[shot.shot_id], plan, ledger, out)
            if isinstance(file, Path):
                drawn[shot.shot_id] = file
    shots = tuple(replace(shot, picture=drawn.get(shot.shot_id)) for shot in report.shots)
    return replace(report, shots=shots), list(drawn.values())


def _drawn(shot: ShotReport, job: ShotJob, plan: PassPlan, ledger: Ledger, out: OutputFolder) -> Path | None:
    """The picture's file: what it shows is in its name, so the same picture is not drawn twice."""
    cue = _least_sure(shot.cues)
    row = row_of(shot)
    title = "   ".join(filter(None, (shot.shot_id, shot.name, row["label"], _sureness(cue))))
    facts = [_LOOKS, title, row["why"], cue.key if cue else "", feature_key(job.span, "")]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:10]
    file = out.pictures / f"{slug(shot.shot_id, 20)}-{digest}.png"
    if out.holds(file):
        return file
    take = ledger.takes.get(cue.key) if cue else None
    receipt = take.receipt if take else None
    view = ShotView(
        title=title,
        span=job.span,
        curve=plan.studio.clips.curve(cue.key) if cue else None,
        spans_s=receipt.active_spans_s if receipt else (),
        wav=receipt.wav if receipt else None,
        remark=row["why"],
    )
    png = picture_of(view)
    return None if png is None else _written(file, png, out)


def _written(file: Path, png: bytes, out: OutputFolder) -> Path:
    out.require_free([file])
    out.announce([file])
    with replacing(file) as draft:
        draft.write_bytes(png)
    return file


def _least_sure(cues: Iterable[CueReport]) -> CueReport | None:
    laid = [cue for cue in cues if cue.laid]
    return min(laid, key=lambda cue: cue.confidence, default=None)


def _sureness(cue: CueReport | None) -> str:
    return "" if cue is None else f"confidence {cue.confidence:.2f}"
