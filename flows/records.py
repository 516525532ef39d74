"""What a pass reports: plain, frozen records that go into JSON as they are."""

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.records import TakeScore
from timeline_io.edit import NO_FADE, Fade
from timeline_io.frames import FrameSpan


class ShotState(StrEnum):
    """How a shot came out. Only `FAILED` is a failure: silence may be what the cue sheet asks for."""

    MADE = "made"
    CACHED = "cached"
    SILENT = "silent"
    SKIPPED = "skipped"
    FAILED = "failed"


class ExitCode:
    """What `foley` tells the shell."""

    ALL_MADE = 0
    DOCTOR_FOUND = 1
    USAGE = 2
    SOME_FAILED = 3
    NOTHING_MADE = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The stretch of media that a take was made for, and how many seconds into the take its file on the timeline and
    the cut of its shot lie. `ramp` holds (seconds of the take, seconds of the media) where the speed changes."""

    media: str
    start_s: Fraction
    duration_s: Fraction
    speed: Fraction
    lead_s: Fraction
    cut_s: Fraction = Fraction(0)
    ramp: tuple[tuple[Fraction, Fraction], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CueReport:
    """One take of a sound of a shot. `source` says who asked for it: sheet, note, name or heard (by CLIP);
    `confidence` how sure the detector was that it sounds in the picture; `seed` is that of the cue's first take.

    `heard_spans` is where it sounds, `told_spans` where a person wants it to, both in record time; `told_s` is the
    latter in seconds of the take. Of the takes of a cue one is `laid`; `picked` is the number of the one a person
    picked, None where the score decides; `rank` counts from 1 of the `rank_of` that have a `score`; `verdict` says that
    in words. `made_for` is the stretch of media by which a later pass finds what still fits; `track` is where it lies.

    `unseen` tells that a person ordered it and the picture does not say when it sounds. `tail_frames` is how far it is
    to go on beyond the cut.

    The fields from `wav` on are those of the file on the timeline; `wav` is None for a cue without one. Record frames
    and `first_sample` count from midnight and include the handles; `laid_first` and `laid_count` are the frames that
    are heard, with their fades; `player` is a small file of those alone. `active_spans_s` are seconds from the start of
    the file.
    """

    cue_id: str
    label: str
    category: str
    seed: int
    source: str
    confidence: float
    key: str
    seconds: float = 0.0
    active_spans_s: tuple[tuple[float, float], ...] = ()
    heard_spans: tuple[FrameSpan, ...] = ()
    told_spans: tuple[FrameSpan, ...] | None = None
    told_s: tuple[tuple[Fraction, Fraction], ...] | None = None
    take: int = 1
    laid: bool = True
    picked: int | None = None
    locked: bool = False
    rank: int | None = None
    rank_of: int = 0
    score: TakeScore | None = None
    verdict: str = ""
    made_for: Stretch | None = None
    unseen: bool = False
    tail_frames: int = 0
    warning: str = ""
    track: str = ""
    wav: Path | None = None
    player: Path | None = None
    sha256: str = ""
    record_first: int = 0
    record_count: int = 0
    first_sample: int = 0
    samples: int = 0
    laid_first: int = 0
    laid_count: int = 0
    fade_in: Fade = NO_FADE
    fade_out: Fade = NO_FADE


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotReport:
    """One shot, or one thing on the picture tracks that is no shot (state skipped).

    `reason` says why it came out so; on a shot with sound it is a remark, where there is one. `silenced_by`
    says who left it silent on purpose, sheet or note; of a shot that a sheet leaves silent `silenced` is the stretch of
    media. `picture` shows what was seen and made of a shot that a person
    should look at.
    """

    shot_id: str
    name: str
    state: ShotState
    reason: str = ""
    cues: tuple[CueReport, ...] = ()
    first_frame: int = 0
    frame_count: int = 0
    silenced_by: str = ""
    silenced: Stretch | None = None
    picture: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPaths:
    """The files a pass wrote; None where it wrote none. `companions` hold our tracks alone, for any editor."""

    folder: Path
    edit: Path | None = None
    companions: tuple[Path, ...] = ()
    stems: tuple[Path, ...] = ()
    takes: Path | None = None
    cues: Path | None = None
    report: Path | None = None
    manifest: Path | None = None
    preview: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """A finished pass. `seconds` is wall time; `tracks` are the names of the new audio tracks; `number_format` is what
    the model computed in; `after_laying` is what a studio's own program said of it."""

    edit: Path
    edit_name: str
    edit_digest: str
    rate: Fraction
    model: str
    outputs: OutputPaths
    shots: tuple[ShotReport, ...]
    drop_frame: bool = False
    tracks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    number_format: str = ""
    after_laying: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """Number of shots in each state, every state named; what was skipped is no shot."""
        found = Counter(shot.state for shot in self.shots)
        return {str(state): found[state] for state in ShotState}

    @property
    def laid(self) -> int:
        """Number of shots with sound on the timeline."""
        return sum(any(cue.wav and cue.laid for cue in shot.cues) for shot in self.shots)

    @property
    def exit_code(self) -> int:
        """0: every shot that calls for sound has it; 3: some failed, the rest is laid; 4: no sound was laid."""
        if not self.laid:
            return ExitCode.NOTHING_MADE
        failed = any(shot.state is ShotState.FAILED for shot in self.shots)
        return ExitCode.SOME_FAILED if failed else ExitCode.ALL_MADE

    @property
    def summary(self) -> str:
        """The counts for a person: "3 shots made, 1 failed; 5 cues laid; 1 item skipped"."""
        states = [(state, count) for state, count in self.counts.items() if count and state != ShotState.SKIPPED]
        shots = ", ".join(
            f"{count if later else counted(count, 'shot')} {state}" for later, (state, count) in enumerate(states)
        )
        cues = sum(bool(cue.wav) and cue.laid for shot in self.shots for cue in shot.cues)
        skipped = self.counts[ShotState.SKIPPED]
        parts = [shots or "no shots", f"{counted(cues, 'cue')} laid" if cues else ""]
        return "; ".join(filter(None, [*parts, f"{counted(skipped, 'item')} skipped" if skipped else ""]))

    @property
    def first_failure(self) -> str:
        """The first failed shot and why, or "" when none failed."""
        failed = (f"{shot.shot_id} {shot.reason}" for shot in self.shots if shot.state is ShotState.FAILED)
        return next(failed, "")

    def as_json(self) -> dict[str, Any]:
        """A document of plain JSON types; paths and rates are strings."""
        document: dict[str, Any] = _plain(asdict(self))
        return document | {"counts": self.counts, "exit_code": self.exit_code, "summary": self.summary}


def counted(count: int, what: str) -> str:
    """ "1 shot", "2 shots"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path | Fraction | StrEnum) else value
