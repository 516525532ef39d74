"""What a pass, or a night of them, has come to: in words, in rows for a table, and what is wrong so far.

Kept up to date from the pass's events by the thread that conducts it, so every step is a look into a dictionary. Rows
are kept for problems only and not for all of them: nothing here grows faster than the shots.
"""

from dataclasses import dataclass, field
from datetime import date

from flows.desk import PassEvent
from flows.planning.plan import PassPlan
from flows.records import PassReport, ShotState, counted
from flows.watching.pace import Pace
from flows.watching.remaining import Left, duration, remaining, stages_left, time_left
from flows.watching.shot_rows import MOST_ROWS, Row, failed_row, is_unsure, row_of, short_reason, unsure_row
from flows.watching.stopwatch import Stopwatch
from flows.work.steps import Heard, Take
from pipeline.records import ClipReceipt

_LONGEST_NAME = 60
_MOST_REELS_IN_TAGS = 20

_WORDY = ("load", "lay", "wait", "lost")

_EDIT_COLUMNS = ("state", "edit", "shots", "made", "cached", "silent", "failed", "took", "why")

_Shot = tuple[str, str]  # the edit's stem, the shot's id


@dataclass(slots=True)
class EditOnBoard:
    """One edit: its plan while it is worked on, then how it ended."""

    name: str
    shots: int
    plan: PassPlan | None
    ended: str = ""
    row: Row = field(default_factory=dict)


