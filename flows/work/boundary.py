"""The one place where an exception becomes a sentence, so that a bad shot never stops the others."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from flows.errors import BrokenWorkError, PassError
from pipeline.errors import PipelineError, WeightsError, first_line
from timeline_io.errors import TimelineError

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a step gave nothing: `reason` is one sentence for a person, `retryable` says whether another try may help,
    `blame` how much of it may be the fault of what was worked on."""

    reason: str
    retryable: bool = False
    blame: float = 1.0


def attempt(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Failure:
    """`step`'s result, or a Failure: an expected error keeps its own sentence, any other is logged as well.

    What is not the step's own failure goes on to who conducts: BrokenWorkError, and a WeightsError, with which no other
    step could do its work either.
    """
    try:
        return step(*args, **kwargs)
    except (BrokenWorkError, WeightsError):
        raise
    except Exception as error:
        return Failure(reason=in_words(error), retryable=getattr(error, "retryable", False))


def in_words(error: Exception) -> str:
    """One sentence for a person: an expected error has its own; any other is logged, and its kind is told."""
    if isinstance(error, PassError | BrokenWorkError | PipelineError | TimelineError):
        return str(error)
    log.debug("something failed in a way nobody expected", exc_info=error)
    return f"unexpected {type(error).__name__}: {first_line(error, 'no further word')}"
