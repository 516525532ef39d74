"""Large 3x3 convolutions in float32 on a processor, by the Winograd transforms of NNPACK that torch brings along.

Fewer products for the same sums (Lavin and Gray, arXiv 1509.09308), relative rms error 5e-6. Where torch has no NNPACK
nothing changes. Every picture is convolved by itself, so that no batch changes what comes out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Below that the transforms of the weights take longer than they save.
_LEAST_CHANNELS = 64
_LEAST_PIXELS = 512


def use_winograd(net: nn.Module) -> None:
    """Let the 3x3 convolutions of `net` be computed so where that is quicker. Parameters keep their names."""
    if not torch._nnpack_available():
        return
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Conv2d and _fits(child):
                setattr(parent, name, _Winograd(child))


def _fits(conv: nn.Conv2d) -> bool:
    plain = conv.kernel_size == (3, 3) and conv.padding == (1, 1) and conv.stride == conv.dilation == (1, 1)
    large = min(conv.in_channels, conv.out_channels) >= _LEAST_CHANNELS
    return plain and large and conv.groups == 1 and conv.padding_mode == "zeros"


class _Winograd(nn.Conv2d):
    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(conv.in_channels, conv.out_channels, 3, padding=1, device="meta")
        self.weight, self.bias = conv.weight, conv.bias

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-2] * x.shape[-1] < _LEAST_PIXELS or torch.is_grad_enabled():
            return super().forward(x)
        pictures = x.contiguous().split(1)
        return torch.cat([torch._nnpack_spatial_convolution(one, self.weight, self.bias, [1, 1]) for one in pictures])
