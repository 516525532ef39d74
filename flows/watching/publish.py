"""Tells the world how a pass goes, while the pass goes on: a listener whose work is done by a thread of its own.

The conductor's thread only notes what happened. This thread now and then says how things stand (a progress line, a
table of problems, each put in the place of the one before) and hands on what must be heard once: a failed shot, a
finished edit. A server that is slow or gone makes it say less and costs the pass nothing.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Protocol

from flows.desk import PassEvent
from flows.output.names import slug
from flows.planning.plan import PassPlan
from flows.records import PassReport
from flows.watching.board import Board, ending_of
from flows.watching.courier import Courier, Job
from flows.watching.pace import Pace, PaceBook
from flows.watching.pass_page import UrlOf, link_line, night_page, no_url, pass_page
from flows.watching.shot_rows import Row, table_of
from flows.watching.stopwatch import Stopwatch

_MOST_WAITING = 1000
_MOST_SHOT_EVENTS = 100
_A_LINE_EVERY_S = 600.0
_WORTH_A_LINE = ("plan", "load", "lay", "wait", "lost", "stop", "failed")

Facts = dict[str, str | int | float]


class Sink(Protocol):
    """Whoever shows a pass to people. Every call may be slow and may raise. A key has the form "foley-shots-reel3";
    what comes under a key again in this run takes the place of what was there."""

    def describe(self, name: str, tags: Sequence[str]) -> None:
        """Name and tags of the run."""
        ...

    def progress(self, key: str, percent: float, text: str) -> None:
        """How far it is."""
        ...

    def table(self, key: str, rows: Sequence[Row], text: str) -> None:
        """A table with a line about it."""
        ...

    def page(self, key: str, markdown: str, text: str) -> None:
        """A page of Markdown with a line about it."""
        ...

    def line(self, text: str, *, bad: bool = False) -> None:
        """A line of the run's log."""
        ...

    def event(self, name: str, resource: str, facts: Facts) -> None:
        """Something for automations to react to."""
        ...

    def close(self) -> None:
        """Let go of the server."""
        ...


