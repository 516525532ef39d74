"""The plan of a pass, made without torch: what the edit holds, what is known already, what is left to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flows.errors import OutputFolderError, OutsideMediaError, SettingError
from flows.options import PassOptions, out_folder, store_folder
from flows.output.delivery import OutputFolder, open_folder, passes_of
from flows.places import edit_name
from flows.planning.caveats import caveats
from flows.planning.conform import EarlierPass
from flows.planning.hand_work import HandWork, hand_work
from flows.planning.number_format import settled
from flows.planning.reading import read_for
from flows.planning.spotting import by_shot, given_cues
from flows.records import ShotReport, ShotState, counted
from flows.shot_job import NOTE, SHEET, Media, ShotJob, job_for, media_of, stretch_of
from flows.work.boundary import Failure, attempt
from flows.work.engine import Studio
from flows.work.steps import Heard, known_before_looking
from pipeline.label import labels_in_note
from pipeline.probe import MovieInfo, probe_movie
from pipeline.settings import Settings
from pipeline.weights.registry import ModelCard, find_model
from timeline_io.cue_sheet import Cue, read_cues
from timeline_io.edit import Edit, Shot
from timeline_io.read import require_shots

_SILENCED = {SHEET: "the cue sheet leaves it silent", NOTE: "a note on the clip leaves it silent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PassPlan:
    """A pass before it starts.

    `jobs` are all shots that may get sound, in record order; `known` those of them whose takes are all in the store;
    `settled` holds the reports of the shots nobody needs to look at: offline, silent on purpose, no shot at all.
    `hand` is what an editor did to the tracks of the pass before. `followed` are the output folders of the passes that
    this one follows a re-cut of, newest first.
    """

    edit: Edit
    options: PassOptions
    card: ModelCard
    studio: Studio
    folder: Path
    jobs: tuple[ShotJob, ...]
    known: Mapping[str, Heard]
    settled: tuple[ShotReport, ...]
    warnings: tuple[str, ...]
    hand: HandWork
    followed: tuple[Path, ...]

    @property
    def to_do(self) -> tuple[ShotJob, ...]:
        """The shots that need work."""
        return tuple(job for job in self.jobs if job.shot_id not in self.known)

    @property
    def in_words(self) -> str:
        """How much there is, and how much of it is left."""
        return f"{counted(len(self.edit.shots), 'shot')}, {len(self.known)} finished earlier, {len(self.to_do)} to do"

    def output(self) -> OutputFolder:
        """The output folder, checked. Raises OutputFolderError."""
        return open_folder(self.folder, self.edit.path)


def plan_pass(edit_path: Path, options: PassOptions) -> PassPlan:
    """Read the edit, find and probe its media, decide what can be decided before anyone looks at a picture.

    Raises TimelineError for the edit or the cue sheet, WeightsError for an unknown model. What is wrong with one
    shot's media is that shot's report.
    """
    card = find_model(options.model)
    edit = require_shots(read_for(edit_path, options))
    sheet = by_shot(read_cues(options.labels, edit)) if options.labels else {}
    studio = studio_for(card, options)
    folder = out_folder(edit_path, options)
    passes = passes_of(folder, options.conform)
    if options.out is None:
        _refuse_strangers_folder(folder, passes[folder], edit_path)
    hand = hand_work(edit, passes, options.path_maps)
    earlier = EarlierPass(next(iter(passes.values())), dict(hand.told))
    movies = {media: attempt(probe_movie, *media) for media in dict.fromkeys(map(media_of, edit.shots)) if media}
    drafted = [attempt(_draft, shot, movies, sheet, card, options, earlier) for shot in edit.shots]
    jobs = tuple(draft for draft in drafted if isinstance(draft, ShotJob))
    found = {job.shot_id: known_before_looking(job, studio) for job in jobs}
    return PassPlan(
        edit=edit,
        options=options,
        card=card,
        studio=studio,
        folder=folder,
        jobs=jobs,
        known={shot_id: heard for shot_id, heard in found.items() if heard},
        hand=hand,
        followed=tuple(path for path in passes if path != folder),
        settled=(*_settled(edit.shots, drafted), *_skipped(edit)),
        warnings=(
            *edit.remarks,
            *hand.remarks,
            *caveats(card, jobs, [movie for movie in movies.values() if isinstance(movie, MovieInfo)]),
        ),
    )


def _refuse_strangers_folder(folder: Path, manifest: Mapping[str, Any], edit_path: Path) -> None:
    """Raise OutputFolderError when the default folder is that of another edit: reel.otio and reel.mp4 share one."""
    told = manifest.get("edit")
    if edit_path.parent == folder and edit_path.name in manifest.get("files", {}):
        raise OutputFolderError(
            f"{edit_path} is what a pass laid: run {told or 'the edit that it was made for'} again, or name another "
            "folder with --out"
        )
    if isinstance(told, str) and _kind(Path(told)) != _kind(edit_path):
        raise OutputFolderError(f"{folder} holds what was made for {Path(told).name}: name another folder with --out")


def _kind(edit: Path) -> tuple[str, str]:
    return edit_name(edit), edit.suffix


def studio_for(card: ModelCard, options: PassOptions) -> Studio:
    """The place of work that the options ask for. Raises SettingError."""
    return Studio(
        model=options.model,
        model_digest=card.digest,
        settings=settings_for(card, options),
        device=options.device,
        store=store_folder(options),
        offload=options.offload,
        compiled=options.compiled,
    )


def settings_for(card: ModelCard, options: PassOptions) -> Settings:
    """The model's settings, or those of the preset, with what was changed one by one, in number formats that are
    settled. Raises SettingError."""
    told = dict(options.settings)
    if options.dtype is not None:
        told["precision"] = options.dtype
    try:
        settings = card.preset(options.preset).changed(told)
    except ValueError as error:
        raise SettingError(f"{error}; model {card.name} was asked for") from error
    if lacking := card.lacks(settings):
        raise SettingError(
            f"model {card.name} is without what {lacking} needs: fetch it again with that part, or change the setting"
        )
    return settled(settings, options)


def settled_settings(options: PassOptions) -> Settings:
    """The settings that a pass with these options has here. Raises SettingError, WeightsError."""
    return settings_for(find_model(options.model), options)


def _draft(
    shot: Shot,
    movies: Mapping[Media, MovieInfo | Failure],
    sheet: Mapping[str, tuple[Cue, ...]],
    card: ModelCard,
    options: PassOptions,
    earlier: EarlierPass,
) -> ShotJob | ShotReport:
    """The job of a shot with what an earlier pass knew of its picture, or the report of one nobody needs to look at."""
    given = given_cues(shot, sheet, card.labels)
    media = media_of(shot)
    movie = (
        movies[media] if media else Failure(reason=shot.offline_reason or f"its media {shot.media_ref} was not found")
    )
    if isinstance(movie, Failure):
        if given == ():
            return _silent(shot, sheet)
        return _report(shot, ShotState.FAILED, movie.reason)
    try:
        job = job_for(shot, movie, handles=options.handles, given=given, seed=options.seed, takes=options.takes)
    except OutsideMediaError:
        if given == ():
            return _silent(shot, sheet)
        raise
    job = earlier.conformed(job, handles=options.handles)
    if job.given == ():
        report = _silent(job.shot, sheet)
        # What a sheet said holds for later passes as well, a note says it itself.
        return replace(report, silenced=stretch_of(job)) if report.silenced_by == SHEET else report
    return job


def _silent(shot: Shot, sheet: Mapping[str, tuple[Cue, ...]]) -> ShotReport:
    """The report of a shot that a person leaves silent."""
    told = any(cue.is_silent for cue in sheet.get(shot.shot_id, ()))
    who = NOTE if not told and any(labels_in_note(note) for note in shot.notes) else SHEET
    return replace(_report(shot, ShotState.SILENT, _SILENCED[who]), silenced_by=who)


def _settled(shots: Iterable[Shot], drafted: Iterable[ShotJob | ShotReport | Failure]) -> Iterable[ShotReport]:
    for shot, draft in zip(shots, drafted, strict=True):
        if isinstance(draft, ShotReport):
            yield draft
        elif isinstance(draft, Failure):
            yield _report(shot, ShotState.FAILED, draft.reason)


def _skipped(edit: Edit) -> Iterable[ShotReport]:
    for item in edit.skipped:
        first, count = (item.record.first, item.record.count) if item.record else (0, 0)
        yield ShotReport(
            shot_id="",
            name=item.name,
            state=ShotState.SKIPPED,
            reason=item.reason,
            first_frame=first,
            frame_count=count,
        )


def _report(shot: Shot, state: ShotState, reason: str) -> ShotReport:
    return ShotReport(
        shot_id=shot.shot_id,
        name=shot.name,
        state=state,
        reason=reason,
        first_frame=shot.record.first,
        frame_count=shot.record.count,
    )
