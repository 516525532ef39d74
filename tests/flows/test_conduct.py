"""What a conductor keeps of a long night."""

import gc
import weakref
from pathlib import Path
from typing import cast

from flows.conduct import _Watch
from flows.desk import PassEvent
from flows.options import PassOptions
from flows.orders import Order, Outcome
from flows.work.crew import Reel
from flows.work.house_crew import HouseCrew
from tests.support.nights import heard_of, plan_of


class _Nobody:
    lays = False


def test_an_edit_that_is_over_takes_no_memory_but_still_counts(tmp_path: Path) -> None:
    told: list[PassEvent] = []
    watch = _Watch(cast(HouseCrew, _Nobody()), told.append, 2)
    ledgers = []
    for name in ("one", "two"):
        # Nothing to do, so nothing is opened.
        plan = plan_of([], edit=tmp_path / f"{name}.otio", store=tmp_path)
        reel = Reel(Order(edit=plan.edit.path, options=PassOptions()), plan)
        watch.planned(reel)
        for job in plan_of([1.0, 1.0]).jobs:
            reel.ledger.note_heard(heard_of(job))
            watch.heard(reel, reel.ledger.heard[job.shot_id])
        ledgers.append(weakref.ref(reel.ledger))
        watch.ended(Outcome(edit=plan.edit.path, unchanged=True))
        del reel, plan
    told_of = [event.done for event in told if event.stage == "listen"]
    told.clear()
    gc.collect()
    assert [ledger() for ledger in ledgers] == [None, None]
    assert told_of == [1, 2, 3, 4]