class Publisher:
    """`tell` is the listener; `close` says the last. Nothing of it blocks or raises."""

    def __init__(
        self,
        sink: Sink,
        *,
        show: str = "",
        night: date | None = None,
        devices: int = 1,
        url_of: UrlOf = no_url,
        clock: Callable[[], float] = time.monotonic,
        every_s: float = 2.0,
        table_every_s: float = 10.0,
    ) -> None:
        self._sink, self._url_of, self._clock = sink, url_of, clock
        self._every_s, self._table_every_s = every_s, table_every_s
        self._board = Board(Stopwatch(devices=devices), show=show, night=night)
        self._lock = threading.Lock()
        self._told: dict[str, tuple[float, object]] = {"line": (clock(), None)}
        self._first_plan: PassPlan | None = None
        self._past = Pace()
        self._reports: dict[str, str] = {}
        self._shots_told = 0
        self._faults = 0
        self._courier = Courier(self._say_how_it_stands, sink.close, every_s=every_s, most_waiting=_MOST_WAITING)

    def tell(self, event: PassEvent) -> None:
        """Note an event. Returns at once and never raises."""
        try:
            with self._lock:
                plan = self._board.plan_of(event)
                self._board.note(event, self._clock())
                self._first_plan = self._first_plan or event.plan
            self._hand_on(event, plan)
        except Exception:
            # Whatever is wrong with a report about a pass is no reason to end the pass.
            self._faults += 1

    @property
    def dropped(self) -> int:
        """How many messages nobody was told."""
        return self._courier.dropped + self._faults

    def close(self, timeout_s: float = 10.0) -> bool:
        """Say what is still to be said, for at most so long; whether nothing was dropped. Never raises."""
        with self._lock:
            self._board.close()
        return self._courier.close(timeout_s) and not self._faults

    def _hand_on(self, event: PassEvent, plan: PassPlan | None) -> None:
        """Queue what has to be heard once."""
        self._tell_failed_shots()
        if event.text and event.stage in _WORTH_A_LINE:
            edit = f"{event.edit}: " if self._board.night and event.edit else ""
            self._line(f"{edit}{event.text}", bad=event.stage in ("failed", "lost"))
        if event.report and plan:
            for say in self._words_about(event.report):
                self._courier.put(partial(say, event.report, plan))
        facts: Facts = {"edit": event.edit, "why": event.text}
        if event.stage == "failed":
            self._event("foley.pass.failed", self._resource(event.edit), facts)
        if event.stage == "stop":
            self._event("foley.pass.stopped", self._resource(event.edit), facts)
        if event.stage == "lost":
            self._event("foley.device.lost", self._resource(event.edit), facts)

    def _words_about(self, report: PassReport) -> list[Callable[[PassReport, PassPlan], None]]:
        """Everything about a finished edit; in a night of many a page each, and a table for those with failures."""
        if not self._board.night:
            return [self._say_table, self._say_page, self._say_links, self._say_end]
        table = [self._say_table] if report.counts["failed"] else []
        return [*table, self._say_page, self._say_end]

    def _tell_failed_shots(self) -> None:
        """One event for each failed shot, up to a hundred: an automation should not be run over."""
        if self._shots_told == min(len(self._board.failed), _MOST_SHOT_EVENTS):
            return
        for (edit, shot), why in list(self._board.failed.items())[self._shots_told : _MOST_SHOT_EVENTS]:
            self._shots_told += 1
            facts: Facts = {"edit": edit, "shot": shot, "why": why}
            self._event("foley.shot.failed", f"{self._resource(edit)}.{shot}", facts)
            self._line(f"{edit} {shot} failed: {why}", bad=True)

    def _event(self, name: str, resource: str, facts: Facts) -> None:
        self._courier.put(partial(self._sink.event, name, resource, facts))

    def _line(self, text: str, *, bad: bool = False) -> None:
        self._courier.put(partial(self._sink.line, text, bad=bad))

    def _say_how_it_stands(self, at_last: bool) -> None:
        """The name, the progress line, the tables of problems and of edits."""
        if self._first_plan is None:
            return
        if self._past == Pace():
            self._past = PaceBook(self._first_plan.studio).pace()
        with self._lock:
            board = self._board
            name, tags, words = board.name, board.tags, board.counts_in_words()
            progress = board.progress(self._past, self._clock())
            problems = board.problem_rows() if board.night or not board.complete else []
            edits = board.edit_rows() if board.night else []
        often, seldom = (0.0, 0.0) if at_last else (self._every_s, self._table_every_s)
        news: list[tuple[str, object, Job, float]] = [
            ("name", (name, tags), partial(self._sink.describe, name, tags), often),
            ("progress", progress, partial(self._sink.progress, self._key("progress"), *progress), often),
            ("line", progress[1], partial(self._sink.line, progress[1]), _A_LINE_EVERY_S),
        ]
        if problems:
            text = board.problems_in_words() if at_last else f"So far: {board.problems_in_words()}"
            table = partial(self._sink.table, self._key("shots"), problems, text)
            news.append(("problems", (problems, text), table, seldom))
        if edits:
            page = night_page(edits, self._reports)
            news.append(("edits", page, partial(self._sink.page, self._key("night"), page, words), seldom))
        # Where one is not heard the others would not be either.
        all(self._said(*one) for one in news)

    def _said(self, what: str, news: object, say: Job, every_s: float) -> bool:
        """Say it when it is time and there is something new; False when the server did not take it."""
        told_at_s, told = self._told.get(what, (float("-inf"), None))
        pause_s = every_s and max(every_s, self._courier.pause_s)
        if news == told or self._clock() - told_at_s < pause_s:
            return True
        said = self._courier.tried(say)
        self._told[what] = (self._clock(), news if said else told)
        return said

    def _say_table(self, report: PassReport, plan: PassPlan) -> None:
        where = self._report_address(report)
        text = f"{report.edit_name}: {report.summary}"
        self._sink.table(self._key("shots", plan), table_of(report, where), text)

    def _say_page(self, report: PassReport, plan: PassPlan) -> None:
        text = f"{report.edit_name}: {report.summary}"
        self._sink.page(self._key("report", plan), pass_page(report, plan, self._url_of), text)

    def _say_links(self, report: PassReport, plan: PassPlan) -> None:
        """What an editor wants first, alone on a page: the laid edit and the report."""
        outputs = report.outputs
        lines = [
            link_line(outputs.edit, report, self._url_of, "The laid edit"),
            link_line(outputs.report, report, self._url_of, "The report"),
        ]
        self._sink.page(self._key("edit", plan), "\n\n".join(filter(None, lines)), f"{report.edit_name}: the laid edit")

    def _say_end(self, report: PassReport, plan: PassPlan) -> None:
        ending = ending_of(report).replace(" ", "-")
        facts: Facts = {"edit": str(report.edit), "summary": report.summary, "exit_code": report.exit_code}
        facts |= {"out": str(report.outputs.folder), "first_failure": report.first_failure, "seconds": report.seconds}
        page = self._reports[plan.edit.path.stem] = self._report_address(report)
        self._sink.line(f"{report.edit_name}: {report.summary}; report: {page}", bad=report.exit_code != 0)
        self._sink.event(f"foley.pass.{ending}", self._resource(plan.edit.path.stem), facts | report.counts)

    def _report_address(self, report: PassReport) -> str:
        """Where the report is: on the papers server, else on the disk."""
        page = report.outputs.report
        return (page and self._url_of(report.outputs.folder, page)) or str(page or report.outputs.folder)

    def _key(self, kind: str, plan: PassPlan | None = None) -> str:
        """The key of an artifact: of an edit, or of the run, which in a night is that of its show."""
        edit = plan or self._first_plan
        show = self._board.show or "night"
        if self._board.night and plan is None:
            return artifact_key(kind, show)
        return artifact_key(kind, show, edit.edit.path.stem if edit else "edit")

    def _resource(self, edit: str) -> str:
        return ".".join(("foley.pass", slug(self._board.show, 40), slug(edit or self._board.first_edit, 40)))


def artifact_key(kind: str, *names: str) -> str:
    """A key as the server wants it, of lower-case letters, digits and dashes, the same for a timeline every night."""
    return "-".join(("foley", kind, *(slug(name, 40).lower() for name in names)))
