"""What the report plays: every take as it is heard on the timeline, without its handles and with its fades."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from flows.output.delivery import OutputFolder
from flows.output.reporting import placed_sound
from flows.records import CueReport, PassReport
from flows.work.boundary import attempt
from pipeline.player import write_player
from pipeline.records import SAMPLE_RATE_HZ
from timeline_io.edit import PlacedClip


def with_players(report: PassReport, clips: Collection[PlacedClip], out: OutputFolder) -> tuple[PassReport, list[Path]]:
    """The report with a player for each cue whose clip is given, and the files. One that cannot be written is left out:
    the sound itself is there."""
    files = {clip.wav: out.players / f"{clip.wav.stem}.flac" for clip in clips}
    out.announce(files.values())
    made = {clip.wav: attempt(_written, clip, files[clip.wav], out) for clip in clips}
    written = {wav: file for wav, file in made.items() if isinstance(file, Path)}

    def with_player(cue: CueReport) -> CueReport:
        return replace(cue, player=written.get(cue.wav) if cue.wav else None)

    shots = tuple(replace(shot, cues=tuple(map(with_player, shot.cues))) for shot in report.shots)
    return replace(report, shots=shots), list(written.values())


def _written(clip: PlacedClip, file: Path, out: OutputFolder) -> Path:
    out.require_free([file])
    file.parent.mkdir(exist_ok=True)
    first, count = clip.record.samples(SAMPLE_RATE_HZ)
    return write_player(file, placed_sound(clip, first), samples=count)
