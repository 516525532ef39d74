"""The last step of a pass: write the takes, lay them on the timeline, and leave the papers that explain it.

Everything before this step lives in the store; everything in the output folder is written here, the manifest last.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.errors import OutputFolderError
from flows.output.after_laying import after_laying, asked_for
from flows.output.assembly import Delivery, deliveries, shot_reports, with_files
from flows.output.choice import Choice, CueId, choose_takes
from flows.output.cue_warnings import cue_warnings
from flows.output.delivery import OutputFolder, write_text
from flows.output.names import stem_name, track_title
from flows.output.players import with_players
from flows.output.problem_pictures import with_pictures
from flows.output.report_page import report_page
from flows.output.reporting import cue_rows, manifest, placed_sounds, write_pass_preview
from flows.places import edit_name
from flows.placing import place_take
from flows.planning.hand_work import HandWork, KeptSound
from flows.planning.plan import PassPlan
from flows.records import CueReport, OutputPaths, PassReport, counted
from flows.store import note_use
from flows.work.boundary import Failure, attempt
from flows.work.ledger import Ledger
from flows.work.slots import alone_in
from pipeline.files import sha256_of
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.stem import write_stem
from timeline_io.companion import can_be_laid_into, write_companions
from timeline_io.cue_sheet import write_cues
from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.frames import FrameSpan
from timeline_io.lay import lay_tracks, plan_tracks

OnStage = Callable[[str], None]


@dataclass(slots=True)
class _Written:
    """What lies in the output folder so far. `placed` are the clips of the new tracks by category; `heard` are those
    and what plays on tracks that an editor has worked on."""

    placed: dict[str, list[PlacedClip]] = field(default_factory=dict)
    heard: dict[str, list[PlacedClip]] = field(default_factory=dict)
    clips: dict[str, PlacedClip] = field(default_factory=dict)
    kept: dict[str, KeptSound] = field(default_factory=dict)
    failures: dict[CueId, str] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    edit: Path | None = None
    companions: tuple[Path, ...] = ()


def lay_pass(plan: PassPlan, ledger: Ledger, on_stage: OnStage, elapsed_s: Callable[[], float]) -> PassReport:
    """Write everything a pass leaves behind. `on_stage` hears what is being written; `elapsed_s` tells the time so far.

    A take that cannot be written fails its shot; the edit, the report and the manifest must be written.
    Raises OutputFolderError when the folder cannot be used, LayingError when the tracks cannot be laid.
    """
    with alone_in(plan.folder, lambda: on_stage(f"waiting for another pass, which writes into {plan.folder}")):
        out = plan.output()
        todo = deliveries(plan, ledger, out.takes)
        try:
            return _lay(plan, ledger, out, todo, on_stage, elapsed_s)
        except OSError as error:
            why = error.strerror or type(error).__name__
            what = error.filename or out.folder
            raise OutputFolderError(f"{what} cannot be written ({why}): make room there") from error


def _lay(
    plan: PassPlan,
    ledger: Ledger,
    out: OutputFolder,
    todo: Sequence[Delivery],
    on_stage: OnStage,
    elapsed_s: Callable[[], float],
) -> PassReport:
    sheet = out.cue_sheet()
    out.announce([out.edit, *out.companions, sheet, out.preview, out.report])
    on_stage("writing the takes")
    kept = {sound.file_name for sound in plan.hand.kept}
    choices = choose_takes(ledger, {delivery.cue_id for delivery in todo if delivery.wav.name in kept})
    written = _write_takes(todo, choices, plan.hand)
    on_stage("laying the tracks")
    tracks = _lay_tracks(plan, out, written)
    with_file = _files_of(todo, written, tracks)
    shots = tuple(with_files(report, with_file, written.failures) for report in shot_reports(plan, ledger, choices))
    write_cues(sheet, plan.edit, cue_rows(shots))
    written.files.append(sheet)
    report = PassReport(
        edit=plan.edit.path,
        edit_name=plan.edit.name,
        edit_digest=plan.edit.digest,
        rate=plan.edit.rate,
        drop_frame=plan.edit.drop_frame,
        model=plan.card.name,
        number_format=plan.studio.number_format,
        outputs=_outputs(out, sheet, written),
        shots=shots,
        tracks=tuple(track.name for track in tracks),
        warnings=(*plan.warnings, *cue_warnings(shots), *_unkept(plan, ledger)),
    )
    if plan.options.stems:
        on_stage("writing the stems")
        report = _with_stems(report, plan, written, out)
    kept_clips = [(*sound.lying, sound.placed)[0] for sound in plan.hand.kept]
    report, players = with_players(report, [*written.clips.values(), *kept_clips], out)
    written.files += players
    report = _with_preview(report, plan, written, out, on_stage)
    report, pictures = with_pictures(report, plan, ledger, out)
    written.files += pictures
    report = _with_papers(replace(report, seconds=round(elapsed_s(), 1)), plan, written, out)
    note_use(plan.studio.store, plan.edit.path, out.folder)
    if hook := asked_for(report):
        on_stage(f"running {hook}")
        report = _with_papers(after_laying(report), plan, written, out)
    return report


def _unkept(plan: PassPlan, ledger: Ledger) -> Iterable[str]:
    """What to do about a store that could not keep what was made."""
    reasons = [take.receipt.unkept for take in ledger.takes.values() if take.receipt and take.receipt.unkept]
    if reasons:
        yield (
            f"the store {plan.studio.store} could not keep {counted(len(reasons), 'take')}, which the next pass makes "
            f"again: mend that, or name another with --store or FOLEY_STORE ({reasons[0].rstrip('.')})"
        )


def _write_takes(todo: Iterable[Delivery], choices: Mapping[CueId, Choice], hand: HandWork) -> _Written:
    """The files of the takes, but for those that lie on a track that an editor has worked on: it plays them.

    The chosen take of a cue is placed; the others are files beside it.
    """
    written = _Written(kept={sound.file_name: sound for sound in hand.kept})
    for delivery in todo:
        category = delivery.cue.spotted.category
        if delivery.wav.name in written.kept:
            written.heard.setdefault(category, []).extend(written.kept[delivery.wav.name].lying)
            continue
        placed = attempt(place_take, delivery.job, delivery.cue, delivery.receipt, delivery.wav)
        if isinstance(placed, Failure):
            written.failures[delivery.cue_id] = f"'{delivery.cue.spotted.label}': {placed.reason}"
        else:
            written.files.append(placed.wav)
            written.clips[placed.wav.name] = placed
            if choices[delivery.cue_id].laid:
                written.placed.setdefault(category, []).append(placed)
                written.heard.setdefault(category, []).append(placed)
    return written


def _files_of(
    todo: Iterable[Delivery], written: _Written, tracks: Sequence[FoleyTrack]
) -> Callable[[str, CueReport], CueReport]:
    """A function that tells a cue report where its file lies, when it has one."""
    by_cue = {delivery.cue_id: delivery for delivery in todo if delivery.cue_id not in written.failures}
    track_of = {clip.wav.name: track.name for track in tracks for clip in track.clips}
    track_of |= {name: sound.track for name, sound in written.kept.items()}

    def with_file(shot_id: str, cue: CueReport) -> CueReport:
        delivery = by_cue.get((shot_id, cue.cue_id, cue.take))
        if delivery is None:
            return cue
        kept = written.kept.get(delivery.wav.name)
        clip = kept.placed if kept else written.clips[delivery.wav.name]
        first, count = clip.file.samples(SAMPLE_RATE_HZ)
        return replace(
            cue,
            wav=delivery.wav,
            sha256=sha256_of(delivery.wav) if delivery.wav.is_file() else "",
            track=track_of.get(delivery.wav.name, ""),
            record_first=clip.file.first,
            record_count=clip.file.count,
            first_sample=first,
            samples=count,
            laid_first=clip.record.first,
            laid_count=clip.record.count,
            fade_in=clip.fade_in,
            fade_out=clip.fade_out,
        )

    return with_file


def _lay_tracks(plan: PassPlan, out: OutputFolder, written: _Written) -> tuple[FoleyTrack, ...]:
    """The new edit and its companions, unless there is nothing to lay: a copy without a sound would only look like
    success. A movie and an edit decision list take no tracks; there the companions are the answer.
    """
    if not written.placed and not written.kept:
        return ()
    titled: dict[str, list[PlacedClip]] = {}
    for category, clips in written.placed.items():
        titled.setdefault(track_title(category, plan.options.names), []).extend(clips)
    tracks = plan_tracks(titled)
    path_maps = plan.options.path_maps
    if can_be_laid_into(plan.edit):
        takes = [folder / "takes" for folder in plan.followed]
        keep = plan.hand.kept_tracks
        written.edit = lay_tracks(plan.edit, tracks, out.edit, path_maps=path_maps, takes=takes, keep=keep)
        written.files.append(out.edit)
    written.companions = write_companions(plan.edit, tracks, out.folder, edit_name(plan.edit.path), path_maps=path_maps)
    written.files += written.companions
    return tracks


def _outputs(out: OutputFolder, sheet: Path, written: _Written) -> OutputPaths:
    return OutputPaths(
        folder=out.folder,
        edit=written.edit,
        companions=written.companions,
        takes=out.takes if written.placed else None,
        cues=sheet,
        report=out.report,
        manifest=out.manifest,
    )


def _with_stems(report: PassReport, plan: PassPlan, written: _Written, out: OutputFolder) -> PassReport:
    """The report with a full-length file for each category; one that cannot be written is a warning."""
    edit, stems, warnings = plan.edit, [], list(report.warnings)
    for category, clips in written.heard.items():
        naming, channels = plan.options.names, plan.card.family.channels
        path = out.stems / stem_name(edit_name(edit.path), category, edit.rate, naming, channels=channels)
        stem = attempt(_write_stem, path, edit, clips, out)
        if isinstance(stem, Failure):
            warnings.append(f"the stem of {category} could not be written: {stem.reason}")
        else:
            stems.append(stem)
    written.files += stems
    return replace(report, outputs=replace(report.outputs, stems=tuple(stems)), warnings=tuple(warnings))


def _write_stem(path: Path, edit: Edit, clips: Sequence[PlacedClip], out: OutputFolder) -> Path:
    out.require_free([path])
    out.announce([path])
    path.parent.mkdir(exist_ok=True)
    whole = FrameSpan(first=edit.start_frame, count=edit.frame_count, rate=edit.rate)
    first, count = whole.samples(SAMPLE_RATE_HZ)
    return write_stem(path, placed_sounds(clips, first), samples=count, time_reference=first, description=path.stem)


def _with_preview(
    report: PassReport, plan: PassPlan, written: _Written, out: OutputFolder, on_stage: OnStage
) -> PassReport:
    """The report with its preview. A preview that cannot be made is a warning: the sounds are on the timeline."""
    if not plan.options.preview or not written.heard:
        return report
    on_stage("writing the preview")
    heard = [clip for clips in written.heard.values() for clip in clips]
    preview = attempt(write_pass_preview, out.preview, plan, heard)
    if isinstance(preview, Failure):
        return replace(report, warnings=(*report.warnings, f"the preview could not be written: {preview.reason}"))
    written.files.append(out.preview)
    return replace(report, outputs=replace(report.outputs, preview=out.preview))


def _with_papers(report: PassReport, plan: PassPlan, written: _Written, out: OutputFolder) -> PassReport:
    write_text(out.report, report_page(report, plan.card))
    out.conclude([*written.files, out.report], manifest(report, plan))
    return report
