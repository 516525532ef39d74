"""Text, attention, temporal adapter, UNet, sampler and whole takes: the reference's numbers, through the loaders that
every user calls. The small published files are installed as `foley models fetch foleycrafter-reference --from` does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.generators.auffusion.denoise import DenoisingPlan, denoise
from pipeline.generators.auffusion.frame_adapter import FrameContext, cross_attention_layers
from pipeline.generators.auffusion.generator import AuffusionGenerator
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.generators.auffusion.window_batch import WindowPlan
from pipeline.generators.auffusion.windows import Window
from pipeline.legacy import wrapping_int16
from pipeline.runtime import pin_threads
from tests.support.golden import golden_case, golden_path


@pytest.fixture
def bundle(reference: AuffusionGenerator) -> Iterator[AuffusionGenerator]:
    pin_threads()
    with torch.inference_mode():
        yield reference


@pytest.fixture
def settings(bundle: AuffusionGenerator) -> AuffusionSettings:
    return bundle.card.settings


def _case(name: str) -> dict[str, Tensor]:
    return {key: torch.from_numpy(array) for key, array in golden_case(name).items() if array.dtype.kind in "fiu"}


def _context(
    bundle: AuffusionGenerator, embeds: Tensor, *, scale: float = 1.0, rows: int = 32, columns: int = 32
) -> FrameContext:
    """Keys and values of embeds (2, F, D), whose first row is the negative: zeros."""
    adapter = bundle.frame_adapter("literal")
    return adapter.prepare(embeds, times_s=None, rows=rows, columns=columns, canvas_s=1.0, scale=scale)


def _close(found: Tensor, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


def test_the_reference_has_the_settings_of_its_script(settings: AuffusionSettings) -> None:
    assert (settings.sampler, settings.steps, settings.guidance_scale) == ("pndm", 25, 7.5)
    assert (settings.frame_scale, settings.temporal_scale, settings.precision) == (1.0, 0.2, "float32")
    assert (settings.frame_attention, settings.canvas) == ("clip_wise", "full")
    assert settings.quirks == ("time_grid", "frames", "pixel_range", "int16")


def test_prompts_become_the_references_states(bundle: AuffusionGenerator) -> None:
    case = golden_case("text")
    for prompt, expected in zip(case["prompts"], torch.from_numpy(case["last_hidden_state"]), strict=True):
        _close(bundle.prompt_states(str(prompt))[0], expected, 1e-5)


@pytest.mark.parametrize("steps", [5, 10, 25, 50])
def test_the_sampler_asks_at_the_references_times(bundle: AuffusionGenerator, steps: int) -> None:
    asked = bundle.sampler("pndm", steps).timesteps
    np.testing.assert_array_equal(asked, golden_case("pndm_timesteps")[f"timesteps_{steps}"])


@pytest.mark.parametrize("name", ["ip_attention_f1", "ip_attention_f6"])
def test_frames_are_attended_as_by_the_ip_adapter(bundle: AuffusionGenerator, name: str) -> None:
    golden_path(f"cases/{name}.npz")
    case = _case(name)
    adapter = bundle.frame_adapter("literal")
    _close(adapter.image_proj(case["image_embeds"]), case["tokens"].flatten(1, 2), 1e-5)
    numbers = {layer: number for number, layer in cross_attention_layers(bundle.unet).items()}
    places = [key.removeprefix("hidden_") for key in case if key.startswith("hidden_")]
    assert len(places) == 3
    for place in places:
        layer = next(found for found in numbers if _place(bundle, found) == place)
        for scale in (1.0, 0.5, 0.0):
            context = _context(bundle, case["image_embeds"], scale=scale)
            found = layer.processor(layer, case[f"hidden_{place}"], case["text"], frames=context)
            _close(found, case[f"out_{scale}_{place}"], 1e-5)


def _place(bundle: AuffusionGenerator, layer: torch.nn.Module) -> str:
    return next(name for name, module in bundle.unet.named_modules() if module is layer).replace(".", "_")


@pytest.mark.parametrize("step", [41, 901])
def test_the_temporal_adapter_gives_the_references_residuals(bundle: AuffusionGenerator, step: int) -> None:
    case = _case(f"controlnet_t{step}")
    for scale in (1.0, 0.2):
        down, middle = _residuals(bundle, case, step, scale)
        for number, residual in enumerate(down):
            _close(residual, case[f"down_{number}"] * scale, 1e-4)
        _close(middle, case["mid"] if scale == 1 else case["mid_scale0.2"], 1e-4)


def _residuals(
    bundle: AuffusionGenerator, case: dict[str, Tensor], step: int, scale: float
) -> tuple[list[Tensor], Tensor]:
    found: tuple[list[Tensor], Tensor] = bundle.temporal_adapter(
        case["latents"],
        torch.tensor(step),
        case["prompt_embeds"],
        case["cond"].repeat(2, 1, 1, 1),
        conditioning_scale=scale,
        return_dict=False,
    )
    return found


@pytest.mark.parametrize("step", [pytest.param(41, marks=pytest.mark.steady), 901])
def test_the_unet_gives_the_references_noise(bundle: AuffusionGenerator, step: int) -> None:
    case = _case(f"unet_step_t{step}")
    down, middle = _residuals(bundle, case, step, 0.2)
    residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
    for frames in (1, 6):
        for scale in (1.0, 0.5, 0.0):
            context = _context(bundle, case[f"image_embeds_f{frames}"], scale=scale)
            _close(_noise(bundle, case, step, context, residuals), case[f"eps_f{frames}_sem{scale}"], 5e-5)
    alone = _noise(bundle, case, step, _context(bundle, case["image_embeds_f1"]), {})
    _close(alone, case["eps_f1_sem1.0_nocontrol"], 5e-5)


def _noise(
    bundle: AuffusionGenerator, case: dict[str, Tensor], step: int, context: FrameContext, residuals: dict[str, object]
) -> Tensor:
    found: Tensor = bundle.unet(
        case["latents"],
        torch.tensor(step),
        encoder_hidden_states=case["prompt_embeds"],
        cross_attention_kwargs={"frames": context},
        **residuals,
    ).sample
    return found


def _plan(bundle: AuffusionGenerator, name: str) -> DenoisingPlan:
    """A golden case as a take of one window."""
    case, words = _case(name), golden_case(name)
    latents = case["latents"]
    rows = case["cond"][:, :, 0] if "cond" in case else case["cond_row"][None, None]
    prompts = [str(words.get("negative_prompt", "")), str(words["prompt"])]
    window = WindowPlan(
        window=Window(0, latents.shape[-1]),
        weight=torch.ones(latents.shape[-1]),
        text=torch.cat([bundle.prompt_states(prompt) for prompt in prompts]),
        condition=rows,
        frames=case["image_embeds"],
    )
    return DenoisingPlan(windows=(window,), noise=latents)


@pytest.mark.steady
@pytest.mark.parametrize(
    "name", sorted(path.stem for path in (Path(__file__).parents[3] / "shared/golden/cases").glob("sample_*.npz"))
)
def test_sampling_ends_at_the_references_latents(
    bundle: AuffusionGenerator, settings: AuffusionSettings, name: str
) -> None:
    case = golden_case(name)
    told = replace(
        settings,
        steps=int(case["steps"]),
        frame_scale=float(case["semantic_scale"]),
        temporal_scale=float(case["temporal_scale"]),
        guidance_scale=float(case["guidance_scale"]),
    )
    expected = torch.from_numpy(case["out_latents"])
    (found,) = denoise([_plan(bundle, name)], bundle, told)
    _close(found, expected, 1e-4 * float(expected.abs().max()))


@pytest.mark.steady
def test_shots_of_a_batch_do_not_see_each_others_frames(
    bundle: AuffusionGenerator, settings: AuffusionSettings
) -> None:
    """What diffusers' own pipeline gets wrong when every shot of a batch brings its own pictures."""
    told = replace(settings, steps=5)
    plans = [_plan(bundle, name) for name in ("sample_f1_s5", "sample_f6_s5")]
    window = plans[0].windows[0]
    assert window.frames is not None
    counted = replace(window, log_counts=torch.zeros(1, 1))
    six = replace(plans[1].windows[0], log_counts=torch.zeros(1, 6))
    pair = [replace(plans[0], windows=(counted,)), replace(plans[1], windows=(six,))]
    bundle.windows_at_once = 2
    try:
        found = denoise(pair, bundle, told)
    finally:
        bundle.windows_at_once = 1
    for latents, name in zip(found, ("sample_f1_s5", "sample_f6_s5"), strict=True):
        expected = torch.from_numpy(golden_case(name)["out_latents"])
        _close(latents, expected, 1e-4 * float(expected.abs().max()))


@pytest.mark.steady
@pytest.mark.parametrize("name", ["end_to_end_clipwise", "end_to_end_framewise"])
def test_a_whole_take_sounds_like_the_references(
    bundle: AuffusionGenerator, settings: AuffusionSettings, name: str
) -> None:
    golden_path(f"cases/{name}.npz")
    case = golden_case(name)
    (latents,) = denoise([_plan(bundle, name)], bundle, replace(settings, steps=int(case["steps"])))
    picture = bundle.codec.decode(latents)
    shown = (picture[0].flip(0) + 1) / 2
    np.testing.assert_allclose(shown, case["image01_ch0"].astype(np.float32), atol=2e-3, rtol=0)
    wave = bundle.vocoder(picture)[0].numpy()[: len(case["waveform"])]
    np.testing.assert_allclose(wave, case["waveform"], atol=1e-3, rtol=0)
    tame = np.abs(case["waveform"]) < 0.999
    difference = wrapping_int16(wave).astype(int) - case["pcm_int16"].astype(int)
    assert np.abs(difference[tame]).max() <= 1 + 1e-3 * 32768
