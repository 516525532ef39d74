"""From what is known about every cue to what every shot reports: pure bookkeeping, nothing is written here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flows.output.choice import Choice, CueId, in_words
from flows.output.names import TakeNames
from flows.places import edit_name
from flows.planning.caveats import is_stranger
from flows.planning.plan import PassPlan
from flows.records import CueReport, ShotReport, ShotState
from flows.shot_job import CueJob, ShotJob, record_spans, stretch_of
from flows.work.ledger import Ledger
from flows.work.steps import Take
from pipeline.records import SAMPLE_RATE_HZ, ClipReceipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A take that sounds, and the file it goes to."""

    job: ShotJob
    cue: CueJob
    receipt: ClipReceipt
    wav: Path

    @property
    def cue_id(self) -> CueId:
        """Which take of whose cue it is: a sheet may use a cue id twice, in two shots."""
        return self.job.shot_id, self.cue.cue_id, self.cue.take


def shot_reports(plan: PassPlan, ledger: Ledger, choices: Mapping[CueId, Choice]) -> tuple[ShotReport, ...]:
    """One report per shot in record order, skipped items last. No cue has a file yet."""
    settled = {report.shot_id: report for report in plan.settled if report.shot_id}
    jobs = {job.shot_id: job for job in plan.jobs}
    in_order = [
        settled.get(shot.shot_id) or _report(jobs[shot.shot_id], plan, ledger, choices) for shot in plan.edit.shots
    ]
    return (*in_order, *(report for report in plan.settled if not report.shot_id))


def deliveries(plan: PassPlan, ledger: Ledger, takes_folder: Path) -> tuple[Delivery, ...]:
    """The takes that sound, in record order, each with a name of its own."""
    names = TakeNames(edit_name(plan.edit.path), plan.edit.rate, plan.options.names, channels=plan.card.family.channels)
    found = []
    for job in plan.jobs:
        for cue in _cues(job, ledger):
            take = ledger.takes.get(cue.request.key())
            if take and take.receipt and not take.receipt.silent:
                wav = takes_folder / names.name(job.shot_id, cue.spotted.label, cue.spotted.category, cue.request.seed)
                found.append(Delivery(job=job, cue=cue, receipt=take.receipt, wav=wav))
    return tuple(found)


def with_files(
    report: ShotReport, with_file: Callable[[str, CueReport], CueReport], failures: Mapping[CueId, str]
) -> ShotReport:
    """The report once the files are written: `with_file` adds a shot's cue its file, `failures` are the reasons."""
    cues = tuple(with_file(report.shot_id, cue) for cue in report.cues)
    names = [(report.shot_id, cue.cue_id, cue.take) for cue in cues]
    reasons = [failures[name] for name in names if name in failures]
    if not reasons:
        return replace(report, cues=cues)
    return replace(report, cues=cues, state=ShotState.FAILED, reason="; ".join(dict.fromkeys(reasons)))


def _report(job: ShotJob, plan: PassPlan, ledger: Ledger, choices: Mapping[CueId, Choice]) -> ShotReport:
    heard = ledger.heard.get(job.shot_id)
    cues = _cues(job, ledger)
    takes = [ledger.takes[cue.request.key()] for cue in cues if cue.request.key() in ledger.takes]
    failure = heard.failure if heard else "nobody came to listen to it"
    state, reason = _outcome(cues, takes, ledger, failure, job.remark)
    return ShotReport(
        shot_id=job.shot_id,
        name=job.name,
        state=state,
        reason=reason,
        cues=tuple(_cue_report(cue, job, ledger, plan, choices) for cue in cues),
        first_frame=job.shot.record.first,
        frame_count=job.shot.record.count,
    )


def _cues(job: ShotJob, ledger: Ledger) -> tuple[CueJob, ...]:
    heard = ledger.heard.get(job.shot_id)
    return heard.cues if heard else ()


def _outcome(
    cues: Sequence[CueJob], takes: list[Take], ledger: Ledger, failure: str, remark: str
) -> tuple[ShotState, str]:
    """The state of a shot and why, or a remark on it. One failed cue makes it a failed shot; the rest is laid."""
    labels = {cue.request.key(): cue.spotted.label for cue in cues}
    failures = dict.fromkeys(f"'{labels[take.key]}': {take.failure}" for take in takes if take.failure)
    if failure or failures:
        return ShotState.FAILED, failure or "; ".join(failures)
    if not labels:
        return ShotState.SILENT, "nothing was heard in its picture"
    if all(take.receipt is None or take.receipt.silent for take in takes):
        return ShotState.SILENT, f"nothing in its picture moves like {_either(labels.values())}"
    made = any(take.key in ledger.made for take in takes)
    return (ShotState.MADE if made else ShotState.CACHED), remark


def _cue_report(
    cue: CueJob, job: ShotJob, ledger: Ledger, plan: PassPlan, choices: Mapping[CueId, Choice]
) -> CueReport:
    key = cue.request.key()
    take = ledger.takes.get(key)
    receipt = take.receipt if take else None
    stranger = is_stranger(cue.spotted.label, plan.card)
    choice = choices[job.shot_id, cue.cue_id, cue.take]
    score = receipt.score if receipt and choice.rank is not None else None
    return CueReport(
        cue_id=cue.cue_id,
        label=cue.spotted.label,
        category=cue.spotted.category,
        seed=cue.seed,
        take=cue.take,
        laid=choice.laid,
        picked=cue.spotted.take,
        locked=cue.spotted.locked,
        rank=choice.rank,
        rank_of=choice.rank_of,
        score=score,
        verdict=in_words(choice, score, picked=cue.take == cue.spotted.take),
        source=cue.spotted.source,
        confidence=receipt.confidence if receipt else cue.spotted.confidence,
        key=key,
        seconds=receipt.samples / SAMPLE_RATE_HZ if receipt else 0.0,
        active_spans_s=_delivered(receipt.active_spans_s, job) if receipt else (),
        heard_spans=record_spans(receipt.active_spans_s, job) if receipt else (),
        told_spans=cue.spotted.spans,
        told_s=cue.request.spans_s,
        made_for=stretch_of(job),
        unseen=receipt.unseen if receipt else False,
        tail_frames=cue.spotted.tail_frames,
        warning=f"{plan.card.name} never learnt this label" if stranger else "",
    )


def _delivered(spans_s: Iterable[tuple[float, float]], job: ShotJob) -> tuple[tuple[float, float], ...]:
    """Stretches of a take as stretches of the file on the timeline, which may begin later and end sooner."""
    lead_s, length_s = float(job.lead_s), float(job.file.duration_s)
    moved = [(max(0.0, start - lead_s), min(length_s, end - lead_s)) for start, end in spans_s]
    return tuple((round(start, 3), round(end, 3)) for start, end in moved if start < end)


def _either(labels: Iterable[str]) -> str:
    return " or ".join(f"'{label}'" for label in labels)
