"""Measures a pass from its events: how much of each stage is done, how much is left, how fast it goes.

A stage is timed only while it has work for all its hands: the first shot waits for the model, and a maker that waits
for listeners is not slow. Everything here is plain arithmetic on times that are handed in, so a test needs no clock.
"""

from flows.desk import PassEvent
from flows.planning.plan import PassPlan
from flows.records import PassReport
from flows.watching.pace import Measured, look_s
from flows.work.footprint import Footprint, footprint
from flows.work.steps import BATCH_SIZE, Heard, Take
from flows.work.workshop import LISTENERS

_Shot = tuple[str, str]  # the edit's stem, the shot's id
_HALF_LIFE = 0.15  # of the whole stage: what was measured longer ago than that counts half


class Meter:
    """Seconds per amount of work, with what was measured lately counting more."""

    def __init__(self) -> None:
        self.amount = 0.0
        self.seconds = 0.0
        self.count = 0
        self._lately = (0.0, 0.0)

    def add(self, amount: float, seconds: float, *, whole: float) -> None:
        """So much was done in so long; `whole` is the amount of the whole stage."""
        self.amount += amount
        self.seconds += max(0.0, seconds)
        self.count += 1
        keep = 0.5 ** (amount / (_HALF_LIFE * whole)) if whole > 0 else 1.0
        self._lately = (self._lately[0] * keep + amount, self._lately[1] * keep + max(0.0, seconds))

    @property
    def rate(self) -> float | None:
        """Seconds per amount of late; None before anything was measured."""
        amount, seconds = self._lately
        return seconds / amount if amount > 0 else None

    @property
    def usual_amount(self) -> float:
        """How much comes at once."""
        return self.amount / self.count if self.count else 0.0

    def measured(self, hands: int = 1) -> dict[str, float]:
        """What `Measured` needs, over the whole pass, with `hands` at work."""
        return {"value": self.seconds * hands / self.amount, "amount": self.amount}


