"""The steps of a pass without Prefect: each in a thread of this process, tried again where that may help."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from flows import pass_steps
from flows.errors import WorkFailedError
from flows.fan_out import Tasks

# The steps wait for the engine most of the time; there must be a thread for each that goes on on any device.
THREADS = 64


class LocalTask:
    """A step with the part of a Prefect task's methods that a pass needs."""

    def __init__(self, step: Callable[..., Any], threads: ThreadPoolExecutor) -> None:
        self._step, self._threads = step, threads

    def submit(self, *arguments: Any, wait_for: Sequence[Any] = ()) -> Future[Any]:
        """Begin it; what it comes after is over."""
        return self._threads.submit(self._run, *arguments)

    def _run(self, *arguments: Any) -> Any:
        while True:
            try:
                return self._step(*arguments)
            except WorkFailedError as error:
                if not error.again:
                    raise


@contextmanager
def local_tasks() -> Iterator[Tasks]:
    """The five steps, to be submitted inside."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="foley-step") as threads:
        yield tasks_of(threads)


def tasks_of(threads: ThreadPoolExecutor) -> Tasks:
    """The five steps, each submitted to these threads."""
    return Tasks(
        plan_edit=LocalTask(pass_steps.plan_edit, threads),
        encode_frames=LocalTask(pass_steps.encode_frames, threads),
        detect_cues=LocalTask(pass_steps.detect_cues, threads),
        generate_takes=LocalTask(pass_steps.generate_takes, threads),
        lay_tracks=LocalTask(pass_steps.lay_tracks, threads),
    )
