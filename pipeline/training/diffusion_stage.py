"""Train the sound model: the text-to-audio base, then, with the base frozen, the temporal and the frame adapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from diffusers import ControlNetModel, DDPMScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from pipeline.generators.auffusion.frame_adapter import FrameAdapter, FrameContext, use_parallel_attention
from pipeline.generators.auffusion.temporal import level_at_columns, presence_at_columns
from pipeline.generators.auffusion.temporal_adapter import condition_image, temporal_adapter_for
from pipeline.nets.building import building
from pipeline.scenes.catalogue import SOURCES
from pipeline.training.loop import Progress, Team, TrainingLoop
from pipeline.training.sizes import (
    CONDITION_CHANNELS,
    CONDITION_EMBEDDING,
    EMBED_DIM,
    GRID,
    LATENT_ROWS,
    MEL,
    SCENE_LATENTS,
    SCHEDULER,
    TEXT_LENGTH,
    UNET,
    text_encoder_config,
)

Attention = Literal["time_local", "literal", "clip_wise"]
_BATCH = 24
_DROP = 0.1
_SHORT_CROP = 16
_SHORT_UNTIL = 0.6
_LEVEL_UNKNOWN = 0.4
_LEVEL_NOISE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoundData:
    """What the diffusion stages learn from: N scenes.

    latents (N, C, rows, columns) · target (N,) · active bool (N, T) and level 0..1 (N, T) of the target ·
    embeddings (N, T, D) of the frames.
    """

    latents: Tensor
    target: Tensor
    active: Tensor
    level: Tensor
    embeddings: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoundModel:
    """The text-to-audio base."""

    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer


@building()
def new_sound_model(tokenizer_folder: Path, *, seed: int) -> SoundModel:
    """A fresh base of the bundled size."""
    torch.manual_seed(seed)
    tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
    text_encoder = CLIPTextModel(CLIPTextConfig(**text_encoder_config(len(tokenizer))))
    unet = UNet2DConditionModel(**UNET)
    use_parallel_attention(unet)
    return SoundModel(unet=unet, text_encoder=text_encoder, tokenizer=tokenizer)


def train_base(work: Path, model: SoundModel, data: SoundData, *, steps: int, seed: int, team: Team) -> None:
    """Train UNet and text encoder together, on short crops first and then on whole scenes."""
    phrases = phrase_tokens(model)
    loop = TrainingLoop(
        "base",
        work,
        [model.unet, model.text_encoder],
        steps=steps,
        learning_rate=8e-4,
        seed=seed,
        ema_decay=0.997,
        team=team,
    )

    def loss(progress: Progress) -> Tensor:
        which = torch.randint(len(data.latents), (_BATCH,))
        latents = data.latents[which].float()
        if progress.fraction < _SHORT_UNTIL:
            start = int(torch.randint(SCENE_LATENTS - _SHORT_CROP + 1, ()))
            latents = latents[..., start : start + _SHORT_CROP]
        text = _drop_text(phrase_states(model, phrases), data.target[which])
        return velocity_loss(model.unet, latents, text)

    loop.run(loss)


def train_temporal_adapter(work: Path, model: SoundModel, data: SoundData, *, steps: int, seed: int) -> ControlNetModel:
    """Train a ControlNet on true presence and level; the level is left unknown for a share of the scenes."""
    with building():
        torch.manual_seed(seed)
        adapter = temporal_adapter_for(
            model.unet, conditioning_channels=CONDITION_CHANNELS, embedding_channels=CONDITION_EMBEDDING
        )
        use_parallel_attention(adapter)
    model.unet.requires_grad_(False)
    with torch.no_grad():
        states = phrase_states(model, phrase_tokens(model))
    loop = TrainingLoop(
        "temporal_adapter", work, [adapter], steps=steps, learning_rate=8e-4, seed=seed, ema_decay=0.995
    )

    def loss(progress: Progress) -> Tensor:
        which = torch.randint(len(data.latents), (_BATCH,))
        text = _drop_text(states, data.target[which])
        image = _noisy_condition(data.active[which], data.level[which].float())
        return velocity_loss(model.unet, data.latents[which].float(), text, adapter=adapter, condition=image)

    loop.run(loss)
    return adapter.eval()


def _noisy_condition(active: Tensor, level: Tensor) -> Tensor:
    """Condition pictures with the errors a detector makes: the level wanders a little, or is not known."""
    drift = F.interpolate(torch.randn(len(level), 1, 9), level.shape[-1], mode="linear")[:, 0]
    rows = level_at_columns(level + _LEVEL_NOISE * drift, GRID.columns_per_frame)
    image = condition_image(
        presence_at_columns(active, GRID.columns_per_frame),
        rows.clamp(0, 1),
        bands=MEL.bands,
        channels=CONDITION_CHANNELS,
    )
    unknown = torch.rand(len(level)) < _LEVEL_UNKNOWN
    image[unknown, 1] = 0.0
    return image


def train_frame_adapter(
    work: Path, name: str, model: SoundModel, data: SoundData, *, attention: Attention, steps: int, seed: int
) -> FrameAdapter:
    """Train the projection and the new K and V; everything else is frozen."""
    with building():
        torch.manual_seed(seed)
        adapter = FrameAdapter(model.unet, embed_dim=EMBED_DIM, tokens_per_frame=4 if attention == "clip_wise" else 1)
        adapter.start_from_text(model.unet)
    model.unet.requires_grad_(False)
    with torch.no_grad():
        states = phrase_states(model, phrase_tokens(model))
    loop = TrainingLoop(name, work, [adapter], steps=steps, learning_rate=8e-4, seed=seed, ema_decay=0.99)

    def loss(progress: Progress) -> Tensor:
        which = torch.randint(len(data.latents), (_BATCH,))
        text = _drop_text(states, data.target[which])
        keep = (torch.rand(_BATCH) >= _DROP).float()[:, None, None]
        embeddings = data.embeddings[which].float() * keep
        frames = frame_context(adapter, embeddings, attention)
        return velocity_loss(model.unet, data.latents[which].float(), text, frames=frames)

    loop.run(loss)
    return adapter.eval()


def frame_context(adapter: FrameAdapter, embeddings: Tensor, attention: Attention) -> FrameContext:
    """Keys and values for a batch of whole training scenes."""
    if attention == "clip_wise":
        embeddings = embeddings.mean(1, keepdim=True)
    times = torch.from_numpy(GRID.frame_times(embeddings.shape[1])).float()
    return adapter.prepare(
        embeddings,
        times_s=times if attention == "time_local" else None,
        rows=LATENT_ROWS,
        columns=SCENE_LATENTS,
        canvas_s=float(SCENE_LATENTS * GRID.columns_per_latent * GRID.column_s),
    )


def velocity_loss(
    unet: UNet2DConditionModel,
    latents: Tensor,
    text: Tensor,
    *,
    adapter: ControlNetModel | None = None,
    condition: Tensor | None = None,
    frames: FrameContext | None = None,
) -> Tensor:
    """Mean squared error of the predicted velocity at random noise levels (Salimans and Ho 2022)."""
    scheduler = DDPMScheduler(**SCHEDULER, clip_sample=False)
    noise = torch.randn_like(latents)
    steps = torch.randint(SCHEDULER["num_train_timesteps"], (len(latents),))
    noisy = scheduler.add_noise(latents, noise, steps)
    residuals = {}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        if adapter is not None:
            down, mid = adapter(noisy, steps, text, condition, return_dict=False)
            residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
        predicted = unet(
            noisy, steps, encoder_hidden_states=text, cross_attention_kwargs={"frames": frames}, **residuals
        ).sample
    return F.mse_loss(predicted.float(), scheduler.get_velocity(latents, noise, steps))


def phrase_tokens(model: SoundModel) -> Tensor:
    """Token numbers of all phrases of all sources and, last, of the empty prompt: (sources * 3 + 1, length)."""
    phrases = [phrase for source in SOURCES for phrase in source.phrases]
    tokens = model.tokenizer(
        [*phrases, ""], padding="max_length", max_length=TEXT_LENGTH, truncation=True, return_tensors="pt"
    )
    ids: Tensor = tokens.input_ids
    return ids


def phrase_states(model: SoundModel, tokens: Tensor) -> Tensor:
    """Hidden states of the phrases, (sources * 3 + 1, length, D)."""
    states: Tensor = model.text_encoder(tokens).last_hidden_state
    return states


def _drop_text(states: Tensor, target: Tensor) -> Tensor:
    """A random phrase for each target; a tenth of them become the empty prompt, for guidance."""
    chosen = target * 3 + torch.randint(3, target.shape)
    chosen = torch.where(torch.rand(target.shape) < _DROP, len(states) - 1, chosen)
    return states[chosen]
