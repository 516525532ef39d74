"""How fast a shot runs where its edit says frames of media a second: only the media knows which speed that is.

EDL at 30, M2 024.0, media at 24   ->   normal speed
EDL at 30, M2 024.0, media at 30   ->   .8
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

from pipeline.errors import MediaError
from pipeline.probe import MovieInfo, probe_quick
from timeline_io.edit import Edit, Shot
from timeline_io.frames import rate_name
from timeline_io.motion import motion_remarks, speed_at


def at_media_rate(shot: Shot, movie: MovieInfo) -> tuple[Shot, str]:
    """The shot at the speed that its frames of media a second are in this media.

    Also a remark, one clause, when the edit alone let one think of another speed, which its notes then no longer tell;
    "" when not. Numbered pictures have no rate of their own.
    """
    motion = shot.motion
    if motion is None or not movie.rate or movie.numbering:
        return shot, ""
    speed = speed_at(motion.fps, movie.rate)
    if speed == shot.speed:
        return shot, ""
    notes = tuple(note for note in shot.notes if note != motion.note)
    said = f"{rate_name(motion.fps)} frames a second of {movie.path.name}, which has {rate_name(movie.rate)}"
    return (
        replace(shot, speed=speed, notes=notes, motion=replace(motion, note="")),
        f"{said}, are speed {float(speed):.4g}",
    )


def with_media_speeds(edit: Edit) -> Edit:
    """The edit whose shots run at the speed that their frames of media a second are, where the media is at hand.

    What it changes is told in the remarks, in place of what the edit alone let one think; media that cannot be opened
    changes nothing, and is told elsewhere.
    """

    @cache
    def movie_of(path: Path) -> MovieInfo | None:
        try:
            return probe_quick(path)
        except MediaError:
            return None

    def moving(shot: Shot) -> tuple[Shot, str]:
        movie = movie_of(shot.media) if shot.motion and shot.media and not shot.numbered else None
        return (shot, "") if movie is None else at_media_rate(shot, movie)

    moved = [moving(shot) for shot in edit.shots]
    thought = motion_remarks(shot.motion for shot in edit.shots)
    others = (remark for remark in edit.remarks if remark not in thought)
    left = motion_remarks(shot.motion for shot, _ in moved)
    remarks = (*others, *left, *(remark for _, remark in moved if remark))
    return replace(edit, shots=tuple(shot for shot, _ in moved), remarks=tuple(dict.fromkeys(remarks)))
