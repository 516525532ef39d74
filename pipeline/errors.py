"""What can go wrong between a movie file and a sound, as a tree.

PipelineError                one sentence: what, where, what to do
├── MediaError               the movie: missing, truncated, without video, no frame in the span
├── LabelError               a label that cannot be used
├── WeightsError             weights: missing, changed, of another shape, not licensed for this use
├── OutputError              the sound cannot be written (folder, disk)
└── OutOfMemoryError         the device has no memory left (retryable with a smaller batch)
"""


def first_line(error: BaseException, silent: str | None = None) -> str:
    """The first line that an error of somebody else's says; when it says nothing `silent`, or else its kind."""
    return (str(error).strip().splitlines() or [silent or type(error).__name__])[0]


class PipelineError(Exception):
    """Base of all errors of this package; `str(error)` is one sentence for a person."""

    retryable = False


class MediaError(PipelineError):
    """A movie file cannot be read where the shot needs it."""


class LabelError(PipelineError):
    """A label that cannot be used."""


class WeightsError(PipelineError):
    """Model weights that cannot be loaded."""


class OutputError(PipelineError):
    """A sound that cannot be written."""


class OutOfMemoryError(PipelineError):
    """The device ran out of memory."""

    retryable = True
