"""CLIP by open_clip: frames and labels into one space.

Three kinds of weights load here: the bundled model's own small CLIP with its own BPE (-1..1 pixels, unit vectors), a
published open_clip model such as ViT-H-14 (CLIP's own pixel statistics, raw vectors as the frame adapter was trained
with), and the picture half alone as the IP-Adapter project publishes it, to which no label can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import VisionTransformer
from PIL import Image
from torch import Tensor, nn

from pipeline.errors import WeightsError
from pipeline.nets.building import building
from pipeline.nets.strict import load_strictly, read_config, read_weights

# pixels -> what the network was trained on: (pixels / 255 - mean) / std, per channel
_PIXELS = {
    "plain": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "openai": (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD),
}


class FrameEncoder(nn.Module):
    """Frames -> vectors of `embed_dim`: what every encoder here has. Frames are `image_size` squares, RGB, uint8."""

    def __init__(self, *, image_size: int, embed_dim: int, pixels: str, unit_length: bool) -> None:
        super().__init__()
        if pixels not in _PIXELS:
            raise WeightsError(f"pixels {pixels!r} of a CLIP config are not known; there are {', '.join(_PIXELS)}")
        self.image_size = image_size
        self.embed_dim = embed_dim
        self.pixels = pixels
        self.unit_length = unit_length

    @property
    def tower(self) -> nn.Module:
        """The network that sees."""
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.parameters()).device

    def encode_frames(self, pixels: Tensor) -> Tensor:
        """uint8 (T, H, W, 3) -> float32 (T, embed_dim), of length one where the model says `unit_length`."""
        scaled = normalized_pixels(pixels, self.pixels).to(next(self.parameters()).dtype)
        embeddings: Tensor = self.tower(scaled).float()
        return F.normalize(embeddings, dim=-1) if self.unit_length else embeddings

    def encode_labels(self, labels: Sequence[str]) -> Tensor:
        """Labels -> float32 (L, embed_dim), of length one. Raises WeightsError where there is no text side."""
        raise WeightsError(
            "this model has only the picture half of CLIP, so no label can be compared with a frame; "
            "install it with its whole CLIP, or choose a detector that needs no label"
        )


class ClipEncoder(FrameEncoder):
    """Both halves of an open_clip model."""

    def __init__(self, clip: CLIP, tokenizer: SimpleTokenizer, **look: Any) -> None:
        super().__init__(**look)
        self.clip = clip
        self.tokenizer = tokenizer

    @property
    def tower(self) -> nn.Module:
        """The picture half."""
        return self.clip.visual

    def encode_labels(self, labels: Sequence[str]) -> Tensor:
        """Labels -> float32 (L, embed_dim), of length one."""
        tokens = self.tokenizer(list(labels)).to(self.device)
        return F.normalize(self.clip.encode_text(tokens).float(), dim=-1)


class ImageEncoder(FrameEncoder):
    """The picture half alone."""

    def __init__(self, visual: VisionTransformer, **look: Any) -> None:
        super().__init__(**look)
        self.visual = visual

    @property
    def tower(self) -> nn.Module:
        """The picture half."""
        return self.visual


def normalized_pixels(pixels: Tensor, statistics: str = "plain") -> Tensor:
    """uint8 (T, H, W, 3) -> float32 (T, 3, H, W), channels last in memory: -1..1 if "plain", or CLIP's own "openai"."""
    channels_first = pixels.permute(0, 3, 1, 2).float()
    if statistics == "plain":
        scaled = channels_first / 127.5 - 1
    else:
        mean, std = (torch.tensor(row, device=pixels.device)[:, None, None] for row in _PIXELS[statistics])
        scaled = (channels_first / 255 - mean) / std
    return scaled.contiguous(memory_format=torch.channels_last)


