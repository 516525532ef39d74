"""One pass with the bundled model in a process of its own: `python -m tests.bench.real_pass EDIT OUT HOW`.

HOW is "plain" or "prefect", both with one engine process, so that the system itself tells conducting from making; or
"two" for two engine processes without Prefect. Prints one JSON document.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

from flows.desk import PassEvent
from flows.options import PassOptions
from flows.planning.plan import plan_pass
from flows.run import perform
from tests.support.in_hand import watched_hands


def conducted(edit: Path, out: Path, how: str) -> dict[str, Any]:
    """What a pass costs: in the process that conducts it, and in the one that holds the engine."""
    if how == "prefect":
        import prefect  # noqa: F401
    marks: dict[str, tuple[float, float]] = {}

    def tell(event: PassEvent) -> None:
        # The model is loaded and the flow has begun; what comes now is the pass.
        if event.stage == "listen":
            marks.setdefault("begin", (time.monotonic(), _cpu_s(RUSAGE_SELF)))

    plan = plan_pass(edit, _options(out, "cpu", isolate=True))
    before_s = _cpu_s(RUSAGE_CHILDREN)
    report = perform(plan, tell=tell, with_prefect=how == "prefect")
    wall_s, cpu_s = marks["begin"]
    return {
        "made": report.counts["made"],
        "wall_s": time.monotonic() - wall_s,
        "conductor_cpu_s": _cpu_s(RUSAGE_SELF) - cpu_s,
        "engine_cpu_s": _cpu_s(RUSAGE_CHILDREN) - before_s,
    }


def _cpu_s(who: int) -> float:
    usage = getrusage(who)
    return usage.ru_utime + usage.ru_stime


def on_two(edit: Path, out: Path) -> dict[str, Any]:
    """Per engine process: the share of the time in which it had work in its hands, and batches to make."""
    os.environ["OMP_NUM_THREADS"] = "1"
    loads: list[str] = []

    def tell(event: PassEvent) -> None:
        if "model loaded on" in event.text:
            loads.append(event.text)

    began = time.monotonic()
    with watched_hands() as hands:
        report = perform(plan_pass(edit, _options(out, "cpu,cpu")), tell=tell, with_prefect=False)
    first, last = hands.whole
    return {
        "busy": hands.shares("encode", "detect", "make"),
        "making": hands.shares("make"),
        "span_s": last - first,
        "ready_s": first - began,
        "loads": loads,
        "summary": report.summary,
    }


def _options(out: Path, device: str, *, isolate: bool = False) -> PassOptions:
    return PassOptions(store=out / "store", out=out / "foley", preview=False, handles=0, device=device, isolate=isolate)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what a pass cost, as JSON."""
    edit, out, how = sys.argv[1:] if arguments is None else arguments
    found = on_two(Path(edit), Path(out)) if how == "two" else conducted(Path(edit), Path(out), how)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
