"""What is wrong with a command before any work begins, as a tree.

    UsageProblem                  one sentence: what, where, what to do; exit code 2
    └── ConfigProblem             foley.toml or a FOLEY_* variable
"""


from collections.abc import Iterator
from contextlib import contextmanager


class UsageProblem(Exception):
    """The command cannot be carried out as it was given."""


class ConfigProblem(UsageProblem):
    """A setting in foley.toml or in the environment is wrong."""


class NothingMade(Exception):  # noqa: N818  (it is an outcome, not a fault)
    """The pass began and had to stop before anything was laid; exit code 4."""


@contextmanager
def half_way() -> Iterator[None]:
    """Turn the known errors of a pass that has begun into NothingMade: what was asked for was right, the work failed."""
    from flows.errors import PassError
    from pipeline.errors import PipelineError
    from timeline_io.errors import TimelineError

    try:
        yield
    except (PassError, PipelineError, TimelineError) as error:
        raise NothingMade(str(error)) from error
