"""From noise to the latents of sounds. Work done once per take is in `plan_denoising`, work per step in `denoise`.

Takes are denoised together, their windows in common batches; each has its own noise, sampler, text and frames, so none
knows of the others (diffusers' own pipelines would show every shot the frames of all).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.generators.auffusion.components import AuffusionComponents
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.generators.auffusion.temporal import level_at_columns, presence_at_columns
from pipeline.generators.auffusion.temporal_adapter import condition_rows
from pipeline.generators.auffusion.window_batch import Stage, WindowBatches, WindowPlan
from pipeline.generators.auffusion.windows import Window, hann_weights, split
from pipeline.legacy import legacy_time_row
from pipeline.near_duplicates import unique_runs
from pipeline.nets.label_detector import unit_level
from pipeline.records import ShotFeatures, TemporalCondition
from pipeline.runtime import take_noise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DenoisingPlan:
    """Everything about a take that does not change from step to step. noise: (1, C, rows, columns)."""

    windows: tuple[WindowPlan, ...]
    noise: Tensor


def plan_denoising(
    label: str,
    seed: int,
    features: ShotFeatures,
    condition: TemporalCondition,
    model: AuffusionComponents,
    settings: AuffusionSettings,
    *,
    duration_s: Fraction | None = None,
) -> DenoisingPlan:
    """Text, frames, on/off rows and noise of one take, `duration_s` long or else as long as its frames are shown."""
    grid = model.grid
    columns = grid.latents_for(duration_s or len(features.clip.times_s) * features.clip.step_s)
    longest = grid.window_latents * (2 if settings.canvas == "wide" else 1)
    if settings.canvas == "full":
        columns = max(columns, grid.window_latents)
    windows = split(columns, longest, grid.latents_multiple)
    rows = _condition_rows(columns * grid.columns_per_latent, condition, model, settings)
    text = torch.cat([model.prompt_states(settings.negative_prompt), model.prompt_states(label)])
    plans = tuple(
        WindowPlan(
            window=window,
            weight=weight.to(model.device),
            text=text,
            condition=_window_of(rows, window, grid.columns_per_latent),
            **_frames_of(window, features, model, settings),
        )
        for window, weight in zip(windows, hann_weights(windows, columns), strict=True)
    )
    channels = int(model.unet.config.in_channels)
    noise = take_noise(seed, (1, channels, model.latent_rows, columns)).to(model.device)
    return DenoisingPlan(windows=plans, noise=noise)


def denoise(plans: Sequence[DenoisingPlan], model: AuffusionComponents, settings: AuffusionSettings) -> list[Tensor]:
    """Noise -> latents (1, C, rows, columns) of each take.

    At every step each window's guided prediction is averaged into its take's canvas with Hann weights, then the
    sampler steps on the whole canvas. Raises OutOfMemoryError when not even one window fits the device.
    """
    samplers = [model.sampler(settings.sampler, settings.steps) for _ in plans]
    latents = [plan.noise * sampler.init_noise_sigma for plan, sampler in zip(plans, samplers, strict=True)]
    with model.on_device("unet", "temporal_adapter"):
        batches = WindowBatches([plan.windows for plan in plans], model, settings)
        steps = samplers[0].timesteps if samplers else ()
        for index, step in enumerate(steps):
            predictions = batches.predict(latents, step, Stage.at(index, len(steps), settings))
            latents = [
                sampler.step(prediction, step, latent, return_dict=False)[0]
                for sampler, prediction, latent in zip(samplers, predictions, latents, strict=True)
            ]
    return latents


def _frames_of(
    window: Window, features: ShotFeatures, model: AuffusionComponents, settings: AuffusionSettings
) -> dict[str, Tensor | None]:
    """What the frame adapter is to see in one window: embeddings (1, F, D), their weights and times."""
    if settings.frame_attention == "off" or settings.frame_scale == 0:
        return {}
    per_frame = features.clip.step_s / model.grid.column_s
    which = model.grid.at_columns_per_frame(per_frame).frames_in(window.first, window.count)
    frames = features.clip.values[which]
    if settings.frame_attention == "time_local":
        start_s = float(window.first * model.grid.columns_per_latent * model.grid.column_s)
        times_s = torch.from_numpy(features.clip.times_s[which] - start_s).float()
        return {"frames": _row(frames, model), "times_s": times_s.to(model.device)}
    if settings.frame_attention == "clip_wise":
        return {"frames": _row(frames.mean(axis=0, keepdims=True), model)}
    unique, counts = unique_runs(frames)
    return {"frames": _row(unique, model), "log_counts": _row(np.log(counts).astype(np.float32), model)}


def _row(array: np.ndarray, model: AuffusionComponents) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(model.device)[None]


def _condition_rows(
    columns: int, condition: TemporalCondition, model: AuffusionComponents, settings: AuffusionSettings
) -> Tensor | None:
    """The temporal adapter's input as rows (1, channels, columns), off beyond the shot; None when it is not asked."""
    if settings.temporal_scale == 0:
        return None
    if "time_grid" in settings.quirks and columns <= model.grid.window_latents * model.grid.columns_per_latent:
        row = legacy_time_row(condition.active, condition.duration_s)
        return torch.from_numpy(row).float()[None, None, :columns].to(model.device)
    per_step: Fraction = condition.step_s / model.grid.column_s
    active = presence_at_columns(torch.from_numpy(condition.active)[None], per_step)
    level = None
    if condition.level_db is not None:
        level = level_at_columns(torch.from_numpy(unit_level(condition.level_db)).float()[None], per_step)
        level = _to_width(level, columns)
    return condition_rows(_to_width(active, columns), level, channels=model.condition_channels).to(model.device)


def _to_width(row: Tensor, columns: int) -> Tensor:
    """Cut or filled with zeros to `columns`: the last CLIP frame may reach beyond the canvas."""
    return F.pad(row, (0, columns - row.shape[-1]))


def _window_of(rows: Tensor | None, window: Window, columns_per_latent: int) -> Tensor | None:
    """The window's share of the condition rows."""
    if rows is None:
        return None
    first, count = window.first * columns_per_latent, window.count * columns_per_latent
    return rows[..., first : first + count]
