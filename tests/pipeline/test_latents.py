"""The codec: pictures the right way up, statistics undone, and long latents in tiles without a seam."""

import pytest
import torch
from diffusers import AutoencoderKL

from pipeline.generators.auffusion.latents import LatentCodec


@pytest.fixture(scope="module")
def vae() -> AutoencoderKL:
    torch.manual_seed(0)
    model = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
    )
    return model.eval().requires_grad_(False)


def _latents(columns: int) -> torch.Tensor:
    return torch.randn(2, 4, 4, columns, generator=torch.Generator().manual_seed(1))


def test_the_published_layout_is_the_first_channel_turned_over(vae: AutoencoderKL) -> None:
    raw = vae.decode(_latents(8) / vae.config.scaling_factor).sample
    picture = LatentCodec(vae, picture="rgb-flipped").decode(_latents(8))
    torch.testing.assert_close(picture, raw[:, 0].flip(-2).clamp(-1, 1))
    assert not torch.allclose(picture, raw[:, 0].clamp(-1, 1), atol=1e-3)


def test_encoding_turns_over_as_well(vae: AutoencoderKL) -> None:
    picture = torch.rand(1, 32, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1
    colour = picture.flip(-2)[:, None].repeat(1, 3, 1, 1)
    expected = vae.encode(colour).latent_dist.mean * vae.config.scaling_factor
    torch.testing.assert_close(LatentCodec(vae, picture="rgb-flipped").encode(picture), expected)


def test_short_latents_are_decoded_whole_to_the_bit(vae: AutoencoderKL) -> None:
    latents = _latents(16)
    whole = LatentCodec(vae, picture="rgb-flipped", tile=1000).decode(latents)
    assert torch.equal(LatentCodec(vae, picture="rgb-flipped", tile=16, overlap=4).decode(latents), whole)


@pytest.mark.parametrize("columns", [33, 52, 100])
def test_tiles_give_the_picture_of_the_whole_without_a_seam(columns: int) -> None:
    local = _Local()
    latents = torch.randn(1, 1, 4, columns, generator=torch.Generator().manual_seed(3))
    whole = LatentCodec(local, tile=1000).decode(latents)
    tiled = LatentCodec(local, tile=32, overlap=12).decode(latents)
    assert tiled.shape == whole.shape == (1, 32, columns * 8)
    assert (tiled - whole).abs().max() < 0.1 * whole.std()


def test_without_an_overlap_there_would_be_a_seam() -> None:
    local = _Local()
    latents = torch.randn(1, 1, 4, 92, generator=torch.Generator().manual_seed(3))
    whole = LatentCodec(local, tile=1000).decode(latents)
    hard = LatentCodec(local, tile=23, overlap=0).decode(latents)
    faded = LatentCodec(local, tile=32, overlap=12).decode(latents)
    assert (hard - whole).abs().max() > 5 * (faded - whole).abs().max()


def test_no_tile_is_longer_than_asked(vae: AutoencoderKL) -> None:
    local = _Local()
    LatentCodec(local, tile=32, overlap=8).decode(torch.zeros(1, 1, 4, 777))
    assert local.widest == 32


class _Local:
    """A decoder that looks two latent columns to either side, and takes what it cannot see for zero."""

    class config:  # noqa: N801
        latent_channels, latents_mean, latents_std, scaling_factor = 1, None, None, 1.0

    dtype = torch.float32

    def __init__(self) -> None:
        self.widest = 0

    def decode(self, latents: torch.Tensor):  # type: ignore[no-untyped-def]
        self.widest = max(self.widest, latents.shape[-1])
        blurred = torch.nn.functional.avg_pool2d(latents, (1, 5), 1, (0, 2)) * 0.3
        self.sample = torch.nn.functional.interpolate(blurred, scale_factor=8)
        return self
