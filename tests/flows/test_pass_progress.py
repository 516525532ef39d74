"""What is kept of a long night."""

import gc
import weakref
from pathlib import Path

from flows.desk import PassEvent
from flows.edit_state import EditState
from flows.options import PassOptions
from flows.orders import Order, Outcome
from flows.pass_progress import PassProgress
from flows.pass_run import PassRun
from flows.work.workshop import ThreadWorkshop
from tests.support.nights import heard_of, plan_of


def test_an_edit_that_is_over_takes_no_memory_but_still_counts(tmp_path: Path) -> None:
    told: list[PassEvent] = []
    progress = PassProgress(PassRun(ThreadWorkshop(), lays=False), told.append, 2)
    ledgers = []
    for name in ("one", "two"):
        # Nothing to do, so nothing is opened.
        plan = plan_of([], edit=tmp_path / f"{name}.otio", store=tmp_path)
        edit = EditState(Order(edit=plan.edit.path, options=PassOptions()))
        edit.planned(plan)
        progress.planned(edit)
        for job in plan_of([1.0, 1.0]).jobs:
            edit.ledger.note_heard(heard_of(job))
            progress.heard(edit, edit.ledger.heard[job.shot_id])
        ledgers.append(weakref.ref(edit.ledger))
        progress.ended(Outcome(edit=plan.edit.path, unchanged=True))
        del edit, plan
    told_of = [event.done for event in told if event.stage == "listen"]
    told.clear()
    gc.collect()
    assert [ledger() for ledger in ledgers] == [None, None]
    assert told_of == [1, 2, 3, 4]
