"""The reference pipeline as its published script runs it, written with stock classes only: ours is measured against it.

Everything in float32 and one shot at a time: every frame of the clip decoded at full size; 150 of them through CLIP in
one batch and through the onset detector; one mean picture; a canvas of 10.24 s whatever the shot's length; 25 steps of
PNDM, which are 26 evaluations of ControlNet and UNet on both halves of the guidance pair.

    python -m tests.bench.plain_reference MODEL MOVIE OUT

writes OUT/plain.json (seconds) and OUT/plain.npz (results).
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    PNDMScheduler,
    StableDiffusionControlNetPipeline,
    UNet2DConditionModel,
)
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models.video import r2plus1d_18
from torchvision.transforms import v2
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    SpeechT5HifiGan,
)

from pipeline.nets.building import building
from tests.support.published_files import vision_half

FRAMES = 150
STEPS = 25
EVALUATIONS = STEPS + 1
COLUMNS = 1024
_COLUMNS_PER_S = 102.4
_FLOOR, _CEILING = float(np.log(1e-5)), float(np.log(200.0))


class Plain:
    """The networks, float32. `encode_at_once`: frames that go through CLIP in one batch."""

    def __init__(self, folder: Path) -> None:
        with building():
            self._load(folder)

    def _load(self, folder: Path) -> None:
        self.pipe = _pipeline(folder)
        self.eye = _image_encoder(folder / "clip")
        self.onset = _Onset()
        self.onset.load_state_dict(load_file(folder / "onset" / "model.safetensors"))
        self.onset.eval()
        self.vocoder = SpeechT5HifiGan.from_pretrained(folder / "vocoder").eval()

    def embeddings(self, frames: list[NDArray[np.uint8]]) -> Tensor:
        """Frames -> (F, 1024), all in one batch."""
        pixels = CLIPImageProcessorPil()(images=frames, return_tensors="pt").pixel_values
        return self.eye(pixels).image_embeds

    def onset_row(self, frames: list[NDArray[np.uint8]], duration_s: float) -> Tensor:
        """Frames -> the on/off picture (1, 1, 256, 1024), in -1 and +1, on the reference's own time grid."""
        look = v2.Compose([v2.Resize((128, 128)), v2.CenterCrop(112), v2.Normalize(_MEAN, _STD)])
        pixels = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float()
        likely = torch.sigmoid(self.onset(look(pixels)[None]))[0]
        count = int(_COLUMNS_PER_S * duration_s)
        index = (torch.arange(count) / (_COLUMNS_PER_S * duration_s) * len(likely)).long()
        row = -torch.ones(COLUMNS)
        row[:count] = torch.where(likely[index] < 0.5, -1.0, 1.0)[:COLUMNS]
        return row.expand(1, 1, 256, -1).contiguous()

    def latents(self, prompt: str, seed: int, picture: Tensor, row: Tensor, *, evaluations: int) -> dict[str, Any]:
        """The sample's latents, the first guided prediction and the seconds of cores of each evaluation."""
        noted: dict[str, Any] = {"seconds": []}
        self.pipe.scheduler = _Noting.from_config(self.pipe.scheduler.config)
        self.pipe.scheduler.noted = noted

        def after(pipe: Any, index: int, step: Any, values: dict[str, Any]) -> dict[str, Any]:
            noted["seconds"].append(time.process_time())
            pipe._interrupt = index + 1 >= evaluations
            return values

        started = time.process_time()
        noted["latents"] = self.pipe(
            prompt=prompt,
            negative_prompt="",
            image=row,
            height=256,
            width=COLUMNS,
            num_inference_steps=STEPS,
            guidance_scale=7.5,
            controlnet_conditioning_scale=0.2,
            ip_adapter_image_embeds=[torch.cat([torch.zeros_like(picture), picture])],
            generator=torch.Generator().manual_seed(seed),
            callback_on_step_end=after,
            output_type="latent",
        ).images
        noted["seconds"] = np.diff([started, *noted["seconds"]]).tolist()
        return noted

    def mel(self, latents: Tensor) -> Tensor:
        """Latents -> the natural log of mel, (1, 256, 1024), low bands first."""
        vae = self.pipe.vae
        picture = (vae.decode(latents / vae.config.scaling_factor).sample / 2 + 0.5).clamp(0, 1)
        return picture[:, 0].flip(1) * (_CEILING - _FLOOR) + _FLOOR

    def wave(self, mel: Tensor) -> Tensor:
        """Log mel -> sound at 16 kHz."""
        return self.vocoder(mel.transpose(1, 2)).reshape(-1)


class _Noting(PNDMScheduler):  # type: ignore[misc]
    """Keeps the first guided prediction it is given."""

    noted: dict[str, Any]

    def step(self, model_output: Tensor, *args: Any, **options: Any) -> Any:
        self.noted.setdefault("prediction", model_output.clone())
        return super().step(model_output, *args, **options)


