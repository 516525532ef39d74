"""CLIP with weights of 8 bits: near what it gives in full, or not used."""

import copy
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipeline.encode import encode_shot
from pipeline.errors import WeightsError
from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.nets.clip import ClipEncoder, FrameEncoder, build_clip, encode_in_batches, same_image_encoder
from pipeline.nets.int8 import Int8Encoder
from pipeline.probe import probe_movie
from pipeline.records import MediaSpan
from tests.bench.full_size import install_random
from tests.bench.noisy_movie import film

MODEL: dict[str, Any] = {
    "embed_dim": 48,
    "vision_cfg": {"image_size": 28, "layers": 6, "width": 96, "head_width": 32, "patch_size": 7},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
PICTURES = np.random.default_rng(0).integers(0, 256, (9, 28, 28, 3), dtype=np.uint8)
INT8 = AuffusionSettings(clip_weights="int8")


@pytest.fixture(scope="module")
def full() -> ClipEncoder:
    torch.manual_seed(0)
    return build_clip(MODEL, None).eval()


@pytest.fixture
def bundle(published: Path) -> AuffusionGenerator:
    return load_auffusion(str(published), device="cpu")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published model of a tiny size."""
    return install_random(tmp_path_factory.mktemp("published") / "tiny", "tiny")


@pytest.fixture(scope="module")
def span(tmp_path_factory: pytest.TempPathFactory) -> MediaSpan:
    movie = film(tmp_path_factory.mktemp("movie") / "movie.mp4", seconds=1, size=(160, 90))
    return MediaSpan(path=movie, digest=probe_movie(movie).digest, start_s=Fraction(0), duration_s=Fraction(1, 2))


def test_pictures_come_out_nearly_as_in_full(full: ClipEncoder) -> None:
    assert 0.999 < same_image_encoder(full, Int8Encoder(full), PICTURES) < 1


def test_a_picture_comes_out_the_same_whatever_it_comes_with(full: ClipEncoder) -> None:
    int8 = Int8Encoder(full)
    together = encode_in_batches(int8, PICTURES, batch=4)
    alone = [encode_in_batches(int8, picture[None], batch=4)[0] for picture in PICTURES]
    assert np.array_equal(together, alone)


def test_the_encoder_in_full_stays_as_it_was(full: ClipEncoder) -> None:
    before = encode_in_batches(full, PICTURES)
    Int8Encoder(full)
    assert np.array_equal(encode_in_batches(full, PICTURES), before)


def test_what_is_no_plain_transformer_is_refused(full: ClipEncoder) -> None:
    other = copy.copy(full)
    other._modules = {**full._modules, "clip": _Convolutional()}
    with pytest.raises(WeightsError, match="clip_weights=int8 is for CLIPs that look with a plain vision transformer"):
        Int8Encoder(other)


def test_a_shot_is_looked_at_in_8_bits_where_that_comes_out_alike(bundle: AuffusionGenerator, span: MediaSpan) -> None:
    full, int8 = (encode_shot(span, bundle, settings).clip.values for settings in (AuffusionSettings(), INT8))
    cosine = np.sum(full * int8, axis=1) / np.linalg.norm(full, axis=1) / np.linalg.norm(int8, axis=1)
    assert 0.999 < cosine.min() < 1 - 1e-6


def test_a_shot_is_looked_at_in_full_where_8_bits_come_out_otherwise(
    bundle: AuffusionGenerator, span: MediaSpan
) -> None:
    _coarsen(bundle.clip)
    full, int8 = (encode_shot(span, bundle, settings).clip.values for settings in (AuffusionSettings(), INT8))
    side = bundle.clip.image_size
    assert (
        same_image_encoder(bundle.clip, bundle.int8_clip, np.eye(side, dtype=np.uint8)[None, :, :, None] * _WHITE)
        < 0.999
    )
    assert np.array_equal(full, int8)


_WHITE = np.full(3, 255, np.uint8)


def _coarsen(encoder: FrameEncoder) -> None:
    """Let one channel of every norm be so large that whole numbers leave the others nothing."""
    with torch.no_grad():
        for block in encoder.tower.transformer.resblocks:  # type: ignore[union-attr]
            for norm in (block.ln_1, block.ln_2):
                norm.bias[0] += 1000.0
            block.attn.in_proj_weight[:, 0] = 0
            block.mlp[0].weight[:, 0] = 0


class _Convolutional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.visual = nn.Conv2d(3, 48, 28)

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.visual(x))
