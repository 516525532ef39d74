"""A shot as a row of a table that a person reads in a browser: state, shot, label, confidence, seconds, why."""

import re
from collections.abc import Iterable

from flows.records import PassReport, ShotReport, ShotState, counted

Row = dict[str, str]

# CLIP alone asks for no sound that it is less sure of than this.
UNSURE_BELOW = 0.6
MOST_ROWS = 200
_WHOLE_TABLE_UP_TO = 1000
_LONGEST_WHY, _LONGEST_NAME = 300, 120
_FOLDERS = re.compile(r"(?<!\S)(?:[A-Za-z]:)?[/\\](?:[^\s/\\]+[/\\])+(?=\S)")


def is_unsure(confidence: float) -> bool:
    """Whether a person should listen to a sound that the detector gives this confidence, 0..1."""
    return confidence < UNSURE_BELOW


def failed_row(shot_id: str, label: str, why: str) -> Row:
    """The row of a shot that failed while the pass is going on."""
    return _row("failed", shot_id, label, None, 0.0, why)


def unsure_row(shot_id: str, label: str, confidence: float, seconds: float) -> Row:
    """The row of a shot with a sound that a person should listen to."""
    return _row("made, unsure", shot_id, label, confidence, seconds, "seen with little certainty: listen to it")


def row_of(shot: ShotReport) -> Row:
    """The row of a shot that is done. Of several sounds the least certain one gives the confidence."""
    cues = [cue for cue in shot.cues if cue.laid]
    labels = ", ".join(dict.fromkeys(cue.label for cue in cues))
    least = min((cue.confidence for cue in cues), default=None)
    why = shot.reason or "; ".join(dict.fromkeys(cue.warning for cue in cues if cue.warning))
    if problem_of(shot) == "made, unsure" and not why:
        return unsure_row(shot.shot_id, labels, least or 0.0, _length(shot))
    return _row(problem_of(shot) or str(shot.state), shot.shot_id or shot.name, labels, least, _length(shot), why)


def problem_of(shot: ShotReport) -> str:
    """ "failed", "made, unsure" for a sound the detector is not sure of, or "" for a shot without a problem."""
    if shot.state is ShotState.FAILED:
        return "failed"
    sounding = shot.state in (ShotState.MADE, ShotState.CACHED)
    unsure = any(is_unsure(cue.confidence) for cue in shot.cues if cue.laid and cue.wav is not None)
    return "made, unsure" if sounding and unsure else ""


def worst_first(shots: Iterable[ShotReport]) -> list[ShotReport]:
    """Failed shots, then unsure ones, the least sure first, then the others as they come in the edit."""
    order = {"failed": 0, "made, unsure": 1, "": 2}
    return sorted(shots, key=lambda shot: (order[problem_of(shot)], _sureness(shot) if problem_of(shot) else 0.0))


def table_of(report: PassReport, more_in: str) -> list[Row]:
    """The whole table of an edit, problems first. Above a thousand shots: a line per state, then the problems alone;
    `more_in` says where the rest is."""
    shots = worst_first(report.shots)
    if len(shots) <= _WHOLE_TABLE_UP_TO:
        return [row_of(shot) for shot in shots]
    counts = [
        _row(state, counted(count, "shot"), "", None, 0.0, "") | {"why": f"all of them: {more_in}"}
        for state, count in report.counts.items()
        if count
    ]
    problems = [row_of(shot) for shot in shots if problem_of(shot)]
    return [*counts, *problems[: _WHOLE_TABLE_UP_TO - len(counts)]]


def _row(state: str, shot: str, label: str, confidence: float | None, seconds: float, why: str) -> Row:
    return {
        "state": state,
        "shot": _cut(shot, _LONGEST_NAME),
        "label": _cut(label, _LONGEST_NAME),
        "confidence": "" if confidence is None else f"{confidence:.2f}",
        "seconds": _seconds(seconds),
        "why": short_reason(why),
    }


def short_reason(why: str) -> str:
    """The reason with file names instead of paths: a table cell is narrow, and the report has the whole."""
    return _cut(_FOLDERS.sub("", why[: 10 * _LONGEST_WHY]), _LONGEST_WHY)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds else ""


def _length(shot: ShotReport) -> float:
    return max((cue.seconds for cue in shot.cues if cue.laid), default=0.0)


def _sureness(shot: ShotReport) -> float:
    return min((cue.confidence for cue in shot.cues if cue.laid), default=0.0)
