"""Convolutions by Winograd's transforms: the same sums, the same names, and only where they are quicker."""

import pytest
import torch
from torch import Tensor, nn

from pipeline.generators.auffusion.winograd import use_winograd

pytestmark = pytest.mark.skipif(not torch._nnpack_available(), reason="this torch has no NNPACK")


@pytest.fixture
def net() -> nn.Sequential:
    torch.manual_seed(0)
    wide, strided = nn.Conv2d(64, 96, 3, padding=1), nn.Conv2d(96, 64, 3, padding=1, stride=2)
    return nn.Sequential(wide, nn.SiLU(), strided, nn.Conv2d(64, 64, 1)).eval()


def _pictures(side: int = 32) -> Tensor:
    return torch.randn(3, 64, side, side, generator=torch.Generator().manual_seed(1))


def test_sums_are_those_of_the_plain_convolution(net: nn.Sequential) -> None:
    with torch.inference_mode():
        plain = net(_pictures())
        use_winograd(net)
        quicker = net(_pictures())
    assert not torch.equal(quicker, plain)
    torch.testing.assert_close(quicker, plain, atol=1e-5, rtol=1e-4)


def test_a_picture_comes_out_the_same_whatever_it_comes_with(net: nn.Sequential) -> None:
    use_winograd(net)
    with torch.inference_mode():
        together, alone = net[0](_pictures()), torch.cat([net[0](one[None]) for one in _pictures()])
    assert torch.equal(together, alone)


def test_weights_keep_their_names(net: nn.Sequential) -> None:
    before = {name: value.data_ptr() for name, value in net.named_parameters()}
    use_winograd(net)
    assert {name: value.data_ptr() for name, value in net.named_parameters()} == before


def test_small_pictures_and_training_stay_with_the_plain_convolution(net: nn.Sequential) -> None:
    with torch.inference_mode():
        small = net(_pictures(side=16))
    learning = net(_pictures())
    use_winograd(net)
    with torch.inference_mode():
        assert torch.equal(net(_pictures(side=16)), small)
    assert torch.equal(net(_pictures()), learning)
