"""What engine processes have in their hands, and for how much of the time."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from flows.work.gpu_process import _EngineProcess

_Span = tuple[float, float]


@dataclass
class InHand:
    """Per process: from when to when it had which piece of work, in seconds of the monotonic clock."""

    spans: defaultdict[Any, list[tuple[str, float, float]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def whole(self) -> _Span:
        """From the first work to the last result."""
        edges = [(first, last) for spans in self.spans.values() for _, first, last in spans]
        return min(first for first, _ in edges), max(last for _, last in edges)

    def shares(self, *kinds: str) -> list[float]:
        """Per process: the share of the whole in which it had work of these kinds in its hands."""
        first, last = self.whole
        return [
            covered([(begin, end) for kind, begin, end in spans if kind in kinds]) / (last - first)
            for spans in self.spans.values()
        ]


@contextmanager
def watched_hands() -> Iterator[InHand]:
    """Watch all engine processes of this process for as long as the context lasts."""
    found = InHand()
    ask = _EngineProcess.ask

    def watched(self: _EngineProcess, kind: str, argument: Any, limit_s: float) -> Any:
        begin = time.monotonic()
        future = ask(self, kind, argument, limit_s)
        future.add_done_callback(lambda _: found.spans[self].append((kind, begin, time.monotonic())))
        return future

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_EngineProcess, "ask", watched)
        yield found


def covered(spans: Sequence[_Span]) -> float:
    """The length of what at least one of the spans covers."""
    length, reached = 0.0, float("-inf")
    for first, last in sorted(spans):
        length += max(0.0, last - max(first, reached))
        reached = max(reached, last)
    return length
