"""Threads that give up what hangs."""

import threading
from concurrent.futures import wait

import pytest

from flows.errors import HungError
from flows.work.hands import Hands
from tests.support.waiting import PATIENCE_S


def test_errands_are_run_in_order_and_their_errors_stay_theirs() -> None:
    hands = Hands(1, "test")
    done: list[int] = []
    first = hands.submit(done.append, 1)
    broken = hands.submit(int, "no number")
    last = hands.submit(done.append, 2)
    wait([first, broken, last], timeout=PATIENCE_S)
    hands.close()
    assert done == [1, 2]
    with pytest.raises(ValueError, match="no number"):
        broken.result()


def test_what_hangs_is_given_up_and_the_next_errand_is_run() -> None:
    hands, release = Hands(1, "test"), threading.Event()
    hung = hands.submit(release.wait, limit_s=0.2)
    after = hands.submit(lambda: "done", limit_s=PATIENCE_S)
    with pytest.raises(HungError, match="did not come back"):
        hung.result(timeout=PATIENCE_S)
    assert after.result(timeout=PATIENCE_S) == "done"
    release.set()
    hands.close()


def test_one_that_comes_back_late_takes_no_more_work() -> None:
    hands, release = Hands(1, "test"), threading.Event()
    at_work: list[threading.Thread] = []

    def hang() -> None:
        at_work.append(threading.current_thread())
        release.wait()

    hung = hands.submit(hang, limit_s=0.1)
    assert isinstance(hung.exception(timeout=PATIENCE_S), HungError)
    release.set()
    at_work[0].join(PATIENCE_S)
    names = {hands.submit(threading.get_ident).result(timeout=PATIENCE_S) for _ in range(5)}
    assert not at_work[0].is_alive() and len(names) == 1
    hands.close()


def test_the_limit_counts_from_the_beginning_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    counting: list[float] = []

    class Timer(threading.Timer):
        def start(self) -> None:
            counting.append(self.interval)
            super().start()

    monkeypatch.setattr("flows.work.hands.threading.Timer", Timer)
    hands, begun, release = Hands(1, "test"), threading.Event(), threading.Event()
    hands.submit(lambda: begun.set() or release.wait(), limit_s=1000)  # type: ignore[func-returns-value]
    second = hands.submit(str, limit_s=2000)
    assert begun.wait(PATIENCE_S) and counting == [1000]
    release.set()
    assert second.result(timeout=PATIENCE_S) == "" and counting == [1000, 2000]
    hands.close()


def test_who_closes_does_not_wait_longer_for_what_hangs_than_its_limit() -> None:
    hands, release = Hands(1, "test"), threading.Event()
    hung = hands.submit(release.wait, limit_s=0.3)
    closing = threading.Thread(target=hands.close, daemon=True)
    closing.start()
    closing.join(PATIENCE_S)
    assert not closing.is_alive() and not release.is_set()
    assert isinstance(hung.exception(timeout=0), HungError)
    release.set()
