"""What can go wrong with a timeline, as a tree.

TimelineError                 one sentence: what, where, what to do
├── UnreadableEditError       the file is no edit we can read (missing, empty, wrong kind, damaged, unsafe)
├── UnsupportedEditError      an edit of a kind or version we do not read yet
│   └── SequenceChoiceError   the file holds several sequences; `names` are those to choose from
├── EmptyEditError            an edit without a picture track or without a single usable shot
├── CueSheetError             a cell of a cue sheet is wrong; names the row and the column
└── LayingError               the new tracks cannot be written
"""


class TimelineError(Exception):
    """Base of all errors of this package; `str(error)` is one sentence for a person."""

    retryable = False


class UnreadableEditError(TimelineError):
    """The file cannot be read as an edit."""


class UnsupportedEditError(TimelineError):
    """The edit is of a kind or version this program does not read."""


class SequenceChoiceError(UnsupportedEditError):
    """The file holds several sequences and none was named, or one that is not there."""

    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.names = names


class EmptyEditError(TimelineError):
    """The edit holds no picture to make sound for."""


class CueSheetError(TimelineError):
    """A cell of a cue sheet is wrong."""


class LayingError(TimelineError):
    """The new tracks cannot be written."""