class _Onset(nn.Module):
    """The onset detector under its published names: R(2+1)D-18 that keeps every frame."""

    def __init__(self) -> None:
        super().__init__()
        trunk = r2plus1d_18()
        for layer in (trunk.layer2, trunk.layer3, trunk.layer4):
            layer[0].conv1[0][3].stride = (1, 1, 1)
            layer[0].downsample[0].stride = (1, 2, 2)
        trunk.avgpool, trunk.fc = nn.AdaptiveAvgPool3d((None, 1, 1)), nn.Identity()
        self.net = nn.ModuleDict({"model": trunk})
        self.fc = nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 1))

    def forward(self, frames: Tensor) -> Tensor:
        trunk: Any = self.net["model"]
        x = trunk.stem(frames.transpose(1, 2))
        x = trunk.layer4(trunk.layer3(trunk.layer2(trunk.layer1(x))))
        return self.fc(trunk.avgpool(x)[..., 0, 0].transpose(1, 2))[..., 0]


_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _pipeline(folder: Path) -> StableDiffusionControlNetPipeline:
    scheduler = json.loads((folder / "model.json").read_text(encoding="utf-8"))["structure"]["scheduler"]
    pipe = StableDiffusionControlNetPipeline(
        vae=AutoencoderKL.from_pretrained(folder / "vae"),
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(folder / "unet"),
        controlnet=ControlNetModel.from_pretrained(folder / "temporal_adapter"),
        scheduler=PNDMScheduler.from_config(scheduler),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    halves: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for name, value in load_file(folder / "frame_adapter" / "foleycrafter.safetensors").items():
        half, key = name.split(".", 1)
        halves[half][key] = value
    pipe.load_ip_adapter(halves, subfolder=None, weight_name=None, image_encoder_folder=None)
    pipe.set_ip_adapter_scale(1.0)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _image_encoder(folder: Path) -> CLIPVisionModelWithProjection:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    vision = config["vision_cfg"]
    told = CLIPVisionConfig(
        hidden_act="gelu",
        hidden_size=vision["width"],
        image_size=vision["image_size"],
        intermediate_size=vision["width"] * 4,
        num_attention_heads=vision["width"] // vision["head_width"],
        num_hidden_layers=vision["layers"],
        patch_size=vision["patch_size"],
        projection_dim=config["embed_dim"],
    )
    with torch.device("meta"):
        eye = CLIPVisionModelWithProjection(told)
    eye.to_empty(device="cpu")
    state = vision_half(load_file(folder / "model.safetensors"))
    missing, unknown = eye.load_state_dict(state, strict=False)
    assert not unknown and all(name.endswith("position_ids") for name in missing), (missing, unknown)
    positions = eye.vision_model.embeddings.position_ids
    positions.copy_(torch.arange(positions.shape[-1])[None])
    return eye.eval()


def every_frame(movie: Path, duration_s: float) -> list[NDArray[np.uint8]]:
    """All frames of the first `duration_s` seconds, RGB at full size."""
    with av.open(str(movie)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        frames = []
        for frame in container.decode(stream):
            if frame.time >= duration_s - 1e-6:
                break
            frames.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
    return frames


def _some(frames: list[NDArray[np.uint8]], count: int) -> list[NDArray[np.uint8]]:
    """So many of them, evenly."""
    return [frames[i] for i in np.linspace(0, len(frames) - 1, count).astype(int)]


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Add the seconds of the block to `seconds[name]`, and those of all cores to `seconds[name + " cpu"]`."""
    started, cpu_started = time.perf_counter(), time.process_time()
    yield
    spent, cpu_spent = time.perf_counter() - started, time.process_time() - cpu_started
    seconds[name] = seconds.get(name, 0.0) + spent
    seconds[f"{name} cpu"] = seconds.get(f"{name} cpu", 0.0) + cpu_spent
    sys.stderr.write(f"{name}: {spent:.1f} s, {cpu_spent:.1f} s of cores\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("movie", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--label", default="train passing")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS, help="stop after so many of the 26")
    parser.add_argument("--clip-frames", type=int, default=FRAMES, help="look at so many of the 150 only")
    return parser.parse_args(arguments)


@torch.no_grad()
def main(arguments: Sequence[str] | None = None) -> None:
    """One shot, timed part by part."""
    told = _options(arguments)
    seconds: dict[str, float] = {}
    with timed(seconds, "load"):
        plain = Plain(told.model)
    with timed(seconds, "decode"):
        frames = every_frame(told.movie, told.seconds)
        frames = _some(frames, FRAMES)
    with timed(seconds, "onset"):
        row = plain.onset_row(frames, told.seconds)
    with timed(seconds, "clip"):
        embeddings = plain.embeddings(_some(frames, told.clip_frames))
    picture = embeddings.mean(0)[None, None]
    with timed(seconds, "denoise"):
        noted = plain.latents(told.label, told.seed, picture, row, evaluations=told.evaluations)
    with timed(seconds, "decode latents"):
        mel = plain.mel(noted["latents"])
    with timed(seconds, "vocoder"):
        wave = plain.wave(mel)
    told.out.mkdir(parents=True, exist_ok=True)
    arrays = {
        "latents": noted["latents"],
        "prediction": noted["prediction"],
        "mel": mel,
        "wave": wave,
        "row": row[0, 0, 0],
    }
    np.savez(told.out / "plain.npz", embeddings=embeddings.numpy(), **{k: v.numpy() for k, v in arrays.items()})
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {"seconds": seconds, "evaluations": noted["seconds"], "clip_frames": told.clip_frames, "peak_mb": peak_mb}
    (told.out / "plain.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
