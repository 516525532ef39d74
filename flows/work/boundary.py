"""The one place where an exception becomes a sentence, so that a bad shot never stops the others."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from flows.errors import BrokenWorkError
from pipeline.errors import PipelineError
from timeline_io.errors import TimelineError

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a step gave nothing: `reason` is one sentence for a person."""

    reason: str
    retryable: bool = False


def attempt(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Failure:
    """`step`'s result, or a Failure: an expected error keeps its own sentence, any other is logged as well.

    Work that broke under the step's hands is not the step's own failure: BrokenWorkError goes on to who conducts.
    """
    try:
        return step(*args, **kwargs)
    except BrokenWorkError:
        raise
    except (PipelineError, TimelineError) as error:
        return Failure(reason=str(error), retryable=error.retryable)
    except Exception as error:
        log.debug("a step failed in a way nobody expected", exc_info=True)
        return Failure(reason=f"unexpected {type(error).__name__}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else "no further word"
