"""An AAF file as the objects of pyaaf2, and whatever goes wrong in them as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from timeline_io.errors import TimelineError, UnreadableEditError
from timeline_io.readers.aaf_container import refuse_impossible_sizes


@contextmanager
def opened(data: bytes, file_name: str) -> Iterator[Any]:
    """The open file, to read from; raises UnreadableEditError for whatever a damaged one makes go wrong inside."""
    import aaf2

    refuse_impossible_sizes(data, file_name)
    with one_sentence(file_name), TemporaryDirectory(prefix="smooth-foley-") as folder:
        # The library opens paths only.
        path = Path(folder, "edit.aaf")
        path.write_bytes(data)
        with aaf2.open(str(path), "r") as aaf:
            yield aaf


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
