"""Eq. (2) and its properties, on a small UNet with random weights."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from pipeline.generators.auffusion.frame_adapter import (
    FrameAdapter,
    FrameContext,
    cross_attention_layers,
    use_parallel_attention,
)

ROWS, COLUMNS, CANVAS_S, EMBED = 8, 16, 2.048, 24


@pytest.fixture(scope="module")
def unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    model = UNet2DConditionModel(
        sample_size=(ROWS, COLUMNS),
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(16, 32),
        layers_per_block=1,
        cross_attention_dim=32,
        attention_head_dim=2,
        norm_num_groups=8,
    )
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def stock(unet: UNet2DConditionModel) -> torch.Tensor:
    """The UNet's answer with diffusers' own attention, before ours is put in."""
    with torch.inference_mode():
        answer: torch.Tensor = unet(*_inputs(), encoder_hidden_states=_text()).sample
    use_parallel_attention(unet)
    return answer


@pytest.fixture(scope="module")
def adapter(unet: UNet2DConditionModel) -> FrameAdapter:
    torch.manual_seed(1)
    return FrameAdapter(unet, embed_dim=EMBED, tokens_per_frame=2).eval()


def _inputs() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(1, 4, ROWS, COLUMNS, generator=torch.Generator().manual_seed(2)), torch.tensor(500)


def _text() -> torch.Tensor:
    return torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(3))


def _frames(count: int) -> torch.Tensor:
    frames = torch.randn(1, count, EMBED, generator=torch.Generator().manual_seed(4))
    return torch.nn.functional.normalize(frames, dim=-1)


def _times(count: int) -> torch.Tensor:
    return (torch.arange(count) + 0.5) * CANVAS_S / count


def _context(
    adapter: FrameAdapter, frames: torch.Tensor, *, local: bool, scale: float = 1.0, times: torch.Tensor | None = None
) -> FrameContext:
    when = (_times(frames.shape[1]) if times is None else times) if local else None
    return adapter.prepare(frames, times_s=when, rows=ROWS, columns=COLUMNS, canvas_s=CANVAS_S, scale=scale)


@torch.inference_mode()
def _run(unet: UNet2DConditionModel, context: FrameContext | None) -> torch.Tensor:
    answer: torch.Tensor = unet(
        *_inputs(), encoder_hidden_states=_text(), cross_attention_kwargs={"frames": context}
    ).sample
    return answer


def test_without_frames_our_attention_is_the_stock_one(unet: UNet2DConditionModel, stock: torch.Tensor) -> None:
    torch.testing.assert_close(_run(unet, None), stock, atol=1e-5, rtol=1e-5)


def test_a_guidance_pair_gives_what_its_halves_give(unet: UNet2DConditionModel) -> None:
    unet = deepcopy(unet)
    use_parallel_attention(unet, once=True)
    x, step = _inputs()
    text = torch.cat([_text(), -_text()])
    with torch.inference_mode():
        pair = unet(torch.cat([x, x]), step, encoder_hidden_states=text).sample
        halves = torch.cat([unet(x, step, encoder_hidden_states=half[None]).sample for half in text])
    torch.testing.assert_close(pair, halves, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(pair[0], pair[1], atol=1e-3)


def test_lambda_zero_is_no_adapter(unet: UNet2DConditionModel, stock: torch.Tensor, adapter: FrameAdapter) -> None:
    assert torch.equal(_run(unet, _context(adapter, _frames(8), local=True, scale=0.0)), _run(unet, None))
    assert not torch.equal(_run(unet, _context(adapter, _frames(8), local=True)), _run(unet, None))


def test_literal_attention_carries_no_time(
    unet: UNet2DConditionModel, stock: torch.Tensor, adapter: FrameAdapter
) -> None:
    frames = _frames(8)
    shuffled = frames[:, torch.randperm(8, generator=torch.Generator().manual_seed(5))]
    literal = _run(unet, _context(adapter, frames, local=False))
    torch.testing.assert_close(_run(unet, _context(adapter, shuffled, local=False)), literal, atol=1e-5, rtol=1e-4)
    local = _run(unet, _context(adapter, frames, local=True))
    moved = _run(unet, _context(adapter, shuffled, local=True))
    assert (moved - local).abs().max() > 1e-3


def test_equal_frames_weigh_as_one(unet: UNet2DConditionModel, stock: torch.Tensor, adapter: FrameAdapter) -> None:
    one = _frames(1)
    many = one.expand(-1, 6, -1).contiguous()
    torch.testing.assert_close(
        _run(unet, _context(adapter, many, local=False)),
        _run(unet, _context(adapter, one, local=False)),
        atol=1e-5,
        rtol=1e-4,
    )


def test_frames_are_not_their_mean(unet: UNet2DConditionModel, stock: torch.Tensor, adapter: FrameAdapter) -> None:
    frames = _frames(6)
    mean = frames.mean(1, keepdim=True)
    difference = _run(unet, _context(adapter, frames, local=False)) - _run(unet, _context(adapter, mean, local=False))
    assert difference.abs().max() > 1e-4


def test_a_batch_of_shots_equals_single_runs(
    unet: UNet2DConditionModel, stock: torch.Tensor, adapter: FrameAdapter
) -> None:
    first, second = _frames(6), -_frames(6).flip(1)
    both = _context(adapter, torch.cat([first, second]), local=True)
    latents, step = _inputs()
    with torch.inference_mode():
        batched = unet(
            latents.repeat(2, 1, 1, 1),
            step,
            encoder_hidden_states=_text().repeat(2, 1, 1),
            cross_attention_kwargs={"frames": both},
        ).sample
    torch.testing.assert_close(batched[0], _run(unet, _context(adapter, first, local=True))[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(batched[1], _run(unet, _context(adapter, second, local=True))[0], atol=1e-5, rtol=1e-4)


def test_attention_is_eq_2_written_out(unet: UNet2DConditionModel, stock: torch.Tensor, adapter: FrameAdapter) -> None:
    number, layer = next(iter(cross_attention_layers(unet).items()))
    hidden = torch.randn(1, ROWS * COLUMNS, 16, generator=torch.Generator().manual_seed(6))
    context = _context(adapter, _frames(3), local=False, scale=0.7)
    with torch.inference_mode():
        ours = layer.processor(layer, hidden, _text(), frames=context)
        expected = _equation_2(layer, hidden, context.keys[number], context.values[number], 0.7)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)


def _equation_2(layer: Any, hidden: Tensor, frame_keys: Tensor, frame_values: Tensor, scale: float) -> Tensor:
    heads, width = layer.heads, layer.inner_dim // layer.heads
    query, key, value = layer.to_q(hidden)[0], layer.to_k(_text())[0], layer.to_v(_text())[0]
    columns = []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        text = torch.softmax(query[:, part] @ key[:, part].T / width**0.5, -1) @ value[:, part]
        frame = torch.softmax(query[:, part] @ frame_keys[0, :, part].T / width**0.5, -1) @ frame_values[0, :, part]
        columns.append(text + scale * frame)
    return layer.to_out[0](torch.cat(columns, -1))[None]


def test_the_bias_makes_a_column_look_at_its_own_moment(adapter: FrameAdapter) -> None:
    bias = _context(adapter, _frames(16), local=True).bias(ROWS * COLUMNS, torch.float32)
    assert bias is not None and bias.shape == (ROWS * COLUMNS, 32)
    column = 5
    tokens = bias[column].reshape(16, 2)[:, 0]
    assert int(tokens.argmax()) == column
    assert torch.equal(bias[column], bias[3 * COLUMNS + column])
    coarser = _context(adapter, _frames(16), local=True).bias(ROWS * COLUMNS // 4, torch.float32)
    assert coarser is not None and coarser.shape == (ROWS * COLUMNS // 4, 32)
    assert coarser.min() > bias.min()


def test_only_the_projection_and_new_keys_and_values_train(unet: UNet2DConditionModel, adapter: FrameAdapter) -> None:
    names = {name.split(".")[0] for name, _ in adapter.named_parameters()}
    assert names == {"image_proj", "ip_adapter"}
    assert all(int(number) % 2 == 1 for number in adapter.ip_adapter)
    assert not any(p.requires_grad for p in unet.parameters())
