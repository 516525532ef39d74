"""What people are told about a pass, when, and at what cost; the server is made up and may be slow, moody or gone."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from flows.desk import PassEvent
from flows.output.names import slug
from flows.records import ShotState
from flows.watching.board import Board
from flows.watching.pace import Pace
from flows.watching.pass_page import pass_page, plain
from flows.watching.publish import Facts, Publisher, artifact_key
from flows.watching.shot_rows import Row, row_of, table_of, worst_first
from flows.watching.stopwatch import Stopwatch
from tests.support.nights import MadeUpPass, heard_of, plan_of, report_of, shot_report, take_of
from tests.support.waiting import PATIENCE_S, wait_until

NIGHT = date(2026, 11, 24)
Call = tuple[str, tuple[Any, ...]]


@dataclass
class FakeSink:
    """Notes what it is told; fails as often as it is told to."""

    fails: int = 0
    wait: Callable[[], object] = lambda: None
    calls: list[Call] = field(default_factory=list)
    closed: bool = False

    def describe(self, name: str, tags: Sequence[str]) -> None:
        self._note("describe", name, list(tags))

    def progress(self, key: str, percent: float, text: str) -> None:
        self._note("progress", key, percent, text)

    def table(self, key: str, rows: Sequence[Row], text: str) -> None:
        self._note("table", key, list(rows), text)

    def page(self, key: str, markdown: str, text: str) -> None:
        self._note("page", key, markdown, text)

    def line(self, text: str, *, bad: bool = False) -> None:
        self._note("line", text, bad)

    def event(self, name: str, resource: str, facts: Facts) -> None:
        self._note("event", name, resource, facts)

    def close(self) -> None:
        self.closed = True

    def _note(self, kind: str, *what: Any) -> None:
        self.wait()
        if self.fails:
            self.fails -= 1
            raise ConnectionError("no server")
        self.calls.append((kind, what))

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [what for told, what in self.calls if told == kind]

    def events(self) -> list[str]:
        return [name for name, _, _ in self.of("event")]


def told(events: Sequence[PassEvent], sink: FakeSink | None = None, **changes: Any) -> FakeSink:
    """A publisher's sink after these events."""
    sink = sink or FakeSink()
    publisher = Publisher(sink, every_s=0.02, table_every_s=0.05, **changes)
    for event in events:
        publisher.tell(event)
    assert publisher.close(PATIENCE_S)
    return sink


def pass_of(count: int, **changes: Any) -> list[PassEvent]:
    return [event for _, event in MadeUpPass(plan=plan_of([2.0] * count), **changes).events()]


def test_a_pass_ends_with_its_table_its_report_its_edit_and_an_event() -> None:
    sink = told(pass_of(60))
    assert [key for key, *_ in sink.of("table")] == ["foley-shots-harbour-reel3"]
    assert [key for key, *_ in sink.of("page")] == ["foley-report-harbour-reel3", "foley-edit-harbour-reel3"]
    assert sink.events() == ["foley.pass.finished"]
    assert sink.of("progress")[-1] == (
        "foley-progress-harbour-reel3",
        100.0,
        "reel3: 60 shots made; 60 cues laid, in 1 s",
    )
    assert sink.of("describe")[-1] == ("reel3 - 60 shots", ["harbour", "reel3", "mini"])
    assert sink.closed