def clip_pixels(frames: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Frames (T, H, W, 3) -> centre squares (T, size, size, 3), exactly as CLIP's published preprocessing cuts them.

    The shorter side is brought to `size` by Pillow's bicubic filter. For parity with other programs; shots are
    decoded straight to squares.
    """
    return np.stack([_centre_square(Image.fromarray(frame), size) for frame in frames])


def _centre_square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    shorter = min(image.size)
    width, height = (size * side // shorter for side in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized.crop((left, top, left + size, top + size)))


@building()
def build_clip(config: dict[str, Any], bpe_path: Path | None) -> ClipEncoder:
    """A fresh CLIP from an open_clip model config, and the BPE file of its text side (None: the one all CLIPs share).

    Beside open_clip's own keys a config may say `pixels` ("plain" or "openai") and `unit_length`; without an own BPE
    file a model is taken for a published one: "openai" and not unit length.
    """
    published = bpe_path is None
    clip = CLIP(embed_dim=config["embed_dim"], vision_cfg=config["vision_cfg"], text_cfg=config["text_cfg"])
    encoder = ClipEncoder(
        clip,
        _tokenizer(config["text_cfg"], bpe_path),
        image_size=int(config["vision_cfg"]["image_size"]),
        embed_dim=int(config["embed_dim"]),
        pixels=config.get("pixels", "openai" if published else "plain"),
        unit_length=bool(config.get("unit_length", not published)),
    )
    return encoder.to(memory_format=torch.channels_last)


def _tokenizer(text: dict[str, Any], bpe_path: Path | None) -> SimpleTokenizer:
    own = {} if bpe_path is None else {"bpe_path": str(bpe_path)}
    tokenizer = SimpleTokenizer(context_length=text["context_length"], **own)
    if tokenizer.vocab_size != text["vocab_size"]:
        source = bpe_path or "the published CLIP vocabulary"
        raise WeightsError(f"{source} has {tokenizer.vocab_size} tokens, the config asks for {text['vocab_size']}")
    return tokenizer


@building()
def load_clip(folder: Path, dtype: torch.dtype = torch.float32) -> ClipEncoder:
    """Load an open_clip model: config.json, model.safetensors and maybe bpe.txt.gz in `folder`. Raises WeightsError."""
    config, path, bpe_path = read_config(folder), folder / "model.safetensors", folder / "bpe.txt.gz"
    try:
        with torch.device("meta"):  # no time for random weights, no memory for them
            encoder = build_clip(config, bpe_path if bpe_path.is_file() else None)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{folder / 'config.json'} describes no CLIP model ({error!r})") from error
    load_strictly(encoder.clip, read_weights(path, dtype), path)
    length = encoder.clip.context_length
    encoder.clip.attn_mask = torch.full((length, length), -torch.inf, dtype=dtype).triu(1)
    return encoder.to(memory_format=torch.channels_last).eval()


@building()
def load_image_encoder(folder: Path, dtype: torch.dtype = torch.float32) -> ImageEncoder:
    """Load a CLIPVisionModelWithProjection: config.json and model.safetensors in `folder`. Raises WeightsError."""
    config, path = read_config(folder), folder / "model.safetensors"
    try:
        with torch.device("meta"):
            encoder = _image_encoder(config)
        state = tower_state(read_weights(path, dtype))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{folder} holds no CLIP image encoder of a known layout ({error!r})") from error
    load_strictly(encoder.visual, state, path)
    return encoder.to(memory_format=torch.channels_last).eval()


def _image_encoder(config: dict[str, Any]) -> ImageEncoder:
    if config["hidden_act"] != "gelu":
        raise ValueError(f"hidden_act {config['hidden_act']}")
    visual = VisionTransformer(
        image_size=config["image_size"],
        patch_size=config["patch_size"],
        width=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        mlp_ratio=config["intermediate_size"] / config["hidden_size"],
        output_dim=config["projection_dim"],
    )
    sizes = {"image_size": int(config["image_size"]), "embed_dim": int(config["projection_dim"])}
    return ImageEncoder(visual, **sizes, pixels="openai", unit_length=False)


_TOWER_NAMES = {
    "vision_model.embeddings.class_embedding": "class_embedding",
    "vision_model.embeddings.patch_embedding.": "conv1.",
    "vision_model.embeddings.position_embedding.weight": "positional_embedding",
    "vision_model.pre_layrnorm.": "ln_pre.",
    "vision_model.post_layernorm.": "ln_post.",
    "vision_model.encoder.layers.": "transformer.resblocks.",
    "visual_projection.weight": "proj",
    ".layer_norm1.": ".ln_1.",
    ".layer_norm2.": ".ln_2.",
    ".self_attn.q_proj.": ".attn.in_proj_",
    ".self_attn.out_proj.": ".attn.out_proj.",
    ".mlp.fc1.": ".mlp.c_fc.",
    ".mlp.fc2.": ".mlp.c_proj.",
}


def tower_state(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of transformers' CLIPVisionModelWithProjection under the names of open_clip's VisionTransformer.

    Query, key and value are one tensor there, and the last projection lies the other way. Raises KeyError.
    """
    state = {}
    for name, value in published.items():
        if name.endswith("position_ids") or ".k_proj." in name or ".v_proj." in name:
            continue
        if ".q_proj." in name:
            value = torch.cat([value, *(published[name.replace(".q_proj.", f".{kind}_proj.")] for kind in "kv")])
        for old, new in _TOWER_NAMES.items():
            name = name.replace(old, new)
        state[name] = value.T if name == "proj" else value
    return state


@torch.inference_mode()
def same_image_encoder(first: FrameEncoder, second: FrameEncoder, pictures: NDArray[np.uint8]) -> float:
    """The lowest cosine of two encoders' embeddings over pictures uint8 (N, S, S, 3); above 0.9999 they are one."""
    pixels = torch.from_numpy(pictures)
    one, other = (encoder.encode_frames(pixels.to(encoder.device)).cpu() for encoder in (first, second))
    return float(F.cosine_similarity(one, other, dim=-1).min())


@torch.inference_mode()
def encode_in_batches(encoder: FrameEncoder, pixels: NDArray[np.uint8], batch: int = 64) -> NDArray[np.float32]:
    """Frames uint8 (T, H, W, 3) -> embeddings float32 (T, D), a fixed-size batch at a time.

    The last batch is padded to the full size, so that a frame's embedding never depends on how many came with it.
    """
    rows = []
    for first in range(0, len(pixels), batch):
        chunk = torch.from_numpy(pixels[first : first + batch])
        padded = torch.cat([chunk, chunk[-1:].expand(batch - len(chunk), -1, -1, -1)])
        rows.append(encoder.encode_frames(padded.to(encoder.device))[: len(chunk)].cpu().numpy())
    return np.concatenate(rows)
