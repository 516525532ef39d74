"""Threads that give up what hangs."""

import threading
import time
from concurrent.futures import wait

import pytest

from flows.errors import HungError
from flows.work.hands import Hands


def test_errands_are_run_in_order_and_their_errors_stay_theirs() -> None:
    hands, done = Hands(1, "test"), []
    first = hands.submit(done.append, 1)
    broken = hands.submit(int, "no number")
    last = hands.submit(done.append, 2)
    wait([first, broken, last], timeout=10)
    hands.close()
    assert done == [1, 2]
    with pytest.raises(ValueError, match="no number"):
        broken.result()


def test_what_hangs_is_given_up_and_the_next_errand_is_run() -> None:
    hands, release = Hands(1, "test"), threading.Event()
    hung = hands.submit(release.wait, limit_s=0.2)
    after = hands.submit(lambda: "done", limit_s=5)
    with pytest.raises(HungError, match="did not come back"):
        hung.result(timeout=10)
    assert after.result(timeout=10) == "done"
    release.set()
    hands.close()


def test_one_that_comes_back_late_takes_no_more_work() -> None:
    hands, release = Hands(1, "test"), threading.Event()
    hung = hands.submit(release.wait, limit_s=0.1)
    assert isinstance(hung.exception(timeout=10), HungError)
    release.set()
    time.sleep(0.2)
    names = {hands.submit(threading.get_ident).result(timeout=10) for _ in range(5)}
    assert len(names) == 1
    hands.close()


def test_the_limit_counts_from_the_beginning_of_the_work() -> None:
    hands = Hands(1, "test")
    slow = [hands.submit(time.sleep, 0.2, limit_s=0.5) for _ in range(4)]
    assert [future.exception(timeout=10) for future in slow] == [None] * 4
    hands.close()


def test_who_closes_does_not_wait_longer_for_what_hangs_than_its_limit() -> None:
    hands, release = Hands(1, "test"), threading.Event()
    hung = hands.submit(release.wait, limit_s=0.3)
    closing = threading.Thread(target=hands.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive() and not release.is_set()
    assert isinstance(hung.exception(timeout=0), HungError)
    release.set()
