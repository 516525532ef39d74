"""What can be begun in a pass: an edit to plan, shots to encode or to detect in, a batch of takes, an edit to lay.

Plain classes: Prefect walks through the fields of a dataclass, and a plan has thousands.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from flows.edit_state import EditState
from flows.records import counted
from flows.shot_job import ShotJob
from pipeline.records import FoleyRequest


class Future(Protocol):
    """The part of a future that is needed here; Prefect's and Python's have it."""

    def result(self) -> Any:
        """What came out; raises what went wrong."""
        ...

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Call `fn` with this future when it is done."""
        ...


class Work:
    """Something to begin. `after` are the futures of what it was made possible by, `attempt` counts from 1."""

    title: str
    alone = False

    def __init__(self, attempt: int = 1, after: Iterable[Future] = ()) -> None:
        self.attempt, self.after = attempt, tuple(after)

    def entitled(self, title: str) -> str:
        """For people, and not the same twice."""
        return title if self.attempt == 1 else f"{title}, attempt {self.attempt}"


class EditToPlan(Work):
    """An edit to read."""

    def __init__(self, edit: EditState) -> None:
        super().__init__()
        self.edit, self.title = edit, edit.name


class EditToLay(EditToPlan):
    """An edit whose takes are all known."""


class _Shots(Work):
    def __init__(self, edit: EditState, jobs: Sequence[ShotJob], many_edits: bool, **more: Any) -> None:
        super().__init__(**more)
        self.edit, self.jobs, self.alone = edit, tuple(jobs), len(jobs) == 1
        first, last = ((edit, job.shot_id) for job in (jobs[0], jobs[-1]))
        shots = _range(first, last, many_edits)
        self.title = self.entitled(shots if self.alone else f"{len(jobs)} shots ({shots})")


class ShotsToEncode(_Shots):
    """Shots whose frames are looked at."""


class ShotsToDetect(_Shots):
    """Shots that were encoded, whose cues are decided."""


class Wanted:
    """A take that is missing, first for a shot of this edit; `after` is the future that asked for it."""

    def __init__(self, edit: EditState, shot_id: str, request: FoleyRequest, after: Future | None = None) -> None:
        self.edit, self.shot_id, self.request, self.after = edit, shot_id, request, after


class Batch(Work):
    """Takes that are made together."""

    def __init__(self, wanted: Sequence[Wanted], many_edits: bool, attempt: int = 1) -> None:
        super().__init__(attempt, {id(w.after): w.after for w in wanted if w.after}.values())
        self.wanted, self.alone, self.plan = tuple(wanted), len(wanted) == 1, wanted[0].edit.plan
        first, last = ((one.edit, one.shot_id) for one in (wanted[0], wanted[-1]))
        self.title = self.entitled(f"{counted(len(wanted), 'cue')} ({_range(first, last, many_edits)})")

    @property
    def requests(self) -> tuple[FoleyRequest, ...]:
        """What is asked for."""
        return tuple(wanted.request for wanted in self.wanted)


def _range(first: tuple[EditState, str], last: tuple[EditState, str], many_edits: bool) -> str:
    """ "sh0040..sh0170", of a night "reel1 sh0040..sh0170": all edits call their shots the same."""
    begin = f"{first[0].name} {first[1]}" if many_edits else first[1]
    end = f"{last[0].name} {last[1]}" if first[0] is not last[0] else last[1]
    return begin if first == last else f"{begin}..{end}"
