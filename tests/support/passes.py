"""A pass without torch: small real movies and edits, a made-up model, and an engine that makes a tone at once."""

import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest

from flows.options import PassOptions, SharedOptions
from flows.work.engine import OnTake, Studio, use_engine
from pipeline.clip_store import put_or_set_aside
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.label import VocabularyLabel, ZeroShotLabel
from pipeline.records import SAMPLE_RATE_HZ, ClipReceipt, Detection, FoleyClip, FoleyRequest, MediaSpan, TakeScore
from pipeline.registries import FAMILIES
from pipeline.weights.registry import ModelCard
from timeline_io import guarded
from timeline_io.guarded_child import outcome

RATE = 24


@dataclass
class FakeEngine:
    """Hears `hears` in every picture and makes a tone for every label; fails where it is told to. Labels that are
    silent are not seen in any picture: a person's order is made all the same."""

    hears: tuple[ZeroShotLabel, ...] = (ZeroShotLabel(label="train passing", category="vehicles", confidence=0.8),)
    silent_labels: set[str] = field(default_factory=set)
    errors_by_label: dict[str, Exception] = field(default_factory=dict)
    errors_by_media: dict[str, Exception] = field(default_factory=dict)
    errors_by_seed: dict[int, Exception] = field(default_factory=dict)
    scores_by_seed: dict[int, TakeScore] = field(default_factory=dict)
    listened: list[MediaSpan] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    loads: int = 0
    studio: Studio | None = None

    def build(self, studio: Studio) -> "FakeEngine":
        self.loads += 1
        self.studio = studio
        return self

    def encode(self, span: MediaSpan) -> None:
        self.listened.append(span)
        if error := self.errors_by_media.get(span.path.name):
            raise error

    def spot(self, span: MediaSpan) -> tuple[ZeroShotLabel, ...]:
        return self.hears

    def detect(self, span: MediaSpan, label: str) -> Detection:
        return Detection(active_spans_s=() if label in self.silent_labels else ((0.6, 1.0),), confidence=0.7)

    def make(self, requests: Sequence[FoleyRequest], on_take: OnTake) -> list[ClipReceipt]:
        self.batches.append([request.label for request in requests])
        receipts = []
        for request in requests:
            if error := self.errors_by_label.get(request.label) or self.errors_by_seed.get(request.seed):
                raise error
            receipts.append(self._tone(request))
            on_take(receipts[-1])
        return receipts

    def _tone(self, request: FoleyRequest) -> ClipReceipt:
        assert self.studio
        count = math.ceil(request.span.duration_s * SAMPLE_RATE_HZ)
        times_s = np.arange(count) / SAMPLE_RATE_HZ
        tone = 0.1 * np.sin(2 * np.pi * (200 + request.seed % 400) * times_s)
        clip = FoleyClip(samples=tone[None].astype(np.float32), sample_rate_hz=SAMPLE_RATE_HZ)
        unseen = request.label in self.silent_labels and request.ordered and request.spans_s is None
        silent = request.label in self.silent_labels and not unseen
        spans = () if silent else ((0.0, float(request.span.duration_s)),) if unseen else ((0.6, 1.0),)
        score = self.scores_by_seed.get(request.seed)
        facts = {"active_spans_s": spans, "confidence": 0.7, "seconds": 0.01, "score": score, "unseen": unseen}
        return put_or_set_aside(self.studio.clips, request.key(), clip, **facts)

    @property
    def made(self) -> list[str]:
        return [label for batch in self.batches for label in batch]


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    with use_engine(fake.build):
        yield fake


@pytest.fixture(autouse=True)
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits are read in this process, wherever this fixture is imported: starting another takes longer than a small
    pass. That one's own tests are in timeline_io; the stories of bad input use it."""
    monkeypatch.setattr(guarded, "_run", _run_here)


def _run_here(job: bytes, path: Path, seconds: float) -> tuple[bytes, int]:
    """What the other process would print, and its status: 1 for what is no error of an edit."""
    _, (task, arguments, *_) = pickle.loads(job)
    try:
        return pickle.dumps(outcome(task, arguments)), 0
    except Exception:
        return b"", 1


def shared_of(options: PassOptions) -> SharedOptions:
    """The options that the edits of a night can share."""
    return SharedOptions(**{name: value for name, value in options if name in SharedOptions.model_fields})


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> ModelCard:
    """The made-up model; every pass of the test finds it, whatever it asks for."""
    monkeypatch.setattr("flows.planning.plan.find_model", lambda name: made_up_card())
    return made_up_card()


def made_up_card() -> ModelCard:
    """A model of two labels that knows drawn scenes only."""
    labels = (
        VocabularyLabel(text="train passing", category="vehicles", words=("train pass", "train")),
        VocabularyLabel(text="bouncing ball", category="props", words=("ball",)),
    )
    files = (
        "frame_adapter/time_local.safetensors",
        "temporal_adapter/diffusion_pytorch_model.safetensors",
        "detector/temporal.safetensors",
    )
    return ModelCard(
        name="mini",
        title="Made up",
        licence="Apache-2.0",
        domain="drawn scenes",
        folder=Path("/nowhere"),
        labels=labels,
        settings=AuffusionSettings(),
        files=dict.fromkeys(files, "0" * 64),
        structure={"frame_adapters": {"time_local": {"file": files[0]}}},
        procedural_only=True,
        closed_vocabulary=True,
        bundled=True,
        family=FAMILIES["auffusion"],
    )


@pytest.fixture(scope="session")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A two-second movie of that name; the content depends on the name."""
    folder = tmp_path_factory.mktemp("media")

    def make(name: str) -> Path:
        path = folder / name
        if not path.exists():
            _write_movie(path, brightness=sum(name.encode()) % 200)
        return path

    return make


@dataclass(kw_only=True)
class Cut:
    """One clip of a test edit, in frames."""

    name: str
    media: Path | None
    first: int = 12
    count: int = 24
    note: str = ""


@pytest.fixture
def edit_of(tmp_path: Path) -> Callable[..., Path]:
    """Write an edit of these cuts; `name` and `folder` say where."""

    def write(*cuts: Cut, name: str = "reel.otio", folder: Path | None = None) -> Path:
        return write_edit((folder or tmp_path) / name, cuts)

    return write


def write_edit(path: Path, cuts: Sequence[Cut]) -> Path:
    """An OTIO file with these cuts, one after the other from 01:00:00:00."""
    track = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video, children=[_clip(cut) for cut in cuts])
    start = otio.opentime.RationalTime(RATE * 3600, RATE)
    timeline = otio.schema.Timeline(name=path.stem, tracks=[track], global_start_time=start)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(timeline.to_json_string(), encoding="utf-8")
    return path


@pytest.fixture
def options(tmp_path: Path) -> PassOptions:
    return PassOptions(store=tmp_path / "store", preview=False)


def _clip(cut: Cut) -> otio.schema.Clip:
    def span(first: int, count: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(otio.opentime.RationalTime(first, RATE), otio.opentime.RationalTime(count, RATE))

    reference = otio.schema.ExternalReference(
        target_url=str(cut.media or "/nowhere/gone.mov"), available_range=span(0, 2 * RATE)
    )
    clip = otio.schema.Clip(name=cut.name, media_reference=reference, source_range=span(cut.first, cut.count))
    if cut.note:
        clip.markers.append(otio.schema.Marker(name=cut.note, marked_range=span(cut.first, 1)))
    return clip


def _write_movie(path: Path, brightness: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(RATE))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(2 * RATE):
            picture = np.full((48, 64, 3), (brightness + index) % 256, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
