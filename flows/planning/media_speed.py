"""How fast a shot runs where its edit says frames of media a second: only the media knows which speed that is.

EDL at 30, M2 024.0, media at 24   ->   normal speed
EDL at 30, M2 024.0, media at 30   ->   .8
"""

from dataclasses import replace

from pipeline.probe import MovieInfo
from timeline_io.edit import Shot
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
