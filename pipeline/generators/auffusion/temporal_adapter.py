"""The temporal adapter: a ControlNet on the UNet's encoder, fed a picture whose columns say when there is sound.

Row values are +1 (on) and -1 (off), as in the published adapter. The bundled model has a second channel with the
level, scaled so that -1 is LEVEL_FLOOR_DB or "off" and +1 is full scale; 0 everywhere means "level unknown".
"""

from __future__ import annotations

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from torch import Tensor, nn

from pipeline.nets.building import building


def condition_rows(active: Tensor, level: Tensor | None, *, channels: int) -> Tensor:
    """On/off and level at mel-column rate -> the rows of the ControlNet's input, (B, channels, W).

    active: bool (B, W). level: 0..1 (B, W), or None when unknown. channels: 1 (published) or 2.
    """
    on = active.float() * 2 - 1
    rows = [on]
    if channels == 2:
        rows.append(torch.zeros_like(on) if level is None else torch.where(active, level * 2 - 1, -1.0))
    return torch.stack(rows, dim=1)


def condition_image(active: Tensor, level: Tensor | None, *, bands: int, channels: int) -> Tensor:
    """The ControlNet's input (B, channels, bands, W): `condition_rows`, the same in every band."""
    rows = condition_rows(active, level, channels=channels)
    return rows[:, :, None, :].expand(-1, -1, bands, -1).contiguous()


class EmbeddedOnce(nn.Module):
    """A ControlNet's embedding of its input that lets one pass which it has embedded before.

    The on/off picture is the same at every step and in both halves of the guidance pair.
    """

    def __init__(self, adapter: ControlNetModel) -> None:
        super().__init__()
        self.embedding = adapter.controlnet_cond_embedding
        self._channels = adapter.config.block_out_channels[0]

    def forward(self, picture: Tensor) -> Tensor:
        """(B, conditioning channels, bands, W), or what this gave -> (B, channels of the first layer, H, W)."""
        if picture.shape[1] == self._channels:
            return picture
        embedded: Tensor = self.embedding(picture)
        return embedded


@building()
def temporal_adapter_for(
    unet: UNet2DConditionModel, *, conditioning_channels: int, embedding_channels: tuple[int, ...]
) -> ControlNetModel:
    """A new ControlNet for `unet`, its encoder copied from it."""
    config = unet.config
    adapter = ControlNetModel(
        in_channels=config.in_channels,
        conditioning_channels=conditioning_channels,
        conditioning_embedding_out_channels=embedding_channels,
        down_block_types=config.down_block_types,
        mid_block_type=config.mid_block_type,
        block_out_channels=config.block_out_channels,
        layers_per_block=config.layers_per_block,
        cross_attention_dim=config.cross_attention_dim,
        attention_head_dim=config.attention_head_dim,
        norm_num_groups=config.norm_num_groups,
    )
    for part in ("conv_in", "time_proj", "time_embedding", "down_blocks", "mid_block"):
        getattr(adapter, part).load_state_dict(getattr(unet, part).state_dict())
    return adapter
