"""What is done where the engine is, as plain functions: they know nothing of Prefect, and what they return is tiny.

encode        one shot: look at it once, frame by frame; what CLIP saw is kept in the store
detect        one shot: decide its cues, see when each sounds, and which takes the store holds already
make_takes    up to eight cues: make them, by halves when the batch as a whole fails

A Failure is what is wrong with the shot or the request. Raised is what no other could be worked on with either:
EngineLostError when the device failed, WeightsError when the model is broken.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from flows.errors import EngineLostError
from flows.planning.spotting import heard_by_clip
from flows.shot_job import CueJob, ShotJob, Spotted, cue_jobs
from flows.work.boundary import Failure, attempt
from flows.work.engine import Engine, Studio, resident
from flows.work.footprint import Footprint, footprint
from pipeline.errors import OutOfMemoryError, PipelineError, first_line
from pipeline.records import ClipReceipt, Detection, FoleyRequest, feature_key

BATCH_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a shot is to get. `detected` is when each label that is to be made sounds; `stored` are the takes the store
    held already; `failure` says why there is nothing."""

    shot_id: str
    cues: tuple[CueJob, ...] = ()
    detected: Mapping[str, Detection] = field(default_factory=dict)
    stored: tuple[ClipReceipt, ...] = ()
    failure: str = ""

    def missing(self) -> tuple[FoleyRequest, ...]:
        """The requests that still have to be made."""
        held = {receipt.key for receipt in self.stored}
        return tuple(cue.request for cue in self.cues if cue.request.key() not in held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """How one request came out: a receipt, or the reason why there is none. `footprint` is that of the process that
    made it."""

    key: str
    receipt: ClipReceipt | None = None
    failure: str = ""
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


def encode(job: ShotJob, studio: Studio) -> str | Failure:
    """Look at a shot; under which key the store has what was seen."""
    return attempt(_encode, job, studio)


def detect(job: ShotJob, studio: Studio) -> Heard | Failure:
    """Decide the cues of a shot that was encoded: those that are given, else those that CLIP sees."""
    return attempt(_detect, job, studio)


def make_takes(requests: Sequence[FoleyRequest], studio: Studio) -> tuple[Take | Failure, ...]:
    """Make a batch, in order: a request that cannot be made does not take the others with it.

    A batch that fails (out of memory, one bad request) is halved until what fails is alone; takes made before that are
    in the store and not made again.
    """
    batch = attempt(_make, requests, studio)
    if not isinstance(batch, Failure):
        return batch
    if len(requests) == 1:
        return (batch,)
    middle = len(requests) // 2
    return make_takes(requests[:middle], studio) + make_takes(requests[middle:], studio)


def _encode(job: ShotJob, studio: Studio) -> str:
    _stop_if_asked()
    with _device_errors():
        resident(studio).encode(job.span)
    return feature_key(job.span, studio.model_digest, studio.settings.encode_digest())


def _detect(job: ShotJob, studio: Studio) -> Heard:
    _stop_if_asked()
    with _device_errors():
        heard = _heard(job, _spotted(job, studio) if job.given is None else job.given, studio)
        return replace(heard, detected=_detections(heard, job, resident(studio)))


def _spotted(job: ShotJob, studio: Studio) -> tuple[Spotted, ...]:
    spotted = heard_by_clip(resident(studio).spot(job.span))
    studio.spots.put(feature_key(job.span, studio.model_digest), studio.settings_digest, spotted)
    return spotted


def _detections(heard: Heard, job: ShotJob, engine: Engine) -> dict[str, Detection]:
    found = {}
    for label in dict.fromkeys(request.label for request in heard.missing()):
        # A label that the model cannot have is said where its take is made: that cue fails, not its shot.
        with suppress(PipelineError):
            found[label] = engine.detect(job.span, label)
    return found


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
