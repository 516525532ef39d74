"""An engine for processes of their own: it dies, hangs and runs out of memory where it is told to, and keeps a diary.

It is sent to the process that it is to work in, so what it remembers goes into a file.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flows.work.engine import OnTake, Studio
from pipeline.errors import OutOfMemoryError, WeightsError
from pipeline.records import ClipReceipt, FoleyRequest, MediaSpan
from tests.support.passes import FakeEngine


@dataclass
class DangerousEngine(FakeEngine):
    """Keeps its diary in the file `diary`. `deadly_labels` kill its process; `deadly_once` only the first time.

    `hanging_media` never come back from being listened to. Batches larger than `room` run out of memory, and so do the
    first `full_times` batches of several takes. `faulty_once` breaks the GPU, which a new process mends unless it
    `stays_broken`.
    """

    diary: Path = Path()
    deadly_labels: set[str] = field(default_factory=set)
    deadly_once: set[str] = field(default_factory=set)
    faulty_once: set[str] = field(default_factory=set)
    broken: bool = False
    stays_broken: bool = False
    hanging_media: set[str] = field(default_factory=set)
    room: int = 100
    full_times: int = 0
    seconds_per_take: float = 0.0
    unfit: bool = False

    def build(self, studio: Studio) -> "DangerousEngine":
        self._note(f"load {studio.device}")
        if self.unfit:
            raise WeightsError("the weights are not whole: fetch them again")
        if self.stays_broken and self._times("break"):
            raise RuntimeError("CUDA driver initialization failed")
        self.studio = studio
        return self

    def encode(self, span: MediaSpan) -> None:
        if span.path.name in self.hanging_media:
            time.sleep(3600)
        super().encode(span)

    def make(self, requests: Sequence[FoleyRequest], on_take: OnTake) -> list[ClipReceipt]:
        if len(requests) > self.room or (len(requests) > 1 and self._times("full") < self.full_times):
            self._note(f"full {len(requests)}")
            raise OutOfMemoryError(f"no memory for {len(requests)} takes")
        receipts = []
        for request in requests:
            self._perhaps_die(request.label)
            self._perhaps_break(request.label)
            assert self.studio
            known = self.studio.clips.find(request.key())
            if known is None:
                time.sleep(self.seconds_per_take)
                self._note(f"made {request.key()}")
            receipts.append(known or self._tone(request))
            on_take(receipts[-1])
        return receipts

    def _perhaps_die(self, label: str) -> None:
        if label in self.deadly_labels or (label in self.deadly_once and f"die {label}" not in self.lines()):
            self._note(f"die {label}")
            os.kill(os.getpid(), signal.SIGSEGV)
            time.sleep(60)

    def _perhaps_break(self, label: str) -> None:
        if label in self.faulty_once and f"break {label}" not in self.lines():
            self._note(f"break {label}")
            self.broken = True
        if self.broken:
            raise RuntimeError("CUDA error: an illegal memory access was encountered\nand a page more")

    def _times(self, word: str) -> int:
        return sum(line.startswith(word) for line in self.lines())

    def _note(self, line: str) -> None:
        with self.diary.open("a") as file:
            file.write(f"{line} {os.getpid()} {time.time():.3f}\n")

    def lines(self) -> list[str]:
        """What happened, without process and time."""
        text = self.diary.read_text() if self.diary.exists() else ""
        return [line.rsplit(" ", 2)[0] for line in text.splitlines()]

    @property
    def takes(self) -> Counter[str]:
        """How often each take was made."""
        return Counter(line.split()[1] for line in self.lines() if line.startswith("made"))
