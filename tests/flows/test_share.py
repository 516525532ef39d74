"""Shares of a pass: every shot is in exactly one, and a share reports its own shots alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.options import PassOptions
from flows.planning.plan import plan_pass
from flows.share import share_of
from tests.support.passes import Cut, FakeEngine

pytestmark = pytest.mark.usefixtures("card")


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_every_shot_is_in_exactly_one_share(
    parts: int,
    engine: FakeEngine,
    movie: Callable[[str], Path],
    edit_of: Callable[..., Path],
    options: PassOptions,
) -> None:
    cuts = [Cut(name="train", media=movie("a.mp4") if n % 5 else None, first=n) for n in range(10)]
    plan = plan_pass(edit_of(*cuts), options)
    shares = [share_of(plan, part, parts) for part in range(parts)]
    shots = sorted(job.shot_id for share in shares for job in share.jobs)
    assert shots == sorted(job.shot_id for job in plan.jobs)
    assert len(shots) == 8
    for share in shares:
        assert [shot.shot_id for shot in share.edit.shots] == [job.shot_id for job in share.jobs]
        assert not share.settled
    assert max(len(share.jobs) for share in shares) - min(len(share.jobs) for share in shares) <= 1
