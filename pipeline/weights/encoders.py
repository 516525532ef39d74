"""Two files are said to hold one image encoder, the vision half of CLIP ViT-H/14: do they give the same embeddings?"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from safetensors import safe_open
from torch import Tensor
from transformers import CLIPVisionModelWithProjection
from transformers.utils import logging as transformers_logging

from pipeline.errors import WeightsError
from pipeline.nets.building import building

transformers_logging.disable_progress_bar()


@torch.inference_mode()
def least_cosine(clip: Path, encoder: Path) -> float:
    """The least cosine between the embeddings of three drawn pictures, by the CLIP and the encoder in two folders.

    Raises WeightsError when one of them cannot be loaded.
    """
    try:
        ours = _open_clip_embeddings(clip)
        theirs = _encoder_embeddings(encoder)
        return float(F.cosine_similarity(ours, theirs).min())
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"the image encoders {clip} and {encoder} cannot be compared ({error})") from error


def _open_clip_embeddings(folder: Path) -> Tensor:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with building(), torch.device("meta"):
        model = CLIP(**config)
    with safe_open(folder / "model.safetensors", "pt") as file:
        # Only the vision half: the text half is a third of the file.
        state = {name: file.get_tensor(name) for name in file.keys() if name.startswith("visual.")}  # noqa: SIM118
    model.load_state_dict(state, strict=False, assign=True)
    embeddings: Tensor = model.visual.eval()(drawn_pictures(config["vision_cfg"]["image_size"]))
    return embeddings


def _encoder_embeddings(folder: Path) -> Tensor:
    with building():
        model = CLIPVisionModelWithProjection.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        model.eval()
    embeddings: Tensor = model(drawn_pictures(model.config.image_size)).image_embeds
    return embeddings


def drawn_pictures(size: int) -> Tensor:
    """A slope of colours, a chequerboard and a disc: (3, 3, size, size), about as bright as normalised photographs."""
    line = torch.linspace(-1, 1, size)
    y, x = torch.meshgrid(line, line, indexing="ij")
    slope = torch.stack([x, y, -x])
    board = (torch.sin(x * 20).sign() * torch.sin(y * 20).sign()).expand(3, -1, -1)
    disc = torch.stack([(x**2 + y**2 < radius).float() * 2 - 1 for radius in (0.2, 0.4, 0.6)])
    return torch.stack([slope, board, disc])
