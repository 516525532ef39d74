"""The papers of a pass: the rows of its cue sheet, its manifest, its preview. For people: report_page.py."""

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from flows.night import asked
from flows.planning.plan import PassPlan
from flows.records import PassReport, ShotReport, ShotState
from flows.shot_job import HEARD, ShotJob
from pipeline.laid_sound import LaidSound, SoundFade
from pipeline.preview import PreviewShot, write_preview
from pipeline.records import SAMPLE_RATE_HZ, MediaSpan
from timeline_io.cue_sheet import Cue, silent_cue
from timeline_io.edit import Fade, PlacedClip, Shot
from timeline_io.frames import sample_at


def cue_rows(shots: Iterable[ShotReport]) -> tuple[Cue, ...]:
    """The rows of a sheet that an editor may change and hand back with --labels.

    A silent shot has a row without a label, to be filled in. A shot that failed before its sounds were known has none.
    """
    return tuple(cue for shot in shots for cue in _rows_of(shot))


def _rows_of(shot: ShotReport) -> Iterator[Cue]:
    if shot.state is ShotState.SILENT and not shot.cues:
        yield silent_cue(shot.shot_id, shot.silenced_by or HEARD)
    for cue in shot.cues:
        if not cue.laid:
            continue
        yield Cue(
            cue_id=cue.cue_id,
            shot_id=shot.shot_id,
            label=cue.label,
            category=cue.category,
            seed=cue.seed,
            source=cue.source,
            confidence=cue.confidence,
            heard=cue.heard_spans,
            spans=cue.told_spans,
            take=cue.picked or (cue.take if cue.locked else None),
            best=None if cue.picked or cue.locked else cue.take,
            tail_frames=cue.tail_frames,
            score=cue.verdict,
            locked=cue.locked,
        )


def manifest(report: PassReport, plan: PassPlan) -> dict[str, Any]:
    """What the pass was made from and what it made, one JSON document; output paths are relative to its folder."""
    document = report.as_json()
    for shot in document["shots"]:
        shot["picture"] = _relative(shot["picture"], report.outputs.folder)
        for cue in shot["cues"]:
            for file in ("wav", "player"):
                cue[file] = _relative(cue[file], report.outputs.folder)
    document["outputs"] = {
        name: _relative(path, report.outputs.folder) for name, path in document["outputs"].items() if name != "folder"
    }
    card, options = plan.card, plan.options
    return document | {
        "version": program_version(),
        "model": {
            "name": card.name,
            "digest": plan.studio.model_digest,
            "licence": card.licence,
            "domain": card.domain,
        },
        "settings": {
            "digest": plan.studio.settings_digest,
            "seed": options.seed,
            "handles": options.handles,
            "labels": str(options.labels) if options.labels else None,
        },
        "asked": asked(plan),
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "conformed_from": str(plan.followed[0]) if plan.followed else None,
    }


def write_pass_preview(out: Path, plan: PassPlan, placed: Sequence[PlacedClip]) -> Path:
    """The edit's picture with the new sound, as an .mp4. Raises MediaError or OutputError."""
    edit = plan.edit
    jobs = {job.shot_id: job for job in plan.jobs}
    first_sample = sample_at(edit.start_frame, edit.rate, SAMPLE_RATE_HZ)
    return write_preview(
        out,
        rate=edit.rate,
        frame_count=edit.frame_count,
        shots=[_preview_shot(shot, jobs.get(shot.shot_id), edit.start_frame) for shot in edit.shots],
        sounds=placed_sounds(placed, first_sample),
    )


def placed_sounds(placed: Iterable[PlacedClip], first_sample: int) -> list[LaidSound]:
    """Laid takes as they are heard, counted from the edit's `first_sample`."""
    return [placed_sound(clip, first_sample) for clip in placed]


def placed_sound(clip: PlacedClip, first_sample: int) -> LaidSound:
    """A laid take as it is heard, counted from `first_sample`."""
    begin, count = clip.record.samples(SAMPLE_RATE_HZ)
    return LaidSound(
        wav=clip.wav,
        first_sample=clip.file.samples(SAMPLE_RATE_HZ)[0] - first_sample,
        heard=(begin - first_sample, begin - first_sample + count),
        fade_in=_sound_fade(clip.fade_in),
        fade_out=_sound_fade(clip.fade_out),
    )


def _sound_fade(fade: Fade) -> SoundFade:
    return SoundFade(samples=round(fade.seconds * SAMPLE_RATE_HZ), crossing=fade.crossing)


def program_version() -> str:
    """The installed version, or "unknown" when run from a bare checkout."""
    try:
        return version("smooth-foley")
    except PackageNotFoundError:
        return "unknown"


def _preview_shot(shot: Shot, job: ShotJob | None, start_frame: int) -> PreviewShot:
    """The shot without its handles, at its place counted from the edit's first frame; no picture when offline."""
    shown = (
        job
        if job is None
        else MediaSpan(
            path=job.span.path,
            digest=job.span.digest,
            start_s=job.shot.source_start_s,
            duration_s=shot.record.duration_s,
            speed=shot.speed,
            ramp=job.shot.ramp,
            numbering=job.span.numbering,
        )
    )
    return PreviewShot(
        first_frame=shot.record.first - start_frame, frame_count=shot.record.count, span=shown, title=shot.shot_id
    )


def _relative(path: str | list[str] | None, folder: Path) -> str | list[str | None] | None:
    if isinstance(path, list):
        return [Path(one).relative_to(folder).as_posix() for one in path]
    return Path(path).relative_to(folder).as_posix() if path else None
