"""The recipe of the bundled model: stages with what they need, each writing its parts in the bundle's layout.

    scenes ─┬─ clip ─┬─ embeddings ── frame adapters ────────┐
            │        └─ embeddings of moments ── detectors ──┤
            ├─ vae ── latents ── base ─── temporal adapter ──┼─ export
            └─ label-free controls, classifier ──────────────┘

The frame adapters stand on the base as well.

Every stage is seeded and resumable; a stage whose parts are there is not run again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from pipeline.files import atomically
from pipeline.generators.auffusion.frame_adapter import use_parallel_attention
from pipeline.nets.building import building
from pipeline.nets.clip import ClipEncoder, load_clip
from pipeline.training.classifier_stage import train_classifier
from pipeline.training.clip_stage import embed_scenes, label_embeddings, train_clip
from pipeline.training.dataset import open_scenes, render_scenes
from pipeline.training.detector_stage import (
    Truth,
    train_label_free,
    train_linear_detector,
    train_temporal_detector,
)
from pipeline.training.diffusion_stage import (
    Attention,
    SoundData,
    SoundModel,
    new_sound_model,
    train_base,
    train_frame_adapter,
    train_temporal_adapter,
)
from pipeline.training.loop import join_team
from pipeline.training.moments import any_moment, any_state
from pipeline.training.sizes import Effort, clip_config
from pipeline.training.vae_stage import encode_latents, mel_pictures, train_vae
from pipeline.training.vocabulary import write_open_clip_bpe, write_transformers_tokenizer

VALIDATION_SEED = 5_000_000
MOMENTS_SEED = 8_000_000
STATES_SEED = 9_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One process of one stage: where it works, how much it does, and its place in a team."""

    work: Path
    effort: Effort
    seed: int = 0
    rank: int = 0
    team_size: int = 1

    @property
    def parts(self) -> Path:
        """Finished parts, in the bundle's layout, fp32."""
        return self.work / "parts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A step of the recipe. `makes` names the file in the work folder whose presence says it is done."""

    run: Callable[[Job], None]
    makes: str
    needs: tuple[str, ...] = ()
    processes: int = 1


def is_done(stage: Stage, work: Path) -> bool:
    """Whether the stage's last file is there."""
    return (work / stage.makes).exists()


def _scenes(job: Job) -> None:
    render_scenes(job.work / "validation", count=job.effort.validation_scenes, first_seed=VALIDATION_SEED)
    render_scenes(job.work / "train", count=job.effort.scenes, first_seed=job.seed)


def _clip(job: Job) -> None:
    encoder = train_clip(job.work, open_scenes(job.work / "train"), steps=job.effort.clip, seed=job.seed)
    folder = job.parts / "clip"
    folder.mkdir(parents=True, exist_ok=True)
    vocab_size = write_open_clip_bpe(folder / "bpe.txt.gz")
    (folder / "config.json").write_text(json.dumps(clip_config(vocab_size), indent=2) + "\n", encoding="utf-8")
    _save(encoder.clip, folder / "model.safetensors")


def _embeddings(job: Job) -> None:
    encoder = load_clip(job.parts / "clip")
    for name in ("validation", "train"):
        _save_array(job.work / f"embeddings_{name}.npy", embed_scenes(encoder, open_scenes(job.work / name)))


def _moments(job: Job) -> None:
    moments, states = MOMENTS_SEED + job.seed, STATES_SEED + job.seed
    render_scenes(job.work / "moments", count=job.effort.moments, first_seed=moments, draw=any_moment)
    render_scenes(job.work / "states", count=job.effort.states, first_seed=states, draw=any_state)


def _moment_embeddings(job: Job) -> None:
    encoder = _delivered_clip(job)
    for name in ("states", "moments"):
        _save_array(job.work / f"embeddings_{name}.npy", embed_scenes(encoder, open_scenes(job.work / name)))


def _delivered_clip(job: Job) -> ClipEncoder:
    """The encoder as the bundle will hold it, in half precision: the one whose features the detectors will meet."""
    encoder = load_clip(job.parts / "clip")
    for value in encoder.clip.state_dict().values():
        if value.is_floating_point():
            value.copy_(value.half())
    return encoder


def _vae(job: Job) -> None:
    pictures = mel_pictures(open_scenes(job.work / "train"))
    vae = train_vae(job.work, pictures, steps=job.effort.vae, seed=job.seed)
    vae.save_pretrained(job.parts / "vae")


def _latents(job: Job) -> None:
    pictures = mel_pictures(open_scenes(job.work / "train"))
    with building():
        vae = AutoencoderKL.from_pretrained(job.parts / "vae").eval()
    _save_array(job.work / "latents.npy", encode_latents(vae, pictures).numpy())


def _base(job: Job) -> None:
    team = join_team(job.work / "base.meeting", job.rank, job.team_size)
    tokenizer_folder = job.work / f"tokenizer.rank{job.rank}"
    write_transformers_tokenizer(tokenizer_folder)
    model = new_sound_model(tokenizer_folder, seed=job.seed)
    train_base(job.work, model, _sound_data(job, embeddings=False), steps=job.effort.base, seed=job.seed, team=team)
    if job.rank == 0:
        write_transformers_tokenizer(job.parts / "tokenizer")
        model.text_encoder.save_pretrained(job.parts / "text_encoder")
        model.unet.save_pretrained(job.parts / "unet")


def _temporal_adapter(job: Job) -> None:
    data = _sound_data(job, embeddings=False)
    adapter = train_temporal_adapter(
        job.work, _sound_model(job), data, steps=job.effort.temporal_adapter, seed=job.seed
    )
    adapter.save_pretrained(job.parts / "temporal_adapter")


