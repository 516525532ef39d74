"""Windows of many takes, evaluated in common batches at every denoising step.

A batch holds windows of one width. Its rows are the unconditional halves, then the conditional ones
(classifier-free guidance, Ho and Salimans 2022). When the device runs out of memory the batches are halved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.errors import OutOfMemoryError
from pipeline.generators.auffusion.components import AuffusionComponents
from pipeline.generators.auffusion.feature_reuse import DeepCacheUNet
from pipeline.generators.auffusion.frame_adapter import FrameContext
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.generators.auffusion.temporal_adapter import EmbeddedOnce
from pipeline.generators.auffusion.windows import Window

# Keys and values of all layers take some 60 MB a window at the published size, its embedded on/off picture 5: they are
# kept for a few batches only.
_CONTEXTS_KEPT = 4
# Kept features take some 10 MB a window: a long take goes without, or its memory would grow with its length.
_LONGEST_REUSE = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowPlan:
    """What one window needs at every step.

    weight: (columns,). text: (2, tokens, D), unconditional and conditional. condition: rows (1, channels, W) or None.
    frames: (1, F, D) or None; log_counts: (1, F) or None; times_s: (F,) or None.
    """

    window: Window
    weight: Tensor
    text: Tensor
    condition: Tensor | None = None
    frames: Tensor | None = None
    log_counts: Tensor | None = None
    times_s: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """What happens at one step: guidance, the temporal adapter, and whether deep features of an earlier step serve."""

    guided: bool
    controlled: bool
    shallow: bool

    @classmethod
    def at(cls, index: int, count: int, settings: AuffusionSettings) -> Stage:
        """The stage of step `index` of `count`."""
        share = index / count
        return cls(
            guided=settings.guidance_scale != 1 and settings.guidance_from <= share < _end(settings.guidance_until),
            controlled=settings.temporal_scale != 0 and share < _end(settings.temporal_until),
            shallow=index % settings.feature_reuse != 0,
        )


def _end(share: float) -> float:
    return share if share < 1 else 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """A window and the number of the take it belongs to. `reuses`: its take is short enough to keep features."""

    take: int
    plan: WindowPlan
    reuses: bool

    @property
    def kind(self) -> tuple[object, ...]:
        """What must be equal for two windows to share a batch."""
        plan = self.plan
        times = None if plan.times_s is None else tuple(plan.times_s.tolist())
        return plan.window.count, plan.frames is None, plan.condition is None, times, self.reuses


class WindowBatches:
    """All windows of some takes, and the networks that see them."""

    def __init__(
        self, takes: Sequence[Sequence[WindowPlan]], model: AuffusionComponents, settings: AuffusionSettings
    ) -> None:
        self._model = model
        self._settings = settings
        self._parts = [
            _Part(take=number, plan=plan, reuses=settings.feature_reuse > 1 and len(plans) <= _LONGEST_REUSE)
            for number, plans in enumerate(takes)
            for plan in plans
        ]
        self._split()

    def predict(self, latents: Sequence[Tensor], step: Tensor, stage: Stage) -> list[Tensor]:
        """Guided predictions on the whole canvas of every take. Raises OutOfMemoryError."""
        while True:
            try:
                return self._predict(latents, step, stage)
            except torch.OutOfMemoryError as error:
                self._halve(error)

    def _predict(self, latents: Sequence[Tensor], step: Tensor, stage: Stage) -> list[Tensor]:
        sums = [torch.zeros_like(latent) for latent in latents]
        for number, batch in enumerate(self._batches):
            windows = torch.cat([latents[part.take][..., part.plan.window.columns] for part in batch])
            for part, guided in zip(batch, self._guided(number, windows, step, stage), strict=True):
                sums[part.take][..., part.plan.window.columns] += part.plan.weight * guided
        return sums

    def _guided(self, number: int, latents: Tensor, step: Tensor, stage: Stage) -> Tensor:
        """The prediction for a batch of windows (W, C, rows, columns)."""
        batch = self._batches[number]
        if not stage.guided:
            return self._evaluate(number, latents, step, stage, [part.plan.text[1:] for part in batch])
        text = [part.plan.text[:1] for part in batch] + [part.plan.text[1:] for part in batch]
        both = self._evaluate(number, torch.cat([latents, latents]), step, stage, text)
        without, with_conditions = both.chunk(2)
        return without + self._settings.guidance_scale * (with_conditions - without)

    def _evaluate(self, number: int, latents: Tensor, step: Tensor, stage: Stage, text: Iterable[Tensor]) -> Tensor:
        model, batch = self._model, self._batches[number]
        dtype = model.dtype
        x, states = latents.to(dtype), torch.cat(list(text)).to(dtype)
        context = self._context(number)
        if context is not None and not stage.guided:
            context = context.rows_of(slice(len(batch), None))
        shallow = stage.shallow and batch[0].reuses
        residuals = None
        if stage.controlled and not shallow and batch[0].plan.condition is not None:
            residuals = self._controlled(number, x, step, states)
        prediction = self._nets[number](x, step, states, context, residuals, shallow=shallow)
        return prediction.float()

    def _controlled(self, number: int, x: Tensor, step: Tensor, states: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """The temporal adapter's residuals: it knows the text and the on/off picture, not the frames."""
        picture = self._picture(number)
        picture = picture.repeat(len(x) // len(picture), 1, 1, 1)
        down, middle = self._model.temporal_adapter(
            x, step, states, picture, conditioning_scale=self._settings.temporal_scale, return_dict=False
        )
        return tuple(down), middle

    def _picture(self, number: int) -> Tensor:
        """The on/off pictures of a batch, embedded where the temporal adapter takes them so."""
        if number not in self._pictures:
            plans = [part.plan for part in self._batches[number]]
            rows = torch.cat([plan.condition for plan in plans if plan.condition is not None])
            picture = rows[:, :, None, :].expand(-1, -1, self._model.mel.bands, -1).to(self._model.dtype)
            embedding = self._model.temporal_adapter.controlnet_cond_embedding
            if isinstance(embedding, EmbeddedOnce):
                picture = embedding(picture)
            if len(self._batches) > _CONTEXTS_KEPT:
                return picture
            self._pictures[number] = picture
        return self._pictures[number]

    def _context(self, number: int) -> FrameContext | None:
        if number not in self._contexts:
            context = self._prepared(self._batches[number])
            if len(self._batches) > _CONTEXTS_KEPT:
                return context
            self._contexts[number] = context
        return self._contexts[number]

    def _prepared(self, batch: Sequence[_Part]) -> FrameContext | None:
        """Keys and values of a batch's frames; the unconditional half sees as many zero frames."""
        if batch[0].plan.frames is None:
            return None
        settings, grid = self._settings, self._model.grid
        width = batch[0].plan.window.count
        frames, log_counts = _padded(batch)
        adapter = self._model.frame_adapter(settings.frame_attention)
        return adapter.prepare(
            torch.cat([torch.zeros_like(frames), frames]).to(self._model.dtype),
            times_s=batch[0].plan.times_s,
            rows=self._model.latent_rows,
            columns=width,
            canvas_s=float(width * grid.columns_per_latent * grid.column_s),
            scale=settings.frame_scale,
            log_counts=None if log_counts is None else torch.cat([log_counts, log_counts]),
        )

    def _split(self) -> None:
        """Windows of one kind side by side, as many as fit at once."""
        kinds: dict[tuple[object, ...], list[_Part]] = {}
        for part in self._parts:
            kinds.setdefault(part.kind, []).append(part)
        size = self._model.windows_at_once
        self._batches = [parts[i : i + size] for parts in kinds.values() for i in range(0, len(parts), size)]
        self._contexts: dict[int, FrameContext | None] = {}
        self._pictures: dict[int, Tensor] = {}
        self._nets = [DeepCacheUNet(self._model.unet, keep=batch[0].reuses) for batch in self._batches]

    def _halve(self, error: Exception) -> None:
        model = self._model
        largest = max(map(len, self._batches))
        if largest == 1:
            raise OutOfMemoryError(
                f"{model.device} ran out of memory with a single window: use --offload, --dtype or --device cpu"
            ) from error
        model.windows_at_once = largest // 2
        self._split()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _padded(batch: Sequence[_Part]) -> tuple[Tensor, Tensor | None]:
    """The frames of a batch (W, F, D) and their log counts (W, F), filled up with frames that count for nothing."""
    frames = [part.plan.frames for part in batch if part.plan.frames is not None]
    counts = [part.plan.log_counts for part in batch if part.plan.log_counts is not None]
    if not counts:
        return torch.cat(frames), None
    longest = max(row.shape[1] for row in frames)
    padded = [torch.nn.functional.pad(row, (0, 0, 0, longest - row.shape[1])) for row in frames]
    log_counts = [torch.nn.functional.pad(row, (0, longest - row.shape[1]), value=-torch.inf) for row in counts]
    return torch.cat(padded), torch.cat(log_counts)
