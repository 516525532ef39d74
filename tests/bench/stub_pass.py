"""A pass whose engine costs nothing, in a process of its own: `python -m tests.bench.stub_pass EDIT OUT HOW`.

Stubbed: looking at the pictures, and making the sound, which is the same half second of noise each time. All else is
real: reading the edit, probing the media, the spot memory, the clip store with its flushes to the disk, the laying of
the tracks. HOW is "prefect" or "threads". Prints one JSON document with wall and processor seconds of every phase.
"""

import json
import resource
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from flows.desk import PassEvent
from flows.options import PassOptions
from flows.planning.plan import plan_pass
from flows.run import perform
from flows.work.engine import OnTake, Studio, use_engine
from pipeline.label import ZeroShotLabel
from pipeline.records import SAMPLE_RATE_HZ, ClipReceipt, Detection, FoleyClip, FoleyRequest, MediaSpan

_NOISE = FoleyClip(
    samples=np.random.default_rng(0).normal(0, 0.05, (1, SAMPLE_RATE_HZ // 2)).astype(np.float32),
    sample_rate_hz=SAMPLE_RATE_HZ,
)
_HEARD = ZeroShotLabel(label="hammer hitting metal", category="props", confidence=0.8)


class StubEngine:
    """Hears a hammer in every picture and makes half a second of noise; counts the processor time it takes itself."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.cpu_s = 0.0

    def encode(self, span: MediaSpan) -> None:
        pass

    def spot(self, span: MediaSpan) -> tuple[ZeroShotLabel, ...]:
        return (_HEARD,)

    def detect(self, span: MediaSpan, label: str) -> Detection:
        return Detection(active_spans_s=((0.1, 0.4),), confidence=0.7)

    def make(self, requests: Sequence[FoleyRequest], on_take: OnTake) -> list[ClipReceipt]:
        began = time.thread_time()
        receipts = []
        for request in requests:
            receipts.append(
                self._studio.clips.put(
                    request.key(), _NOISE, active_spans_s=((0.1, 0.4),), confidence=0.7, seconds=0.01
                )
            )
            on_take(receipts[-1])
        self.cpu_s += time.thread_time() - began
        return receipts


class Watch:
    """Notes when which phase began, and how the memory of this process goes with the shots that are done."""

    def __init__(self) -> None:
        self.marks: dict[str, tuple[float, float]] = {}
        self.memory: list[tuple[int, float]] = []
        self.done = 0
        self.over = threading.Event()
        self.mark("begin")

    def mark(self, name: str) -> None:
        self.marks.setdefault(name, (time.monotonic(), cpu_s()))

    def tell(self, event: PassEvent) -> None:
        if event.stage in ("listen", "lay"):
            self.mark(event.stage)
        if event.stage == "make":
            self.done = event.done

    def sample(self) -> None:
        me = psutil.Process()
        while not self.over.wait(0.2):
            if self.done and "lay" not in self.marks:
                self.memory.append((self.done, me.memory_info().rss / 1e6))

    def between(self, first: str, last: str) -> dict[str, float]:
        (wall_0, cpu_0), (wall_1, cpu_1) = self.marks[first], self.marks[last]
        return {"wall_s": wall_1 - wall_0, "cpu_s": cpu_1 - cpu_0}


def cpu_s() -> float:
    """Processor time of this process and of those it has waited for."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def stub_pass(edit: Path, out: Path, how: str) -> dict[str, Any]:
    """Run the pass; what it cost."""
    if how == "prefect":
        import prefect  # noqa: F401  (a second and a half that is not the pass's)
    engines: list[StubEngine] = []

    def build(studio: Studio) -> StubEngine:
        engines.append(StubEngine(studio))
        return engines[-1]

    counted = _count_task_runs() if how == "prefect" else []
    options = PassOptions(store=out / "store", out=out / "foley", preview=False, handles=0)
    watch = Watch()
    sampler = threading.Thread(target=watch.sample)
    sampler.start()
    with use_engine(build):
        plan = plan_pass(edit, options)
        watch.mark("planned")
        report = perform(plan, tell=watch.tell, with_prefect=how == "prefect")
    watch.mark("end")
    watch.over.set()
    sampler.join()
    return {
        "shots": len(report.shots),
        "made": report.counts["made"],
        "plan": watch.between("begin", "planned"),
        "start": watch.between("planned", "listen"),
        "loop": watch.between("listen", "lay"),
        "lay": watch.between("lay", "end"),
        "stub_cpu_s": engines[0].cpu_s,
        "memory": watch.memory,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "task runs": len(counted),
    }


def _count_task_runs() -> list[str]:
    """A list that grows with every task run that is submitted."""
    from prefect import Task

    submitted: list[str] = []
    submit = Task.submit

    def counting(self: Any, work: Any, *arguments: Any, **more: Any) -> Any:
        submitted.append(work.title)
        return submit(self, work, *arguments, **more)

    Task.submit = counting  # type: ignore[method-assign, assignment]
    return submitted


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what a pass cost, as JSON."""
    edit, out, how = sys.argv[1:] if arguments is None else arguments
    sys.stdout.write(json.dumps(stub_pass(Path(edit), Path(out), how)) + "\n")


if __name__ == "__main__":
    main()