def _frame_adapter(job: Job, attention: Attention, path: str) -> None:
    adapter = train_frame_adapter(
        job.work,
        f"frame_adapter_{attention}",
        _sound_model(job),
        _sound_data(job, embeddings=True),
        attention=attention,
        steps=job.effort.frame_adapter,
        seed=job.seed,
    )
    _save(adapter, job.parts / path)


def _detectors(job: Job) -> None:
    names = ("moments", "states")
    truth = Truth.of(*(open_scenes(job.work / name) for name in names))
    embeddings = torch.cat([torch.from_numpy(np.load(job.work / f"embeddings_{name}.npy")) for name in names])
    encoder = _delivered_clip(job)
    labels = torch.stack([label_embeddings(encoder, i) for i in range(3)] + [label_embeddings(encoder)])
    steps, seed = job.effort.detectors, job.seed
    linear = train_linear_detector(job.work, truth, embeddings, labels, steps=steps, seed=seed)
    _save(linear, job.parts / "detector" / "linear.safetensors")
    temporal = train_temporal_detector(job.work, truth, embeddings, labels, steps=steps, seed=seed)
    _save(temporal, job.parts / "detector" / "temporal.safetensors")


def _label_free(job: Job) -> None:
    scenes = open_scenes(job.work / "train")
    onset = train_label_free(job.work, scenes, goal="onset", steps=job.effort.label_free, seed=job.seed)
    _save(onset, job.parts / "controls" / "onset.safetensors")
    presence = train_label_free(job.work, scenes, goal="presence", steps=job.effort.label_free, seed=job.seed)
    _save(presence, job.parts / "controls" / "presence.safetensors")


def _classifier(job: Job) -> None:
    scenes = open_scenes(job.work / "train")
    classifier = train_classifier(job.work, scenes, mel_pictures(scenes), steps=job.effort.classifier, seed=job.seed)
    _save(classifier, job.parts / "controls" / "classifier.safetensors")


@building()
def _sound_model(job: Job) -> SoundModel:
    unet = UNet2DConditionModel.from_pretrained(job.parts / "unet")
    use_parallel_attention(unet)
    text_encoder = CLIPTextModel.from_pretrained(job.parts / "text_encoder").eval()
    tokenizer = CLIPTokenizer.from_pretrained(job.parts / "tokenizer")
    return SoundModel(unet=unet, text_encoder=text_encoder, tokenizer=tokenizer)


def _sound_data(job: Job, *, embeddings: bool) -> SoundData:
    scenes = open_scenes(job.work / "train")
    target = np.asarray(scenes.target)
    rows = np.arange(len(target))
    return SoundData(
        latents=torch.from_numpy(np.load(job.work / "latents.npy")),
        target=torch.from_numpy(target),
        active=torch.from_numpy(np.asarray(scenes.audible)[rows, target]),
        level=torch.from_numpy(np.asarray(scenes.level)[rows, target]),
        embeddings=torch.from_numpy(np.load(job.work / "embeddings_train.npy")) if embeddings else torch.empty(0),
    )


def _save(module: nn.Module, path: Path) -> None:
    with atomically(path) as temporary:
        save_file({name: value.detach().contiguous() for name, value in module.state_dict().items()}, temporary)


def _save_array(path: Path, array: np.ndarray) -> None:
    with atomically(path) as temporary:
        np.save(temporary, array)


STAGES: dict[str, Stage] = {
    "scenes": Stage(run=_scenes, makes="train/done.json", processes=2),
    "moments": Stage(run=_moments, makes="states/done.json", processes=2),
    "vae": Stage(run=_vae, makes="parts/vae/diffusion_pytorch_model.safetensors", needs=("scenes",)),
    "clip": Stage(run=_clip, makes="parts/clip/model.safetensors", needs=("scenes",)),
    "latents": Stage(run=_latents, makes="latents.npy", needs=("vae",)),
    "embeddings": Stage(run=_embeddings, makes="embeddings_train.npy", needs=("clip",), processes=2),
    "moment_embeddings": Stage(
        run=_moment_embeddings, makes="embeddings_moments.npy", needs=("clip", "moments"), processes=2
    ),
    "base": Stage(run=_base, makes="parts/unet/diffusion_pytorch_model.safetensors", needs=("latents",), processes=2),
    "temporal_adapter": Stage(
        run=_temporal_adapter,
        makes="parts/temporal_adapter/diffusion_pytorch_model.safetensors",
        needs=("base",),
    ),
    "frame_adapter": Stage(
        run=partial(_frame_adapter, attention="time_local", path="frame_adapter/time_local.safetensors"),
        makes="parts/frame_adapter/time_local.safetensors",
        needs=("base", "embeddings"),
    ),
    "literal_frame_adapter": Stage(
        run=partial(_frame_adapter, attention="literal", path="controls/literal.safetensors"),
        makes="parts/controls/literal.safetensors",
        needs=("base", "embeddings"),
    ),
    "clip_wise_frame_adapter": Stage(
        run=partial(_frame_adapter, attention="clip_wise", path="controls/clip_wise.safetensors"),
        makes="parts/controls/clip_wise.safetensors",
        needs=("base", "embeddings"),
    ),
    "detectors": Stage(run=_detectors, makes="parts/detector/temporal.safetensors", needs=("moment_embeddings",)),
    "label_free": Stage(run=_label_free, makes="parts/controls/presence.safetensors", needs=("scenes",)),
    "classifier": Stage(run=_classifier, makes="parts/controls/classifier.safetensors", needs=("scenes",)),
}
