"""What a conductor is asked for, and what becomes of it: one Order and one Outcome per edit."""

from dataclasses import dataclass
from pathlib import Path

from flows.options import PassOptions
from flows.planning.plan import PassPlan
from flows.records import ExitCode, PassReport, counted
from flows.work.boundary import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An edit to make sound for. `plan` spares planning it again; one that is `begun` was worked on already, so it is
    looked at, and laid if nothing is missing, even when nothing new is to be begun."""

    edit: Path
    options: PassOptions
    plan: PassPlan | None = None
    begun: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One edit when the work is over: its report, or the error that stopped it, or how many shots are left for the
    next time, or that it lies there finished already and nothing had to be touched."""

    edit: Path
    report: PassReport | None = None
    error: Exception | None = None
    shots_left: int = 0
    unchanged: bool = False

    @property
    def exit_code(self) -> int:
        """As of a pass over this edit alone."""
        if self.unchanged:
            return ExitCode.ALL_MADE
        if self.report is None:
            return ExitCode.SOME_FAILED if self.shots_left else ExitCode.NOTHING_MADE
        return self.report.exit_code

    @property
    def needs_nobody(self) -> bool:
        """Whether nothing failed and nothing is left to do, be it that no shot calls for a sound."""
        return self.unchanged or (self.report is not None and not self.report.counts["failed"])

    @property
    def in_words(self) -> str:
        """ "reel3: 12 made, 1 failed"."""
        return f"{self.edit.stem}: {self.how_it_ended}"

    @property
    def how_it_ended(self) -> str:
        """ "12 made, 1 failed"."""
        if self.unchanged:
            return "unchanged"
        if self.report is not None:
            return self.report.summary
        if self.shots_left:
            return f"{counted(self.shots_left, 'shot')} left for the next time"
        return in_words(self.error) if self.error else "not begun"
