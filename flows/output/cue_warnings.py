"""What a person should know about single cues before the edit goes out."""

from collections.abc import Iterable

from flows.records import CueReport, ShotReport


def cue_warnings(shots: Iterable[ShotReport]) -> tuple[str, ...]:
    """One sentence per laid cue that is not what its order says, or was made without knowing when it sounds."""
    laid = [(shot, cue) for shot in shots for cue in shot.cues if cue.laid and cue.wav is not None]
    return tuple(text for shot, cue in laid for text in (_unseen(shot, cue), _cut_tail(shot, cue)) if text)


def _unseen(shot: ShotReport, cue: CueReport) -> str:
    if not cue.unseen:
        return ""
    return (
        f"{_named(shot, cue)} was ordered, but the picture does not say when it sounds, so it was made over the whole "
        "shot: write when it sounds in `spans`"
    )


def _cut_tail(shot: ShotReport, cue: CueReport) -> str:
    """A tail is no longer than the handle that it is taken from."""
    there = cue.laid_first + cue.laid_count - shot.first_frame - shot.frame_count
    if there >= cue.tail_frames:
        return ""
    asked = f"{there} of the {cue.tail_frames} frames of its tail"
    return f"{_named(shot, cue)} goes on for {asked}: run again with --handles {cue.tail_frames}"


def _named(shot: ShotReport, cue: CueReport) -> str:
    return f"{cue.cue_id} '{cue.label}' of {shot.shot_id} ({shot.name})"