class Stopwatch:
    """Amounts and rates of the pass that is going on: listening in seconds of shot, making in seconds of sound."""

    def __init__(self, *, listeners: int = LISTENERS, devices: int = 1) -> None:
        self.listeners, self.devices = listeners, devices
        self.listening, self.making, self.laying, self.planning = Meter(), Meter(), Meter(), Meter()
        self.heard_s = self.unheard_s = self.told_sound_s = self.open_s = 0.0
        self.asked_s = self.unmade_s = 0.0
        self.open_heard_s = self.open_asked_s = 0.0
        self.unlaid_shots = 0
        self.load_since: float | None = None
        self.load_s: float | None = None
        self.last: dict[str, float] = {}
        self._unheard: dict[_Shot, tuple[float, float, int | None]] = {}
        self._unheard_job_s = 0.0
        self._unmade: dict[str, float] = {}
        self._work = (0.0, 0.0)
        self._movie = (0.0, 0.0)
        self._edit = ""
        self._warm = 0
        self._footprint = Footprint()
        self._making_since: float | None = None
        self._laying_since: dict[str, float] = {}

    @property
    def heard_all(self) -> bool:
        """Nothing is left to listen to."""
        return not self._unheard

    @property
    def cues_waiting(self) -> int:
        """Takes that are wanted and not made yet."""
        return len(self._unmade)

    @property
    def makers_busy(self) -> bool:
        """Whether all makers have work: a small batch is not begun before all is heard."""
        return len(self._unmade) >= BATCH_SIZE * self.devices or (self.heard_all and bool(self._unmade))

    @property
    def usual_batch_s(self) -> float:
        """Seconds of sound in a batch: as measured, else as long as the shots that are still to be heard."""
        return self.making.usual_amount or BATCH_SIZE * self._unheard_job_s / max(1, len(self._unheard))

    def note(self, event: PassEvent, now_s: float) -> None:
        """Take an event into account that came at `now_s`, seconds on a clock that never goes back."""
        self._edit = event.edit or (event.plan.edit.path.stem if event.plan else self._edit)
        if event.plan:
            self._note_plan(event.plan, now_s)
        elif event.stage == "load":
            self.load_since = now_s
        elif event.heard:
            self._note_heard(event.heard, now_s)
        elif event.takes:
            self._note_takes(event.takes, now_s)
        elif event.stage == "lay":
            self._laying_since.setdefault(self._edit, now_s)
        elif event.report:
            self._note_laid(event.report, now_s)

    def seen(self) -> dict[str, Measured]:
        """What this pass taught about the machine, for `PaceBook.learn`; nothing of stages that were not timed."""
        found = self._peaks() if self.heard_s or self.asked_s else {}
        for name, meter, hands in (
            ("listen", self.listening, self.listeners),
            ("make_wall", self.making, self.devices),
            ("lay", self.laying, 1),
            ("plan", self.planning, 1),
        ):
            if meter.amount:
                found[name] = Measured(**meter.measured(hands))
        for name, (value, amount) in {"make": self._work, "movie": self._movie}.items():
            if amount:
                found[name] = Measured(value=value / amount, amount=amount)
        if self.open_heard_s:
            found["sound"] = Measured(value=self.open_asked_s / self.open_heard_s, amount=self.open_heard_s)
        if self.load_s is not None:
            found["load_s"] = Measured(value=self.load_s)
        return found

    def _peaks(self) -> dict[str, Measured]:
        """The most memory that one process took, be it this one or one that made takes."""
        most = footprint().beside(self._footprint)
        found = {"memory_mb": most.memory_mb, "gpu_mb": most.gpu_mb}
        return {name: Measured(value=size) for name, size in found.items() if size is not None}

    def _note_plan(self, plan: PassPlan, now_s: float) -> None:
        if "plan" in self.last:
            self.planning.add(len(plan.edit.shots), now_s - self.last["plan"], whole=0)
        self.last["plan"] = now_s
        self.unlaid_shots += len(plan.edit.shots)
        for job in plan.to_do:
            seconds, to_look = float(job.span.duration_s), look_s(job, plan.studio)
            told = None if job.given is None else len(job.given) * job.takes
            self._unheard[self._edit, job.shot_id] = (seconds, to_look, told)
            self._count_unheard(seconds, to_look, told, 1)

    def _count_unheard(self, seconds: float, to_look: float, told: int | None, sign: int) -> None:
        self.unheard_s += sign * to_look
        self._unheard_job_s += sign * seconds
        if told is None:
            self.open_s += sign * seconds
        else:
            self.told_sound_s += sign * seconds * told

    def _note_heard(self, heard: Heard, now_s: float) -> None:
        known = self._unheard.pop((self._edit, heard.shot_id), None)
        if known is None:
            return  # its takes were all in the store: nobody listened
        seconds, to_look, told = known
        self._count_unheard(seconds, to_look, told, -1)
        self.heard_s += to_look
        self._time_listening(to_look, now_s)
        missing = {request.key(): float(request.span.duration_s) for request in heard.missing()}
        new_s = sum(length for key, length in missing.items() if key not in self._unmade)
        self._unmade |= missing
        self.asked_s += new_s
        self.unmade_s += new_s
        if told is None and not heard.failure:
            self.open_heard_s += seconds
            self.open_asked_s += new_s
        if self._making_since is None and self.makers_busy:
            self._making_since = now_s

    def _time_listening(self, seconds: float, now_s: float) -> None:
        """The first shot of each hand is not timed: it waited for the model, or for an edit to be read."""
        if self._warm < self.listeners:
            self._warm += 1
        elif seconds:
            self.listening.add(seconds, now_s - self.last["listen"], whole=self.heard_s + self.unheard_s)
        if self.load_since is not None and self.load_s is None:
            self.load_s = max(0.0, now_s - self.load_since)
        self.last["listen"] = now_s
        if not self._unheard:
            self._warm = 0

    def _note_takes(self, takes: tuple[Take, ...], now_s: float) -> None:
        done_s = sum(self._unmade.pop(take.key, 0.0) for take in takes)
        self.unmade_s = max(0.0, self.unmade_s - done_s)
        for take in takes:
            self._footprint = self._footprint.beside(take.footprint or Footprint())
        receipts = [take.receipt for take in takes if take.receipt]
        work_s = sum(receipt.seconds for receipt in receipts)
        sound_s = sum(receipt.samples / receipt.sample_rate_hz for receipt in receipts)
        self._work = (self._work[0] + work_s, self._work[1] + sound_s)
        if self._making_since is not None and done_s:
            self.making.add(done_s, now_s - self._making_since, whole=self.asked_s + self.told_sound_s)
        self._making_since = now_s if self.makers_busy else None
        self.last["make"] = now_s

    def _note_laid(self, report: PassReport, now_s: float) -> None:
        shots = sum(bool(shot.shot_id) for shot in report.shots)
        self.unlaid_shots = max(0, self.unlaid_shots - shots)
        since = self._laying_since.pop(self._edit, None)
        if since is not None and shots:
            self.laying.add(shots, now_s - since, whole=shots + self.unlaid_shots)
        self.last["lay"] = now_s
        preview = report.outputs.preview
        if preview and preview.is_file():
            seconds = float(sum(shot.frame_count for shot in report.shots if shot.shot_id) / report.rate)
            self._movie = (self._movie[0] + preview.stat().st_size, self._movie[1] + seconds)

    def laying_since(self) -> float | None:
        """When the laying that is going on began."""
        return min(self._laying_since.values(), default=None)
