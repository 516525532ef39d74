"""What can stop a whole pass, as a tree. What is wrong with one shot never raises: it becomes that shot's report.

PassError                     one sentence: what, where, what to do
├── OutputFolderError         a folder cannot be written, or holds files that are not ours
├── SettingError              a setting or preset that is not there, or has no such value
└── ConductorError            the Prefect server cannot be reached or started
"""


class PassError(Exception):
    """Base of all errors of this package; `str(error)` is one sentence for a person."""

    retryable = False


class OutputFolderError(PassError):
    """The output folder cannot be written, or writing there would overwrite someone's file."""


class SettingError(PassError):
    """A setting or a preset cannot be what was asked for."""


class ConductorError(PassError):
    """The Prefect server that should keep the record of the pass does not answer."""