def test_the_progress_line_says_what_a_person_wants_to_know() -> None:
    plan = plan_of([2.0] * 60)
    board, clock = Board(Stopwatch()), iter(range(10_000))
    board.note(PassEvent(stage="plan", plan=plan), next(clock))
    for job in plan.jobs[:36]:
        heard = heard_of(job, 2)
        board.note(PassEvent(stage="listen", done=37, total=60, heard=heard), next(clock))
    takes = [take_of(request) for job in plan.jobs[:30] for request in heard_of(job, 2).missing()]
    for first in range(0, 40, 8):
        event = PassEvent(stage="make", done=41, total=88, takes=tuple(takes[first : first + 8]))
        board.note(event, 36 + 16 * (1 + first // 8))
    board.note(PassEvent(stage="listen", done=37, total=60, heard=heard_of(plan.jobs[36], failure="it is broken")), 117)
    _, text = board.progress(Pace(lay=0.1), 117)
    stages = r"\(listening 3 min, making 3 min, laying 6 s\)"
    assert re.fullmatch(rf"about \d+ min left, 1 failed, 37/60 shots heard, 41/88 takes made {stages}", text)


def test_progress_never_falls_and_ends_at_a_hundred() -> None:
    made_up = MadeUpPass(plan=plan_of([2.0] * 100))
    board = Board(Stopwatch())
    percents = []
    for now_s, event in made_up.events():
        board.note(event, now_s)
        percents.append(board.progress(Pace(), now_s)[0])
    assert percents == sorted(percents)
    assert percents[-2] <= 99
    assert percents[-1] == 100


def test_what_is_heard_is_no_progress_as_long_as_nobody_knows_how_long_making_takes() -> None:
    plan = plan_of([2.0] * 60)
    board = Board(Stopwatch())
    board.note(PassEvent(stage="plan", plan=plan), 0)
    for number, job in enumerate(plan.jobs, 1):
        board.note(PassEvent(stage="listen", done=number, total=60, heard=heard_of(job)), number)
    percent, text = board.progress(Pace(), 60)
    assert (percent, text.startswith("time left not known yet")) == (0.0, True)
    takes = tuple(take_of(request) for job in plan.jobs[:8] for request in heard_of(job).missing())
    board.note(PassEvent(stage="make", done=8, total=60, takes=takes), 100)
    assert board.progress(Pace(), 100)[0] < 50


def test_what_the_pass_waits_for_is_said() -> None:
    board = Board(Stopwatch())
    board.note(PassEvent(stage="plan", plan=plan_of([2.0])), 0)
    board.note(PassEvent(stage="load", text="loading the model mini"), 1)
    assert board.progress(Pace(), 2)[1].endswith("; loading the model mini")
    board.note(PassEvent(stage="listen", done=1, total=1), 3)
    assert "loading" not in board.progress(Pace(), 4)[1]


def test_a_failed_shot_is_an_event_and_the_first_row() -> None:
    plan = plan_of([2.0] * 3)
    requests = heard_of(plan.jobs[1]).missing()
    sink = told(
        [
            PassEvent(stage="plan", plan=plan),
            PassEvent(stage="listen", done=1, total=3, heard=heard_of(plan.jobs[1])),
            PassEvent(stage="make", done=1, total=1, takes=(take_of(requests[0], confidence=0.4),)),
            PassEvent(stage="listen", done=2, total=3, heard=heard_of(plan.jobs[0], failure="a.mov is broken")),
        ]
    )
    assert sink.of("event") == [
        (
            "foley.shot.failed",
            "foley.pass.harbour.reel3.sh0010",
            {"edit": "reel3", "shot": "sh0010", "why": "a.mov is broken"},
        )
    ]
    _, rows, text = sink.of("table")[-1]
    assert [(row["state"], row["shot"], row["confidence"], row["seconds"]) for row in rows] == [
        ("failed", "sh0010", "", ""),
        ("made, unsure", "sh0020", "0.40", "2.0"),
    ]
    assert rows[0]["why"] == "a.mov is broken"
    assert "1 failed, 1 unsure" in text


def test_media_that_is_missing_is_a_failure_before_anything_began() -> None:
    plan = plan_of([2.0], settled=(shot_report("sh0020", ShotState.FAILED, "gone.mov was not found"),))
    sink = told([PassEvent(stage="plan", plan=plan)])
    assert sink.of("event")[0][2]["why"] == "gone.mov was not found"


@pytest.mark.parametrize(
    ("states", "event"),
    [
        ([ShotState.MADE, ShotState.SILENT], "foley.pass.finished"),
        ([ShotState.SILENT], "foley.pass.finished"),
        ([ShotState.MADE, ShotState.FAILED], "foley.pass.partly-failed"),
        ([ShotState.FAILED], "foley.pass.failed"),
    ],
)
def test_how_a_pass_ended(states: list[ShotState], event: str) -> None:
    plan = plan_of([2.0] * len(states))
    shots = [shot_report(job.shot_id, state, "why") for job, state in zip(plan.jobs, states, strict=True)]
    sink = told([PassEvent(stage="plan", plan=plan), PassEvent(stage="laid", report=report_of(plan, shots))])
    assert sink.events()[-1] == event
    _, resource, facts = sink.of("event")[-1]
    assert resource == "foley.pass.harbour.reel3"
    assert facts["made"] == states.count(ShotState.MADE)
    assert facts["out"] == "/shows/harbour/reel3_foley"


def test_a_pass_that_is_stopped_or_cannot_be_done_says_so() -> None:
    plan = plan_of([2.0])
    stopped = told([PassEvent(stage="plan", plan=plan), PassEvent(stage="stop", text="it is 07:00")])
    assert stopped.of("event") == [
        ("foley.pass.stopped", "foley.pass.harbour.reel3", {"edit": "", "why": "it is 07:00"})
    ]
    assert stopped.of("progress")[-1][1:] == (0.0, "it is 07:00")
    failed = told([PassEvent(stage="plan", plan=plan), PassEvent(stage="failed", edit="reel3", text="no such model")])
    assert failed.events() == ["foley.pass.failed"]
    assert failed.of("progress")[-1][2] == "failed: no such model"


def test_a_device_that_was_lost_is_an_event() -> None:
    sink = told([PassEvent(stage="plan", plan=plan_of([2.0])), PassEvent(stage="lost", text="cuda:1 does not answer")])
    assert sink.of("event")[0][0] == "foley.device.lost"
    assert sink.of("event")[0][2]["why"] == "cuda:1 does not answer"


def night_of(edits: int, shots: int) -> list[PassEvent]:
    plans = [plan_of([2.0] * shots, edit=Path(f"/shows/harbour/reel{n}.otio")) for n in range(edits)]
    events = [PassEvent(stage="plan", plan=plan, edit=plan.edit.path.stem) for plan in plans]
    for done, plan in enumerate(plans, 1):
        failed = done % 4 == 0
        state = ShotState.FAILED if failed else ShotState.MADE
        shots_made = [shot_report(job.shot_id, state, "broken" if failed else "") for job in plan.jobs]
        report = report_of(plan, shots_made)
        events.append(PassEvent(stage="laid", done=done, total=edits, report=report, edit=plan.edit.path.stem))
    return events


def test_a_night_has_one_page_of_its_edits_and_a_report_for_each() -> None:
    sink = told(night_of(8, 3), night=NIGHT, show="inbox", url_of=lambda folder, file: f"http://here/{folder.name}")
    assert sink.of("describe")[-1][0] == "night of 2026-11-24 - 8 edits, 24 shots"
    assert sink.of("describe")[-1][1] == ["inbox", *(f"reel{n}" for n in range(8)), "mini"]
    _, page, text = [told for told in sink.of("page") if told[0] == "foley-night-inbox"][-1]
    assert text == "2 edits failed, 6 shots failed, 8/8 edits done"
    head, _, *rows = page.splitlines()
    assert head == "| state | edit | shots | made | cached | silent | failed | took | why |"
    assert rows[0] == "| failed | [reel3](http://here/reel3_foley) | 3 | 0 | 0 | 0 | 3 | 1 s | sh0010 broken |"
    assert [row.split(" | ")[0] for row in rows] == ["| failed"] * 2 + ["| finished"] * 6
    problems = [rows for key, rows, _ in sink.of("table") if key == "foley-shots-inbox"][-1]
    assert [(row["edit"], row["shot"]) for row in problems[:2]] == [("reel3", "sh0010"), ("reel3", "sh0020")]
    reports = {f"foley-report-inbox-reel{n}" for n in range(8)}
    assert {key for key, *_ in sink.of("page")} == {"foley-night-inbox", *reports}
    tables = {"foley-shots-inbox", "foley-shots-inbox-reel3", "foley-shots-inbox-reel7"}
    assert {key for key, *_ in sink.of("table")} == tables
    assert Counter(sink.events())["foley.pass.finished"] == 6


def test_an_edit_of_the_night_that_cannot_be_read_is_on_its_page() -> None:
    plan = plan_of([2.0])
    events = [
        PassEvent(stage="plan", plan=plan, edit="reel3"),
        PassEvent(stage="failed", edit="reel4", text="/shows/harbour/reel4.otio | is no edit"),
    ]
    sink = told(events, night=NIGHT, show="inbox")
    assert "| failed | reel4 | 0 |  |  |  |  |  | reel4.otio \\| is no edit |" in sink.of("page")[-1][1]
    assert sink.of("progress")[-1][2].endswith("1 edit failed, 1/2 edits done")


def test_a_table_of_problems_says_so_far_only_until_the_end() -> None:
    plan = plan_of([2.0] * 2)
    failed = heard_of(plan.jobs[0], failure="broken")
    events = [PassEvent(stage="plan", plan=plan), PassEvent(stage="listen", done=1, total=2, heard=failed)]
    sink = FakeSink()
    publisher = Publisher(sink, every_s=0.02, table_every_s=0.02, night=NIGHT, show="inbox")
    for event in events:
        publisher.tell(event)
    wait_until(lambda: sink.of("table"), "a table")
    assert publisher.close(PATIENCE_S)
    assert [text for _, _, text in sink.of("table")] == ["So far: 1 shot failed", "1 shot failed"]


@pytest.mark.parametrize("shots", [60, 1000, pytest.param(5000, marks=pytest.mark.steady)])
def test_the_calls_of_a_pass_do_not_grow_with_its_shots(shots: int) -> None:
    """Ten times more shots in the same time are told in the same number of calls, and tables end at a thousand rows."""
    sink = FakeSink()
    publisher = Publisher(sink, every_s=0.2, table_every_s=0.5)
    began = time.monotonic()
    for event in pass_of(shots):
        publisher.tell(event)
    assert publisher.close(PATIENCE_S)
    took_s = time.monotonic() - began
    assert len(sink.of("progress")) <= 2 + took_s / 0.2
    assert len(sink.of("table")) <= 2 + took_s / 0.5
    assert len(sink.of("page")) == 2
    assert len(sink.of("event")) == 1
    assert max(len(rows) for _, rows, _ in sink.of("table")) <= 1000


def test_a_thousand_failures_are_a_hundred_events_and_two_hundred_rows() -> None:
    plan = plan_of([2.0] * 1000)
    events = [PassEvent(stage="plan", plan=plan)]
    events += [
        PassEvent(stage="listen", done=n, total=1000, heard=heard_of(job, failure="broken"))
        for n, job in enumerate(plan.jobs, 1)
    ]
    sink = told(events)
    assert Counter(sink.events()) == {"foley.shot.failed": 100}
    assert len(sink.of("table")[-1][1]) == 200
    assert "1000 failed" in sink.of("table")[-1][2]


def test_a_long_edit_has_a_table_a_browser_can_show() -> None:
    plan = plan_of([2.0] * 3000)
    shots = [shot_report(job.shot_id) for job in plan.jobs]
    shots[7] = shot_report("sh0080", ShotState.FAILED, "broken")
    shots[9] = shot_report("sh0100", confidence=0.3)
    rows = table_of(report_of(plan, shots), "/shows/report.html")
    assert [(row["state"], row["shot"]) for row in rows] == [
        ("made", "2999 shots"),
        ("failed", "1 shot"),
        ("failed", "sh0080"),
        ("made, unsure", "sh0100"),
    ]
    assert rows[0]["why"] == "all of them: /shows/report.html"


def test_problems_come_first_and_the_rest_as_in_the_edit() -> None:
    shots = [
        shot_report("sh0010"),
        shot_report("sh0020", confidence=0.5),
        shot_report("sh0030", ShotState.SILENT, "nothing was heard in its picture"),
        shot_report("sh0040", confidence=0.2),
        shot_report("sh0050", ShotState.FAILED, "broken"),
    ]
    assert [shot.shot_id for shot in worst_first(shots)] == ["sh0050", "sh0040", "sh0020", "sh0010", "sh0030"]
    assert row_of(shots[1]) == {
        "state": "made, unsure",
        "shot": "sh0020",
        "label": "train passing",
        "confidence": "0.50",
        "seconds": "2.0",
        "why": "seen with little certainty: listen to it",
    }


def test_a_narrow_cell_names_files_without_their_folders() -> None:
    why = "/media/show/A1.mov ends: relink it to Z:\\Show\\A1.mov or 1/2 of /media/x.mov"
    row = row_of(shot_report("sh0010", ShotState.FAILED, why))
    assert row["why"] == "A1.mov ends: relink it to A1.mov or 1/2 of x.mov"


def test_the_log_tells_the_story_in_a_few_lines() -> None:
    plan = plan_of([2.0] * 2)
    shots = [shot_report("sh0010"), shot_report("sh0020", ShotState.FAILED, "b.mov is broken")]
    sink = told(
        [
            PassEvent(stage="plan", plan=plan, text="2 shots, 0 finished earlier, 2 to do"),
            PassEvent(stage="load", text="loading the model mini"),
            *(PassEvent(stage="make", done=n, total=500) for n in range(500)),
            PassEvent(stage="lay", text="laying the tracks"),
            PassEvent(stage="laid", report=report_of(plan, shots)),
        ]
    )
    assert sink.of("line") == [
        ("2 shots, 0 finished earlier, 2 to do", False),
        ("loading the model mini", False),
        ("laying the tracks", False),
        ("reel3 sh0020 failed: b.mov is broken", True),
        ("reel3: 1 shot made, 1 failed; 1 cue laid; report: /shows/harbour/reel3_foley/report.html", True),
    ]


def test_news_that_overtake_each_other_are_told_once() -> None:
    gate = threading.Event()
    sink = FakeSink(wait=gate.wait)
    publisher = Publisher(sink, every_s=0.01)
    for event in pass_of(500)[:-1]:
        publisher.tell(event)
    gate.set()
    publisher.close(PATIENCE_S)
    assert len(sink.of("progress")) <= 3
    assert sink.of("progress")[-1][2].startswith("ended early; 500/500 shots heard, 500/500 takes made")


def test_a_server_that_fails_now_and_then_still_hears_everything() -> None:
    sink = FakeSink(fails=2)
    publisher = Publisher(sink, every_s=0.01)
    for event in pass_of(20):
        publisher.tell(event)
    wait_until(lambda: "foley.pass.finished" in sink.events(), "the end of the pass")
    assert publisher.close(PATIENCE_S)
    assert sink.events() == ["foley.pass.finished"]
    assert len(sink.of("page")) == 2


def test_a_dead_server_costs_the_pass_nothing_and_is_not_waited_for() -> None:
    publisher = Publisher(FakeSink(fails=10**9), every_s=0.01)
    for event in pass_of(1000):
        publisher.tell(event)
    assert not publisher.close(PATIENCE_S)
    assert publisher.dropped >= 4


def test_a_dead_server_is_asked_less_and_less_often() -> None:
    asked: list[float] = []
    publisher = Publisher(FakeSink(fails=10**9, wait=lambda: asked.append(time.monotonic())), every_s=0.01)
    publisher.tell(PassEvent(stage="plan", plan=plan_of([2.0])))
    wait_until(lambda: len(asked) > 5, "the sixth time")
    publisher.close(PATIENCE_S)
    assert asked[5] - asked[4] > 0.05


def test_a_server_that_hangs_is_given_up_at_the_end() -> None:
    never = threading.Event()
    publisher = Publisher(FakeSink(wait=lambda: never.wait(PATIENCE_S)), every_s=0.01)
    for event in pass_of(5):
        publisher.tell(event)
    assert not publisher.close(0.2)
    never.set()


def test_messages_that_find_no_room_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.watching.publish._MOST_WAITING", 3)
    gate = threading.Event()
    publisher = Publisher(FakeSink(wait=gate.wait), every_s=0.01)
    publisher.tell(PassEvent(stage="plan", plan=plan_of([2.0])))
    for _ in range(20):
        publisher.tell(PassEvent(stage="lost", text="cuda:0"))
    gate.set()
    assert not publisher.close(PATIENCE_S)
    assert 36 <= publisher.dropped <= 38


def test_an_event_that_makes_no_sense_does_not_raise() -> None:
    publisher = Publisher(FakeSink(), every_s=0.01)
    publisher.tell(PassEvent(stage="laid", report="no report at all"))  # type: ignore[arg-type]
    assert publisher.close(PATIENCE_S) is False
    assert publisher.dropped == 1


def test_a_publisher_of_nothing_says_nothing() -> None:
    sink = told([])
    assert sink.calls == []
    assert sink.closed


@pytest.mark.parametrize(
    "name", ["reel3", "Reel 3 (final) v2.1", "列車の編集", "🎬", "é" * 300, "..", "a_b", "-", "x" * 500, "50% #1"]
)
def test_keys_suit_the_server_whatever_the_edit_is_called(name: str) -> None:
    key = artifact_key("shots", "Harbour Nights", name)
    assert key.startswith("foley-shots-harbour-nights-")
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(key) < 110
    assert artifact_key("shots", "Harbour Nights", name) == key
    assert slug(name, 40)


def test_two_edits_in_other_scripts_have_two_keys() -> None:
    assert artifact_key("shots", "a", "列車") != artifact_key("shots", "a", "電車")


def test_a_very_long_name_does_not_make_a_very_long_run_name() -> None:
    board = Board(Stopwatch())
    board.note(PassEvent(stage="plan", plan=plan_of([2.0], edit=Path("/shows") / ("n" * 200 + ".otio"))), 0)
    assert len(board.name) < 80
    assert board.name.endswith("… - 1 shot")


def test_the_page_says_what_was_used_and_what_to_look_at() -> None:
    plan = plan_of([2.0] * 3)
    card = replace(plan.card, licence="CC-BY-NC-4.0", non_commercial=True)
    plan = replace(plan, card=card, studio=replace(plan.studio, settings=plan.studio.settings.changed({"steps": "9"})))
    shots = [
        shot_report("sh0010"),
        shot_report("sh0020", ShotState.FAILED, "a.mov | is <b>broken</b>"),
        shot_report("sh0030", confidence=0.3, label="car [x](http://evil)"),
    ]
    page = pass_page(report_of(plan, shots, seconds=60.0), plan)
    assert "# reel3: 2 shots made, 1 failed; 2 cues laid" in page
    assert "- Licence: CC-BY-NC-4.0, no commercial use" in page
    assert "steps 9" in page
    assert "3.0 shots a minute, 0.07 s of sound a second" in page
    assert page.index("sh0020") < page.index("sh0030")
    assert "sh0010" not in page
    assert "a.mov \\| is \\<b\\>broken\\</b\\>" in page
    assert "](http" not in page
    assert "New edit: reel3.foley.otio, in /shows/harbour/reel3\\_foley" in page


def test_links_are_urls_where_something_shows_the_files() -> None:
    plan = plan_of([2.0])
    page = pass_page(report_of(plan), plan, lambda folder, file: f"http://127.0.0.1:4/p/id/{file.name}")
    assert "[report.html](http://127.0.0.1:4/p/id/report.html), in /shows/harbour" in page


def test_pictures_lie_in_the_page_only_where_they_have_no_url(tmp_path: Path) -> None:
    plan = plan_of([2.0])
    picture = tmp_path / "sh0010.png"
    picture.write_bytes(b"png")
    shot = replace(shot_report("sh0010", ShotState.FAILED, "broken"), picture=picture)
    report = report_of(plan, [shot])
    assert "data:image/png;base64,cG5n" in pass_page(report, plan)
    shown = pass_page(report, plan, lambda folder, file: f"http://here/{file.name}")
    assert "![sh0010](http://here/sh0010.png)" in shown
    assert "data:" not in shown


def test_a_page_does_not_grow_beyond_what_a_browser_likes(tmp_path: Path) -> None:
    plan = plan_of([2.0] * 5000)
    picture = tmp_path / "big.png"
    picture.write_bytes(b"x" * 100_000)
    shots = [replace(shot_report(job.shot_id, ShotState.FAILED, "why " * 500), picture=picture) for job in plan.jobs]
    assert len(pass_page(report_of(plan, shots), plan)) < 600_000


def test_names_as_long_as_books_do_not_make_pages_as_long() -> None:
    """The name of a clip, and a label from its notes, are whatever an editor pasted there."""
    plan = plan_of([2.0] * 20)
    book = "word " * 100_000
    shots = [replace(shot_report(job.shot_id, ShotState.FAILED, book), name=book) for job in plan.jobs]
    shots += [replace(shot_report("", ShotState.SKIPPED, "a title"), name=book)]
    report = replace(report_of(plan, shots), edit_name=book)
    assert len(pass_page(report, plan)) < 20_000
    rows = table_of(report, "r")
    assert max(len(text) for row in rows for text in row.values()) == 300
    assert rows[-1]["shot"].startswith("word word")


def test_plain_text_stays_plain() -> None:
    assert plain("a|b\n<i>*c*</i> [d](e) `f` $g$") == "a\\|b \\<i\\>\\*c\\*\\</i\\> \\[d\\]\\(e\\) \\`f\\` \\$g\\$"


@pytest.mark.slow
def test_a_real_server_shows_what_was_told() -> None:
    """A made-up pass and a night on a server of their own: the artifacts, events, log, name and tags read back."""
    from flows.server.prefect_env import set_defaults

    set_defaults()
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.runtime import flow_run
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness
    from prefect.utilities.annotations import quote

    from flows.watching.prefect_sink import PrefectSink

    @flow(name="made-up")
    def run(events: list[Any], night: bool) -> UUID:
        sink = PrefectSink(UUID(flow_run.id))
        publisher = Publisher(sink, every_s=0.1, show="inbox" if night else "", night=NIGHT if night else None)
        for event in events:
            publisher.tell(event)
            time.sleep(0.01)
        assert publisher.close(PATIENCE_S)
        return UUID(flow_run.id)

    def asked(path: Any, body: Any) -> Any:
        with get_client(sync_client=True) as client:
            return client.request("POST", path, json=body).json()

    def shown(run_id: UUID) -> dict[str, Any]:
        found = asked("/artifacts/filter", {"flow_runs": {"id": {"any_": [str(run_id)]}}, "limit": 200})
        assert len({artifact["key"] for artifact in found}) == len(found)
        return {artifact["key"]: artifact for artifact in found}

    plan = plan_of([2.0] * 60)
    failure = PassEvent(stage="listen", done=1, total=60, heard=heard_of(plan.jobs[3], failure="b.mov is broken"))
    events = [event for _, event in MadeUpPass(plan=plan).events()]
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        run_id = run([quote(event) for event in (*events[:1], failure, *events[1:])], False)
        artifacts = shown(run_id)
        assert set(artifacts) == {f"foley-{kind}-harbour-reel3" for kind in ("progress", "shots", "report", "edit")}
        assert artifacts["foley-progress-harbour-reel3"]["data"] == 100.0
        assert len(json.loads(artifacts["foley-shots-harbour-reel3"]["data"])) == 60
        latest = asked("/artifacts/latest/filter", {"limit": 200})
        assert {artifact["key"] for artifact in latest} == set(artifacts)
        with get_client(sync_client=True) as client:
            told_run = client.read_flow_run(run_id)
        assert told_run.name == "reel3 - 60 shots"
        assert set(told_run.tags) == {"harbour", "reel3", "mini"}
        log = asked("/logs/filter", {"logs": {"flow_run_id": {"any_": [str(run_id)]}}})
        assert "reel3 sh0040 failed: b.mov is broken" in [line["message"] for line in log]
        night = shown(run([quote(event) for event in night_of(5, 2)], True))
        assert "foley-night-inbox" in night
        assert "| failed | reel3 | 2 |" in night["foley-night-inbox"]["data"]

        def names() -> set[str]:
            found = asked("/events/filter", {"filter": {"event": {"prefix": ["foley."]}}})
            return {event["event"] for event in found["events"]}

        wait_until(lambda: len(names()) >= 3, "three events")
        assert names() == {"foley.shot.failed", "foley.pass.finished", "foley.pass.failed"}
