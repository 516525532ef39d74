"""From noise to the latents of a sound. Work done once per take is in `plan_denoising`, work per step in `denoise`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.nets.bundle import Bundle
from pipeline.nets.detector import unit_level
from pipeline.nets.frame_adapter import FrameContext
from pipeline.nets.temporal_adapter import condition_image
from pipeline.records import ShotFeatures, TemporalCondition
from pipeline.runtime import take_noise
from pipeline.settings import Settings
from pipeline.temporal import level_at_columns, presence_at_columns
from pipeline.windows import Window, hann_weights, split


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowPlan:
    """What one window needs at every step; batches of two are (unconditional, conditional)."""

    window: Window
    weight: Tensor
    frames: FrameContext | None
    condition: Tensor | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DenoisingPlan:
    """Everything about a take that does not change from step to step."""

    text: Tensor
    windows: tuple[WindowPlan, ...]
    noise: Tensor


def plan_denoising(
    label: str, seed: int, features: ShotFeatures, condition: TemporalCondition, bundle: Bundle, settings: Settings
) -> DenoisingPlan:
    """Text, frame keys and values, condition pictures and noise of one take."""
    grid = bundle.grid
    columns = len(features.times_s) * grid.columns_per_frame // grid.columns_per_latent
    windows = split(columns, grid.window_latents, grid.latents_multiple)
    rows = int(bundle.unet.config.sample_size[0])
    image = _condition_picture(condition, bundle, settings)
    plans = tuple(
        WindowPlan(
            window=window,
            weight=weight.to(bundle.device),
            frames=_frame_context(window, rows, features, bundle, settings),
            condition=_window_of(image, window, grid.columns_per_latent),
        )
        for window, weight in zip(windows, hann_weights(windows, columns), strict=True)
    )
    channels = int(bundle.unet.config.in_channels)
    text = torch.cat([bundle.prompt_states(""), bundle.prompt_states(label)])
    noise = take_noise(seed, (1, channels, rows, columns)).to(bundle.device)
    return DenoisingPlan(text=text, windows=plans, noise=noise)


def denoise(plan: DenoisingPlan, bundle: Bundle, settings: Settings) -> Tensor:
    """Noise -> latents (1, C, rows, columns): guided prediction per window, averaged, one solver step on the canvas."""
    scheduler = bundle.scheduler(settings.steps)
    latents = plan.noise * scheduler.init_noise_sigma
    for step in scheduler.timesteps:
        prediction = torch.zeros_like(latents)
        for part in plan.windows:
            guided = _predict(part, latents[..., part.window.columns], step, plan.text, bundle, settings)
            prediction[..., part.window.columns] += part.weight * guided
        latents = scheduler.step(prediction, step, latents, return_dict=False)[0]
    return latents


def _predict(
    part: WindowPlan, latents: Tensor, step: Tensor, text: Tensor, bundle: Bundle, settings: Settings
) -> Tensor:
    """The guided prediction of one window (classifier-free guidance, Ho and Salimans 2022)."""
    pair = torch.cat([latents, latents])
    residuals = {}
    if part.condition is not None:
        down, middle = bundle.temporal_adapter(
            pair,
            step,
            text,
            part.condition,
            conditioning_scale=settings.temporal_scale,
            return_dict=False,
        )
        residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
    prediction = bundle.unet(
        pair, step, encoder_hidden_states=text, cross_attention_kwargs={"frames": part.frames}, **residuals
    ).sample
    without, with_conditions = prediction.chunk(2)
    guided: Tensor = without + settings.guidance_scale * (with_conditions - without)
    return guided


def _frame_context(
    window: Window, rows: int, features: ShotFeatures, bundle: Bundle, settings: Settings
) -> FrameContext | None:
    """Keys and values of the frames of one window; the unconditional half sees zero frames."""
    if settings.frame_attention == "off" or settings.frame_scale == 0:
        return None
    grid = bundle.grid
    first = grid.frames_for(window.first)
    frames = features.frame_embeddings[first : first + grid.frames_for(window.count)]
    if settings.frame_attention == "clip_wise":
        frames = frames.mean(axis=0, keepdims=True)
    seen = torch.from_numpy(np.ascontiguousarray(frames)).to(bundle.device)[None]
    times = torch.from_numpy(grid.frame_times(seen.shape[1])).float().to(bundle.device)
    return bundle.frame_adapter(settings.frame_attention).prepare(
        torch.cat([torch.zeros_like(seen), seen]),
        times_s=times if settings.frame_attention == "time_local" else None,
        rows=rows,
        columns=window.count,
        canvas_s=float(window.count * grid.columns_per_latent * grid.column_s),
        scale=settings.frame_scale,
    )


def _condition_picture(condition: TemporalCondition, bundle: Bundle, settings: Settings) -> Tensor | None:
    """The temporal adapter's input for the whole canvas, (1, channels, bands, W); None when it is off."""
    if settings.temporal_scale == 0:
        return None
    per_frame = bundle.grid.columns_per_frame
    active = presence_at_columns(torch.from_numpy(condition.active)[None], per_frame)
    level = None
    if condition.level_db is not None:
        level = level_at_columns(torch.from_numpy(unit_level(condition.level_db)).float()[None], per_frame)
    return condition_image(active, level, bands=bundle.mel.bands, channels=bundle.condition_channels)


def _window_of(image: Tensor | None, window: Window, columns_per_latent: int) -> Tensor | None:
    """The window's share of the condition picture, once for each half of the guidance pair."""
    if image is None:
        return None
    first, count = window.first * columns_per_latent, window.count * columns_per_latent
    return image[..., first : first + count].repeat(2, 1, 1, 1)
