"""What can stop a whole pass, as a tree. What is wrong with one shot never raises: it becomes that shot's report.

PassError                     one sentence: what, where, what to do
├── OutputFolderError         a folder cannot be written, or holds files that are not ours
├── SettingError              a setting or preset that is not there, or has no such value
├── OutsideMediaError         what a shot shows lies outside its file
├── ConductorError            the Prefect server cannot be reached or started
├── WorkshopError             no device is left to work on
│   └── TooLateError          nothing may be begun any more, and no device was free before
└── StudioError               the studio cannot start, is not running, or cannot do what was asked
    └── ScheduleError         a schedule that cannot be: its cron, time zone, folder or name
BrokenWorkError               a piece of work came to nothing; it is tried again, or its shot fails, never the pass
├── EngineLostError           the process that worked on it died
│   ├── EngineKilledError     somebody killed it
│   └── EngineAwayError       it was gone before it could begin
└── HungError                 it did not come back
WorkFailedError               what was worked on alone came to nothing; carries the Failure
"""

from typing import Any


class PassError(Exception):
    """Base of all errors of this package; `str(error)` is one sentence for a person."""

    retryable = False


class OutputFolderError(PassError):
    """The output folder cannot be written, or writing there would overwrite someone's file."""


class SettingError(PassError):
    """A setting or a preset cannot be what was asked for."""


class OutsideMediaError(PassError):
    """What a shot shows lies outside the file it was given."""


class ConductorError(PassError):
    """The Prefect server that should keep the record of the pass does not answer."""


class WorkshopError(PassError):
    """No device is left to work on."""


class TooLateError(WorkshopError):
    """The time was up before a device was free."""


class BrokenWorkError(Exception):
    """Base of what goes wrong around a piece of work, not in it. `blame` is how much of it may be the work's fault."""

    retryable = False
    blame = 1.0


class EngineLostError(BrokenWorkError):
    """The process that worked on it died."""

    retryable = True


class EngineKilledError(EngineLostError):
    """Somebody killed the process: a person, or the kernel for want of memory."""

    blame = 0.5


class EngineAwayError(EngineLostError):
    """The process was gone before it could begin with it: whatever ended it, it was not this."""

    blame = 0.0


class HungError(BrokenWorkError):
    """It did not come back in time, and whoever did it was given up."""


class StudioError(PassError):
    """The studio around the flows cannot start, does not run, or cannot do what was asked."""


class ScheduleError(StudioError):
    """A schedule cannot be what was asked for."""


class WorkFailedError(Exception):
    """A shot or a take that was worked on alone came to nothing: `failure` is why, `again` whether to try once more."""

    def __init__(self, failure: Any, *, again: bool) -> None:
        super().__init__(failure.reason)
        self.failure, self.again = failure, again
