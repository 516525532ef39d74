"""Large 3x3 convolutions in float32 on a processor, by the Winograd transforms of NNPACK that torch brings along.

Fewer products for the same sums (Lavin and Gray, arXiv 1509.09308), relative rms error 5e-6. Where torch has no NNPACK
nothing changes. Every picture is convolved by itself, so that no batch changes what comes out.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product

import torch
from torch import Tensor, nn

# Below that the transforms of the weights take longer than they save.
_LEAST_CHANNELS = 64
_LEAST_PIXELS = 512


def use_winograd(net: nn.Module) -> None:
    """Let the 3x3 convolutions of `net` be computed so where that is quicker. Parameters keep their names."""
    if not _nnpack_is_there():
        return
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Conv2d and _fits(child):
                setattr(parent, name, _Winograd(child))


@cache
def _nnpack_is_there() -> bool:
    """Whether torch has NNPACK; if so, its first call is made with one thread, of which it then keeps to one.

    Its own threads wait by spinning and share the transforms so badly that two take as long as one.
    """
    if not torch._nnpack_available():
        return False
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _convolved(torch.zeros(1, 16, 16, 16), torch.zeros(16, 16, 3, 3), None)
    finally:
        torch.set_num_threads(before)
    return True


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
        threads = torch.get_num_threads()
        shares = min(max(1, threads // len(pictures)), self.out_channels // _LEAST_CHANNELS)
        weights = zip(self.weight.chunk(shares), _chunks(self.bias, shares), strict=True)
        work = [(picture, *share) for picture, share in product(pictures, weights)]
        if threads == 1:
            parts = [_convolved(*one) for one in work]
        else:
            parts = list(_threads(threads).map(lambda one: _convolved(*one), work))
        rows = [parts[first : first + shares] for first in range(0, len(parts), shares)]
        return torch.cat([torch.cat(row, dim=1) for row in rows])


def _chunks(bias: Tensor | None, shares: int) -> tuple[Tensor | None, ...]:
    return (None,) * shares if bias is None else bias.chunk(shares)


@torch.inference_mode()  # which is each thread's own
def _convolved(picture: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch._nnpack_spatial_convolution(picture, weight, bias, [1, 1])


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="winograd")
