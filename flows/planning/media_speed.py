"""How fast a shot runs where its edit says frames of media a second: only the media knows which speed that is.

EDL at 30, M2 024.0, media at 24   ->   normal speed
EDL at 30, M2 024.0, media at 30   ->   .8
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

from pipeline.errors import MediaError
from pipeline.probe import MovieInfo, glance_at
from timeline_io.edit import Edit, Shot
from timeline_io.frames import rate_name
from timeline_io.motion import speed_at


def at_media_rate(shot: Shot, movie: MovieInfo) -> tuple[Shot, str]:
    """The shot at the speed that its frames of media a second are in this media.

    Also a remark, one clause, when the edit alone let one think of another speed; "" when not. Numbered pictures have
    no rate of their own.
    """
    if not shot.motion_fps or not movie.rate or movie.numbering:
        return shot, ""
    speed = speed_at(shot.motion_fps, movie.rate)
    if speed == shot.speed:
        return shot, ""
    said = f"{rate_name(shot.motion_fps)} frames a second of {movie.path.name}, which has {rate_name(movie.rate)}"
    return replace(shot, speed=speed), f"{said}, are speed {float(speed):.4g}"


def with_media_speeds(edit: Edit) -> Edit:
    """The edit whose shots run at the speed that their frames of media a second are, where the media is at hand.

    What it changes is told in the remarks; media that cannot be opened changes nothing, and is told elsewhere.
    """

    @cache
    def movie_of(path: Path) -> MovieInfo | None:
        try:
            return glance_at(path)
        except MediaError:
            return None

    shots, remarks = list(edit.shots), list(edit.remarks)
    for index, shot in enumerate(shots):
        movie = movie_of(shot.media) if shot.motion_fps and shot.media and not shot.numbered else None
        if movie is not None:
            shots[index], remark = at_media_rate(shot, movie)
            remarks += [remark] if remark else []
    return replace(edit, shots=tuple(shots), remarks=tuple(dict.fromkeys(remarks)))
