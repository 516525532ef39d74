"""What is wrong with a command before any work begins, as a tree.

UsageError                    one sentence: what, where, what to do; exit code 2
└── ConfigError               foley.toml or a FOLEY_* variable
"""

from collections.abc import Iterator
from contextlib import contextmanager


class UsageError(Exception):
    """The command cannot be carried out as it was given."""


class ConfigError(UsageError):
    """A setting in foley.toml or in the environment is wrong."""


class NothingMadeError(Exception):
    """The pass began and had to stop before anything was laid; exit code 4."""


@contextmanager
def half_way() -> Iterator[None]:
    """Turn the known errors of a pass that has begun into NothingMadeError: the request was right, the work failed."""
    from flows.errors import PassError
    from pipeline.errors import PipelineError
    from timeline_io.errors import TimelineError

    try:
        yield
    except (PassError, PipelineError, TimelineError) as error:
        raise NothingMadeError(str(error)) from error
