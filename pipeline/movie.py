"""Opening a movie: the one place that talks to the demuxer's door, so that every failure there is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from pipeline.errors import MediaError
from pipeline.files_as_found import lfs_pointer, unnameable
from pipeline.film_stream import film_of
from pipeline.stream_facts import LOCAL_FILES_ONLY

# What lies beside a film: covers, stills and thumbnails.
_NO_FILM = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
# Demuxers that make a "video" of plain text.
_NOT_MOVIES = frozenset({"tty", "bintext", "xbin", "adf", "idf"})

# OpenEXR holds light, not what a screen shows: undone, a grey of 18 % would be nearly black.
_AS_ON_SCREEN = {"exr": {"apply_trc": "iec61966_2_1"}}

# Smaller pictures are decoded before the threads have started.
_THREADS_PAY_FROM_PIXELS = 1280 * 720


@contextmanager
def open_movie(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """An open movie and its picture stream, closed on leaving the block.

    Raises MediaError, one sentence that names the file, when it is missing, is no movie or has no picture, and for
    any failure of the demuxer or decoder inside the block.
    """
    _check_is_file(path)
    if why := unnameable(path) or lfs_pointer(path):
        raise MediaError(why)
    try:
        with av.open(str(path.absolute()), metadata_errors="replace", options=LOCAL_FILES_ONLY) as container:
            stream = _picture_stream(path, container)
            if stream.codec_context.width * stream.codec_context.height >= _THREADS_PAY_FROM_PIXELS:
                stream.thread_type = "AUTO"
            stream.codec_context.options = _AS_ON_SCREEN.get(stream.codec_context.name, {})
            yield container, stream
    except (av.FFmpegError, OSError) as error:
        raise MediaError(
            f"{path} cannot be read as a movie ({_reason(error)}): it may be truncated or of another kind; "
            "copy or render it again."
        ) from error


def is_still(container: InputContainer) -> bool:
    """Whether the file is one picture (PNG, JPEG ...), which an edit may show for any length."""
    return container.format.name == "image2" or container.format.name.endswith("_pipe")


def _check_is_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise MediaError(f"{path} is a folder, not a movie: name the movie file inside it.")
        if not path.exists():
            raise MediaError(f"The movie {path} does not exist: relink the clip or add the folder that holds it.")
        if path.stat().st_size == 0:
            raise MediaError(f"The movie {path} is empty (0 bytes): copy or render it again.")
    except (OSError, ValueError) as error:
        raise MediaError(f"The movie {path} cannot be reached ({error}): check its path and permissions.") from error


def _picture_stream(path: Path, container: InputContainer) -> VideoStream:
    if container.format.name in _NOT_MOVIES:
        raise MediaError(f"{path} is a text file, not a movie: name a movie file.")
    # A cover picture inside a sound file is stored as a video stream of one frame.
    streams = [stream for stream in container.streams.video if not stream.disposition & _NO_FILM]
    if not streams:
        raise MediaError(f"{path} has no picture stream: Foley is made to picture, so use a movie, not a sound file.")
    film = streams[0] if len(streams) == 1 else film_of(path, streams)
    # A file that was cut off may still say that there is a picture, but not how it is written.
    if film.codec_context is None:
        raise MediaError(
            f"{path} cannot be read as a movie (how its picture is coded is missing): it may be truncated "
            "or of another kind; copy or render it again."
        )
    return film


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
