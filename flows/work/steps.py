"""The steps of a pass as plain functions: they know nothing of Prefect, and what they return is tiny.

listen        one shot: look at it once, decide its cues, see which takes the store holds already
make_takes    up to eight cues: make them, by halves when the batch as a whole fails
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from flows.errors import EngineLostError
from flows.planning.spotting import heard_by_clip
from flows.shot_job import CueJob, ShotJob, Spotted, cue_jobs
from flows.work.boundary import Failure, attempt
from flows.work.engine import Studio, resident
from flows.work.footprint import Footprint, footprint
from pipeline.errors import OutOfMemoryError, first_line
from pipeline.records import ClipReceipt, FoleyRequest, feature_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a shot is to get. `stored` are the takes the store held already; `failure` says why there is nothing, and
    `retryable` whether another try may help."""

    shot_id: str
    cues: tuple[CueJob, ...] = ()
    stored: tuple[ClipReceipt, ...] = ()
    failure: str = ""
    retryable: bool = False

    def missing(self) -> tuple[FoleyRequest, ...]:
        """The requests that still have to be made."""
        held = {receipt.key for receipt in self.stored}
        return tuple(cue.request for cue in self.cues if cue.request.key() not in held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """How one request came out: a receipt, or the reason why there is none, and whether another try may help.
    `footprint` is that of the process that made it."""

    key: str
    receipt: ClipReceipt | None = None
    failure: str = ""
    retryable: bool = False
    footprint: Footprint | None = None


class StoppedError(Exception):
    """The person asked the pass to stop."""


STOP = threading.Event()


def known_before_looking(job: ShotJob, studio: Studio) -> Heard | None:
    """The shot's cues and takes when all of them are known and made; None when there is work to do."""
    spotted = job.given
    if spotted is None:
        spotted = studio.spots.find(feature_key(job.span, studio.model_digest), studio.settings_digest)
    if spotted is None:
        return None
    heard = _heard(job, spotted, studio)
    return None if heard.missing() else heard


def listen(job: ShotJob, studio: Studio) -> Heard:
    """Look at a shot and decide its cues. What goes wrong with the shot is its `failure`.

    Raises EngineLostError when the device failed, WeightsError when the model is broken; so does `make_takes`.
    """
    heard = attempt(_listen, job, studio)
    if isinstance(heard, Failure):
        return Heard(shot_id=job.shot_id, failure=heard.reason, retryable=heard.retryable)
    return heard


def make_takes(requests: Sequence[FoleyRequest], studio: Studio) -> tuple[Take, ...]:
    """Make a batch, in order: a request that cannot be made does not take the others with it.

    A batch that fails (out of memory, one bad request) is halved until what fails is alone; takes made before that are
    in the store and not made again.
    """
    batch = attempt(_make, requests, studio)
    if not isinstance(batch, Failure):
        return batch
    if len(requests) == 1:
        return (Take(key=requests[0].key(), failure=batch.reason, retryable=batch.retryable),)
    middle = len(requests) // 2
    return make_takes(requests[:middle], studio) + make_takes(requests[middle:], studio)


def _listen(job: ShotJob, studio: Studio) -> Heard:
    _stop_if_asked()
    with _device_errors():
        found = resident(studio).listen(job.span, ask=job.given is None)
    if job.given is not None:
        return _heard(job, job.given, studio)
    spotted = heard_by_clip(found)
    studio.spots.put(feature_key(job.span, studio.model_digest), studio.settings_digest, spotted)
    return _heard(job, spotted, studio)


def _heard(job: ShotJob, spotted: tuple[Spotted, ...], studio: Studio) -> Heard:
    cues = cue_jobs(job, spotted, settings_digest=studio.settings_digest, model_digest=studio.model_digest)
    found = (studio.clips.find(cue.request.key()) for cue in cues)
    return Heard(shot_id=job.shot_id, cues=cues, stored=tuple(receipt for receipt in found if receipt))


def _make(requests: Sequence[FoleyRequest], studio: Studio) -> tuple[Take, ...]:
    _stop_if_asked()
    with _device_errors():
        receipts = resident(studio).make(requests, lambda receipt: _stop_if_asked())
    memory = footprint()
    return tuple(Take(key=receipt.key, receipt=receipt, footprint=memory) for receipt in receipts)


@contextmanager
def _device_errors() -> Iterator[None]:
    """What a device says through torch, in our words. Told by name: who works elsewhere has not loaded torch."""
    try:
        yield
    except RuntimeError as error:
        said = first_line(error)
        if type(error).__name__ == "OutOfMemoryError":
            raise OutOfMemoryError("the device ran out of memory") from error
        if type(error).__name__ == "AcceleratorError" or said.startswith("CUDA error"):
            # Nothing works on a GPU after that until its process is another one.
            raise EngineLostError(f"the GPU failed ({said})") from error
        raise


def _stop_if_asked() -> None:
    if STOP.is_set():
        raise StoppedError("the pass was stopped")
