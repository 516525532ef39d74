"""The frame adapter: parallel cross-attention from the sound to every frame (Smooth-Foley, section II-B, eq. 2).

    out = softmax(Q K_text^T / sqrt(d)) V_text + lambda * softmax(Q K_frame^T / sqrt(d) + B) V_frame

K_frame and V_frame are the only new projections; Q is the frozen one. With B = 0 this is eq. (2) to the letter,
which carries no time: permuting the frames changes nothing. Our default adds a fixed time-local bias
B = -(t_query - t_frame)^2 / (2 sigma^2), no new weights, so that a moment of sound looks at its own frames.
Weight names are those of the published IP-adapter files.

Keys and values are worked out per shot of a batch, so shots never see each other's frames. A frame that stands for n
equal ones has log(n) added to its logits, which gives exactly what all n of them would.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

_LOCALITY_S = 0.085


class FrameProjection(nn.Module):
    """CLIP embedding -> tokens: one Linear and a LayerNorm, as in IP-Adapter. (B, F, D) -> (B, F * tokens, C)."""

    def __init__(self, embed_dim: int, token_dim: int, tokens: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.proj = nn.Linear(embed_dim, token_dim * tokens)
        self.norm = nn.LayerNorm(token_dim)

    def forward(self, embeddings: Tensor) -> Tensor:
        batch, frames, _ = embeddings.shape
        tokens: Tensor = self.norm(self.proj(embeddings).reshape(batch, frames * self.tokens, -1))
        return tokens


class _KeyValue(nn.Module):
    def __init__(self, token_dim: int, inner_dim: int) -> None:
        super().__init__()
        self.to_k_ip = nn.Linear(token_dim, inner_dim, bias=False)
        self.to_v_ip = nn.Linear(token_dim, inner_dim, bias=False)


@dataclass(slots=True, kw_only=True)
class FrameContext:
    """What every denoising step needs to know about the frames, worked out once per shot.

    keys and values: per layer, (B, F * tokens, inner). times_s: (F * tokens,) or None for the literal eq. (2).
    rows: height of the latent canvas; canvas_s: its length in seconds. log_counts: (B, F * tokens), for how many equal
    frames each stands (-inf: for none), or None where each stands for itself.
    """

    keys: dict[str, Tensor]
    values: dict[str, Tensor]
    scale: float
    rows: int
    columns: int
    canvas_s: float
    times_s: Tensor | None
    log_counts: Tensor | None = None
    _biases: dict[int, Tensor] = field(default_factory=dict)

    def bias(self, queries: int, dtype: torch.dtype) -> Tensor | None:
        """Additive attention bias of the level that has so many queries: (queries, F * tokens), (B, 1, 1, F * tokens)
        or both added up; None where there is none."""
        if self.times_s is None and self.log_counts is None:
            return None
        if queries not in self._biases:
            parts = [self._counted(), self._local(queries)]
            self._biases[queries] = sum((part for part in parts if part is not None), torch.zeros(())).to(dtype)
        return self._biases[queries]

    def rows_of(self, which: slice) -> FrameContext:
        """The same for some rows of the batch."""
        return replace(
            self,
            keys={layer: key[which] for layer, key in self.keys.items()},
            values={layer: value[which] for layer, value in self.values.items()},
            log_counts=None if self.log_counts is None else self.log_counts[which],
            _biases={},
        )

    def _counted(self) -> Tensor | None:
        return None if self.log_counts is None else self.log_counts[:, None, None, :]

    def _local(self, queries: int) -> Tensor | None:
        if self.times_s is None:
            return None
        columns = round(math.sqrt(queries * self.columns / self.rows))
        width_s = self.canvas_s / columns
        centers = (torch.arange(columns, device=self.times_s.device) + 0.5) * width_s
        sigma = max(_LOCALITY_S, width_s / 2)
        local = -((centers[:, None] - self.times_s[None]) ** 2) / (2 * sigma**2)
        return local.repeat(queries // columns, 1)


class FrameAdapter(nn.Module):
    """Projection and per-layer K, V. `ip_adapter.<i>` counts all attention layers, so cross-attentions are odd.

    `unit_input`: the embeddings come at unit length and are brought to unit variance; the published adapter takes them
    as CLIP gives them.
    """

    def __init__(
        self, unet: UNet2DConditionModel, *, embed_dim: int, tokens_per_frame: int = 1, unit_input: bool = True
    ) -> None:
        super().__init__()
        self.gain = math.sqrt(embed_dim) if unit_input else 1.0
        token_dim = int(unet.config.cross_attention_dim)
        self.image_proj = FrameProjection(embed_dim, token_dim, tokens_per_frame)
        layers = cross_attention_layers(unet)
        self.ip_adapter = nn.ModuleDict({i: _KeyValue(token_dim, layer.inner_dim) for i, layer in layers.items()})

    @property
    def _layers(self) -> dict[str, _KeyValue]:
        return cast(dict[str, _KeyValue], dict(self.ip_adapter.items()))

    def start_from_text(self, unet: UNet2DConditionModel) -> None:
        """Initialise K and V of the frames with those of the text."""
        for i, layer in cross_attention_layers(unet).items():
            self._layers[i].to_k_ip.weight.data.copy_(layer.to_k.weight)
            self._layers[i].to_v_ip.weight.data.copy_(layer.to_v.weight)

    def prepare(
        self,
        embeddings: Tensor,
        *,
        times_s: Tensor | None,
        rows: int,
        columns: int,
        canvas_s: float,
        scale: float = 1.0,
        log_counts: Tensor | None = None,
    ) -> FrameContext:
        """Frame embeddings (B, F, D), zero for "no frames" -> keys and values of all layers.

        times_s (F,) switches the time-local bias on; None is the literal eq. (2). log_counts (B, F): logarithm of the
        number of equal frames each stands for, -inf for padding.
        """
        tokens = self.image_proj(embeddings * self.gain)
        per_frame = self.image_proj.tokens
        return FrameContext(
            keys={i: layer.to_k_ip(tokens) for i, layer in self._layers.items()},
            values={i: layer.to_v_ip(tokens) for i, layer in self._layers.items()},
            scale=scale,
            rows=rows,
            columns=columns,
            canvas_s=canvas_s,
            times_s=None if times_s is None else times_s.repeat_interleave(per_frame),
            log_counts=None if log_counts is None else log_counts.repeat_interleave(per_frame, dim=-1),
        )


def cross_attention_layers(unet: UNet2DConditionModel) -> dict[str, Attention]:
    """The cross-attention layers by their published number: order down, up, mid, counting all attentions."""
    names = [name.removesuffix(".processor") for name in unet.attn_processors]
    return {str(i): unet.get_submodule(name) for i, name in enumerate(names) if name.endswith("attn2")}


def use_parallel_attention(
    unet: UNet2DConditionModel | ControlNetModel, *, fused: bool = False, once: bool = False
) -> None:
    """Make `unet` accept `cross_attention_kwargs={"frames": FrameContext | None}`. fused: by torch's fused kernels.

    once: what both halves of a guidance pair have in common is worked out once.
    """
    processors: dict[str, Any] = {}
    for i, name in enumerate(unet.attn_processors):
        processors[name] = ParallelAttention(str(i) if ".attn2." in name else None, fused=fused, first=once and i == 0)
    unet.set_attn_processor(processors)


class ParallelAttention:
    """Attention processor of eq. (2). Layers without a number (self-attention) ignore the frames.

    first: no text was attended to before, so both halves of a guidance pair are still alike: one is worked out.

    Plain matrix products unless `fused`: at the head sizes of a small model they beat the fused kernel on CPUs,
    forward and, above all, backward. At the published sizes their logits alone would be a gigabyte.
    """

    def __init__(self, layer: str | None, *, fused: bool = False, first: bool = False) -> None:
        self.layer = layer
        self.first = first
        self.attend = F.scaled_dot_product_attention if fused else _attend

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        frames: FrameContext | None = None,
    ) -> Tensor:
        if self.first and encoder_hidden_states is None and _halves_alike(hidden_states):
            half = self(attn, hidden_states[: len(hidden_states) // 2])
            return torch.cat([half, half])
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query = _split_heads(attn.to_q(hidden_states), attn.heads)
        key, value = _split_heads(attn.to_k(context), attn.heads), _split_heads(attn.to_v(context), attn.heads)
        out = self.attend(query, key, value)
        if frames is not None and self.layer is not None and frames.scale != 0:
            key = _split_heads(frames.keys[self.layer], attn.heads)
            value = _split_heads(frames.values[self.layer], attn.heads)
            bias = frames.bias(query.shape[2], query.dtype)
            out = out + frames.scale * self.attend(query, key, value, bias)
        merged = out.transpose(1, 2).reshape(hidden_states.shape[0], hidden_states.shape[1], -1)
        result: Tensor = attn.to_out[1](attn.to_out[0](merged))
        return result


def _halves_alike(x: Tensor) -> bool:
    """Whether a batch is the same rows twice; never said on GPUs, which would have to be waited for."""
    if x.device.type != "cpu" or len(x) % 2:
        return False
    return torch.equal(*x.chunk(2))


def _split_heads(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    logits = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)
    if bias is not None:
        logits = logits + bias
    return logits.softmax(dim=-1) @ value
