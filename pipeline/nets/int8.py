"""CLIP's picture half with weights of 8 bits, for processors that would otherwise compute it in float32.

The large matrix products of every layer take whole numbers: weights of 8 bits, scaled per output channel, and inputs
of 7, scaled per token, so that two products fit the 16-bit sums of processors without VNNI. They give float32; norms,
attention and all else stay as they are. What a picture gives depends on nothing but itself.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn

from pipeline.errors import WeightsError
from pipeline.nets.clip import FrameEncoder

_LARGEST = 127
_SMALLEST = torch.finfo(torch.float32).tiny


class Int8Encoder(FrameEncoder):
    """The frames of another encoder, looked at with 8-bit weights. Raises WeightsError where it is no plain ViT."""

    def __init__(self, full: FrameEncoder) -> None:
        super().__init__(
            image_size=full.image_size, embed_dim=full.embed_dim, pixels=full.pixels, unit_length=full.unit_length
        )
        self.visual = _quantised(full.tower)

    @property
    def tower(self) -> nn.Module:
        """The picture half."""
        return self.visual


def _quantised(tower: nn.Module) -> VisionTransformer:
    """The tower with other layers; what is no layer is shared."""
    blocks = list(tower.transformer.resblocks) if isinstance(tower, VisionTransformer) else []
    if not blocks or not all(type(block) is ResidualAttentionBlock for block in blocks):
        raise WeightsError("clip_weights=int8 is for CLIPs that look with a plain vision transformer: use full")
    only_first = tower.pool_type == "tok" and tower.attn_pool is None
    layers = [_Layer(block, only_first=only_first and block is blocks[-1]) for block in blocks]
    quantised = copy.copy(tower)
    quantised._modules = {**tower._modules, "transformer": nn.Sequential(*layers)}
    return quantised


class _Layer(nn.Module):
    """A layer of the transformer, (B, T, C) -> (B, T, C); only_first: (B, 1, C), where no other token is asked for."""

    def __init__(self, block: ResidualAttentionBlock, *, only_first: bool) -> None:
        super().__init__()
        self.norms = nn.ModuleList([block.ln_1, block.ln_2])
        self.scales = nn.ModuleList([block.ls_1, block.ls_2])
        self.heads = block.attn.num_heads
        self.only_first = only_first
        self.qkv = _Linear(block.attn.in_proj_weight, block.attn.in_proj_bias)
        self.out = _Linear(block.attn.out_proj.weight, block.attn.out_proj.bias)
        up, self.activation, down = block.mlp
        self.up, self.down = _Linear(up.weight, up.bias), _Linear(down.weight, down.bias)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (self._heads(part) for part in self.qkv(self.norms[0](x)).chunk(3, dim=-1))
        if self.only_first:
            x, query = x[:, :1], query[:, :, :1]
        attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        x = x + self.scales[0](self.out(attended))
        changed: Tensor = x + self.scales[1](self.down(self.activation(self.up(self.norms[1](x)))))
        return changed

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class _Linear(nn.Module):
    """x W^T + b with the rows of W in 8 bits and the rows of x in 7."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        weight = weight.detach().float()
        self._scales = weight.abs().amax(dim=1).clamp_min(_SMALLEST) / _LARGEST
        rounded = (weight / self._scales[:, None]).round()
        self._packed = torch.ops.onednn.qlinear_prepack(rounded.to(torch.int8), None)
        self._sums = rounded.sum(dim=1) * self._scales
        self._zeros = torch.zeros(len(weight), dtype=torch.int64)
        self._bias = bias.detach().float()

    def forward(self, x: Tensor) -> Tensor:
        # x = step * whole + lowest, so x W^T = step * (whole W^T) + lowest * (sums of the rows of W)
        lowest = x.amin(dim=-1, keepdim=True)
        step = (x.amax(dim=-1, keepdim=True) - lowest).clamp_min_(_SMALLEST) / _LARGEST
        whole = ((x - lowest) / step).round_().to(torch.uint8)
        product = torch.ops.onednn.qlinear_pointwise(
            whole, 1.0, 0, self._packed, self._scales, self._zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return torch.addcmul(torch.addcmul(self._bias, lowest, self._sums), product, step)
