"""Where a movie cuts, for those who hand in a movie and no edit. PySceneDetect does the finding."""

from __future__ import annotations

import logging
from pathlib import Path

from pipeline.errors import MediaError
from pipeline.movie import open_movie

# Anything shorter is a flash or a dissolve, not a shot.
_SHORTEST_SHOT_FRAMES = 8


def find_cuts(path: Path) -> tuple[int, ...]:
    """The frames at which a new shot begins, ascending, the first frame of the movie left out.

    Raises MediaError when the movie cannot be opened.
    """
    from scenedetect import AdaptiveDetector, SceneManager
    from scenedetect.backends import VideoStreamAv

    with open_movie(path):
        pass  # says in our words what is wrong with it
    logging.getLogger("pyscenedetect").setLevel(logging.ERROR)
    try:
        manager = SceneManager()
        manager.add_detector(AdaptiveDetector(min_scene_len=_SHORTEST_SHOT_FRAMES))
        manager.detect_scenes(VideoStreamAv(str(path), suppress_output=True))
        shots = manager.get_scene_list(start_in_scene=True)
    except Exception as error:
        raise MediaError(f"{path} cannot be searched for cuts ({type(error).__name__}: {error}).") from error
    return tuple(start.frame_num for start, _ in shots if start.frame_num > 0)
