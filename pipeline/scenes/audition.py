"""Three short sounds to judge a model by ear: drawn scenes in, WAV files out, through the whole chain."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from pipeline.clip_store import ClipStore, FeatureStore
from pipeline.generate import generate_takes
from pipeline.generators.components import load_model
from pipeline.probe import probe_movie
from pipeline.records import FoleyRequest, MediaSpan
from pipeline.scenes.catalogue import source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import make_scene

_SCENES = ("train", "door", "rain")
_DURATION_S = 4
_RATE = Fraction(25)


def write_audition_set(model: str, folder: Path, *, device: str = "auto", steps: int | None = None) -> list[Path]:
    """One take of each of three drawn scenes, by a model's name or folder; the WAV files, with the movies beside them.

    steps: fewer than the model's own, for a quick look. Raises WeightsError, MediaError or OutputError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bundle = load_model(model, device=device)
    settings = bundle.card.settings if steps is None else replace(bundle.card.settings, steps=steps)
    requests = [
        FoleyRequest(
            span=_film(name, folder),
            label=source_named(name).label,
            seed=0,
            settings_digest=settings.digest(),
            model_digest=bundle.digest,
        )
        for name in _SCENES
    ]
    with tempfile.TemporaryDirectory() as work:
        stores = FeatureStore(Path(work) / "features"), ClipStore(Path(work) / "takes")
        receipts = generate_takes(requests, bundle, settings, *stores)
        return [Path(shutil.copyfile(r.wav, folder / f"{n}.wav")) for n, r in zip(_SCENES, receipts, strict=True)]


def _film(name: str, folder: Path) -> MediaSpan:
    scene = make_scene(1, _DURATION_S, target=source_named(name), others=())
    movie = write_scene_movie(scene, folder / f"{name}.mp4", rate=_RATE, size=256)
    digest = probe_movie(movie).digest
    return MediaSpan(path=movie, digest=digest, start_s=Fraction(0), duration_s=Fraction(_DURATION_S))
