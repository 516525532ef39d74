"""A UNet that may keep its deep features for a few steps (the idea of DeepCache, arXiv 2312.00858).

Neighbouring steps differ most in the outermost blocks. A shallow evaluation runs the first layer, the first block down
and the last block up, and takes what comes between from the last full evaluation.
"""

from __future__ import annotations

from typing import Any

from diffusers import UNet2DConditionModel
from torch import Tensor

from pipeline.generators.auffusion.frame_adapter import FrameContext

Residuals = tuple[tuple[Tensor, ...], Tensor]


class DeepCacheUNet:
    """Evaluates a UNet for one batch of windows; `keep` remembers the deep features of the last full evaluation."""

    def __init__(self, unet: UNet2DConditionModel, *, keep: bool) -> None:
        self._unet = unet
        self._keep = keep
        self._deep: Tensor | None = None
        self._residuals: Residuals | None = None

    def __call__(
        self,
        x: Tensor,
        step: Tensor,
        text: Tensor,
        frames: FrameContext | None,
        residuals: Residuals | None,
        *,
        shallow: bool = False,
    ) -> Tensor:
        """Latents (B, C, rows, columns) -> prediction of the same shape. residuals: those of a ControlNet."""
        if shallow and self._deep is not None and len(self._deep) >= len(x):
            return self._shallow(x, step, text, frames)
        if not self._keep:
            return self._full(x, step, text, frames, residuals)
        self._residuals = residuals
        hook = self._unet.up_blocks[-1].register_forward_pre_hook(self._remember, with_kwargs=True)
        try:
            return self._full(x, step, text, frames, residuals)
        finally:
            hook.remove()

    def _remember(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._deep = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]

    def _full(
        self, x: Tensor, step: Tensor, text: Tensor, frames: FrameContext | None, residuals: Residuals | None
    ) -> Tensor:
        extra = {}
        if residuals is not None:
            down, middle = residuals
            extra = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        prediction: Tensor = self._unet(
            x, step, encoder_hidden_states=text, cross_attention_kwargs={"frames": frames}, **extra
        ).sample
        return prediction

    def _shallow(self, x: Tensor, step: Tensor, text: Tensor, frames: FrameContext | None) -> Tensor:
        assert self._deep is not None
        unet = self._unet
        attention = {"encoder_hidden_states": text, "cross_attention_kwargs": {"frames": frames}}
        emb = unet.time_embedding(unet.get_time_embed(sample=x, timestep=step))
        hidden = unet.conv_in(x)
        up = unet.up_blocks[-1]
        _, skips = unet.down_blocks[0](hidden_states=hidden, temb=emb, **attention)
        skips = (hidden, *skips)[: len(up.resnets)]
        if self._residuals is not None:
            kept = self._residuals[0]
            skips = tuple(skip + kept[i][-len(x) :] for i, skip in enumerate(skips))
        # Where guidance has ended only the conditional half goes on: it is the last part of the batch.
        hidden = up(hidden_states=self._deep[-len(x) :], temb=emb, res_hidden_states_tuple=skips, **attention)
        prediction: Tensor = unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))
        return prediction
