"""An AAF file as the objects of pyaaf2, and whatever goes wrong in them as one sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from timeline_io.errors import TimelineError, UnreadableEditError
from timeline_io.formats.aaf.container import refuse_impossible_sizes


@contextmanager
def opened(data: bytes, file_name: str) -> Iterator[Any]:
    """The open file, to read from; raises UnreadableEditError for whatever a damaged one makes go wrong inside."""
    import aaf2

    refuse_impossible_sizes(data, file_name)
    with one_sentence(file_name), on_disk(data) as stream, aaf2.open(handle_of(stream), "r") as aaf:
        yield aaf


@contextmanager
def on_disk(data: bytes) -> Iterator[BinaryIO]:
    """A file without a name that holds `data`: the library reads files only, and this one is gone however it ends."""
    with TemporaryFile() as stream:
        stream.write(data)
        stream.flush()
        yield stream


def handle_of(stream: BinaryIO) -> int:
    """A handle on the same open file, for the library to close."""
    return os.dup(stream.fileno())


@contextmanager
def one_sentence(file_name: str) -> Iterator[None]:
    """Errors of pyaaf2 as UnreadableEditError: on damaged files it raises anything, AssertionError included."""
    try:
        yield
    except TimelineError:
        raise
    except RecursionError:
        raise UnreadableEditError(f"{file_name} is nested too deeply to be an edit") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise UnreadableEditError(f"{file_name} is damaged or no AAF edit ({reason})") from error