class Board:
    """The state of one flow run. `show` and `night` are for its name and tags; a single pass has no `night`."""

    def __init__(self, watch: Stopwatch, *, show: str = "", night: date | None = None) -> None:
        self.watch, self.show, self.night = watch, show, night
        self.edits: dict[str, EditOnBoard] = {}
        self.failed: dict[_Shot, str] = {}
        self.failures: dict[_Shot, Row] = {}
        self.unsure: dict[_Shot, Row] = {}
        self.unsure_shots: set[_Shot] = set()
        self.heard = self.made = (0, 0)
        self.model = ""
        self.ended = ""
        self.complete = False
        self._doing = ""
        self.begun_s: float | None = None
        self._highest = 0.0
        self._edit = ""
        self._cues: dict[str, tuple[_Shot, str]] = {}

    def note(self, event: PassEvent, now_s: float) -> None:
        """Take an event into account."""
        self.begun_s = now_s if self.begun_s is None else self.begun_s
        self.watch.note(event, now_s)
        self._edit = event.edit or (event.plan.edit.path.stem if event.plan else self._edit)
        if event.plan:
            self._note_plan(event.plan)
        if event.stage == "listen":
            self.heard = event.done, event.total
        if event.stage == "make":
            self.made = event.done, event.total
        if event.heard:
            self._note_heard(event.heard)
        for take in event.takes:
            self._note_take(take)
        if event.report:
            self._note_end(event.report)
        if event.stage == "failed":
            self._end(self._edit, "failed", {"why": short_reason(event.text)})
            self.ended = self.ended if self.night else f"failed: {event.text}"
        if event.stage == "stop":
            self.ended = "; ".join(filter(None, (event.text, self.counts_in_words())))
        self._doing = event.text if event.stage in _WORDY else ""

    def plan_of(self, event: PassEvent) -> PassPlan | None:
        """The plan of the edit an event is about, as long as it is worked on."""
        edit = self.edits.get(event.edit or self._edit)
        return edit.plan if edit else None

    @property
    def name(self) -> str:
        """What the run is called once its edits are known: "reel3 - 214 shots"."""
        shots = sum(edit.shots for edit in self.edits.values())
        if self.night:
            return f"night of {self.night.isoformat()} - {counted(len(self.edits), 'edit')}, {counted(shots, 'shot')}"
        return f"{_short(self.first_edit)} - {counted(shots, 'shot')}"

    @property
    def tags(self) -> list[str]:
        """The show, the reels and the model."""
        reels = [_short(edit.name) for edit in list(self.edits.values())[:_MOST_REELS_IN_TAGS]]
        return list(dict.fromkeys(filter(None, (_short(self.show), *reels, self.model))))

    @property
    def first_edit(self) -> str:
        """The stem of the edit that was read first; "" before."""
        return next((edit.name for edit in self.edits.values()), "")

    def progress(self, past: Pace, now_s: float) -> tuple[float, str]:
        """How far it is in percent, which never falls, and the line a person reads."""
        if self.ended:
            return 100.0 if self.complete else round(self._highest, 1), self.ended
        left = remaining(past, self.watch, now_s)
        elapsed_s = now_s - (now_s if self.begun_s is None else self.begun_s)
        if left.wall_s is None:
            # Listening is the quick part: counted like making, it would promise too much, and this never falls.
            total = max(self.heard[1], self.made[1])
            share = self.made[0] / total if total else 0.0
        else:
            share = elapsed_s / (elapsed_s + left.wall_s) if elapsed_s else 0.0
        self._highest = max(self._highest, min(99.0, 100 * share))
        return round(self._highest, 1), self._line(left)

    def _line(self, left: Left) -> str:
        """What a person wants to know first comes first: a card of the server shows no more than forty letters."""
        doing = f"; {self._doing}" if self._doing else ""
        return "".join((", ".join(filter(None, (time_left(left), self.counts_in_words()))), stages_left(left), doing))

    def counts_in_words(self) -> str:
        """ "1 failed, 37/60 shots heard, 41/88 takes made"."""
        told = [self.problems_in_words()] if self.failed or self.unsure_shots or self._lost_edits else []
        if self.night:
            ended = sum(bool(edit.ended) for edit in self.edits.values())
            told.append(f"{ended}/{counted(len(self.edits), 'edit')} done")
        if self.heard[1]:
            told += [f"{self.heard[0]}/{self.heard[1]} shots heard", f"{self.made[0]}/{self.made[1]} takes made"]
        return ", ".join(told)

    def problems_in_words(self) -> str:
        """ "1 failed, 3 unsure"; of a night "1 edit failed, 2 shots failed"."""
        counts = {"failed": len(self.failed), "unsure": len(self.unsure_shots)}
        told = [f"{counted(self._lost_edits, 'edit')} failed"] if self.night and self._lost_edits else []
        for what, count in counts.items():
            told += [f"{counted(count, 'shot') if self.night else count} {what}"] * bool(count)
        return ", ".join(told) or "no problems"

    @property
    def _lost_edits(self) -> int:
        """How many edits ended without any sound on their timeline."""
        return sum(edit.ended == "failed" for edit in self.edits.values())

    def problem_rows(self) -> list[Row]:
        """The failed shots, then the unsure ones, no more than a browser shows well."""
        unsure = [row for shot, row in self.unsure.items() if shot not in self.failed]
        return [*self.failures.values(), *unsure][:MOST_ROWS]

    def edit_rows(self) -> list[Row]:
        """One row per edit of the night, those that ended badly first, all with the same columns."""
        empty = dict.fromkeys(_EDIT_COLUMNS, "")
        rows = [
            empty | {"shots": str(edit.shots)} | edit.row | {"state": edit.ended or "in work", "edit": edit.name}
            for edit in self.edits.values()
        ]
        order = {"failed": 0, "partly failed": 1, "in work": 2}
        return sorted(rows, key=lambda row: order.get(row["state"], 3))

    def _note_plan(self, plan: PassPlan) -> None:
        self.model = plan.card.name
        self.show = self.show or plan.edit.path.parent.name
        self.edits[self._edit] = EditOnBoard(name=plan.edit.path.stem, shots=len(plan.edit.shots), plan=plan)
        for report in plan.settled:
            if report.state is ShotState.FAILED:
                self._note_failure((self._edit, report.shot_id), row_of(report), report.reason)

    def _note_heard(self, heard: Heard) -> None:
        shot = self._edit, heard.shot_id
        if heard.failure:
            self._note_failure(shot, failed_row(heard.shot_id, "", heard.failure), heard.failure)
        for cue in heard.cues:
            self._cues.setdefault(cue.request.key(), (shot, cue.spotted.label))

    def _note_take(self, take: Take) -> None:
        known = self._cues.pop(take.key, None)
        if known is None:
            return
        shot, label = known
        if take.failure:
            self._note_failure(shot, failed_row(shot[1], label, take.failure), take.failure)
        elif take.receipt and is_unsure(take.receipt.confidence) and not take.receipt.silent:
            self._note_unsure(shot, label, take.receipt)

    def _note_unsure(self, shot: _Shot, label: str, receipt: ClipReceipt) -> None:
        self.unsure_shots.add(shot)
        if len(self.unsure) < MOST_ROWS:
            seconds = receipt.samples / receipt.sample_rate_hz
            self.unsure[shot] = self._with_edit(unsure_row(shot[1], label, receipt.confidence, seconds))

    def _note_failure(self, shot: _Shot, row: Row, why: str) -> None:
        if shot in self.failed:
            return
        self.failed[shot] = why
        if len(self.failures) < MOST_ROWS:
            self.failures[shot] = self._with_edit(row)

    def _with_edit(self, row: Row) -> Row:
        """In a night a row says of which edit it is; shots of all edits have the same names."""
        return {"edit": self._edit} | row if self.night else row

    def _note_end(self, report: PassReport) -> None:
        for shot in report.shots:
            if shot.state is ShotState.FAILED:
                self._note_failure((self._edit, shot.shot_id), row_of(shot), shot.reason)
        row = {state: str(count) for state, count in report.counts.items() if state in _EDIT_COLUMNS}
        self._end(
            self._edit,
            ending_of(report),
            row | {"took": duration(report.seconds), "why": short_reason(report.first_failure)},
        )
        if not self.night:
            self.ended = f"{report.edit_name}: {report.summary}, in {duration(report.seconds)}"
            self.complete = True

    def _end(self, stem: str, ended: str, row: Row) -> None:
        """An edit is over; one that could not even be read has no shots."""
        edit = self.edits.setdefault(stem, EditOnBoard(name=stem, shots=0, plan=None))
        edit.ended, edit.row, edit.plan = ended, row, None

    def close(self) -> None:
        """The run is over, whatever has become of it."""
        if self.night:
            self.complete = all(edit.ended for edit in self.edits.values())
        if not self.ended:
            self.ended = self.counts_in_words() if self.complete else f"ended early; {self.counts_in_words()}"


def ending_of(report: PassReport) -> str:
    """How an edit ended, in the words of the events: finished, partly failed, failed."""
    if not report.counts[ShotState.FAILED]:
        return "finished"
    return "partly failed" if report.laid else "failed"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
