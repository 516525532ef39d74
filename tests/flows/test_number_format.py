"""The number format of a pass: settled with the plan, named by every take's key, told to whoever takes part."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

from flows.errors import SettingError
from flows.options import PassOptions
from flows.planning.plan import plan_pass
from flows.share import options_elsewhere
from pipeline.weights.catalogue import published_models
from pipeline.weights.registry import ModelCard
from pipeline.weights.templates import template
from tests.support.passes import Cut

EditOf = Callable[..., Path]
Movie = Callable[[str], Path]
EMULATES, ABLE = {"avx2": True}, {"avx512_bf16": True}


@pytest.fixture
def edit(edit_of: EditOf, movie: Movie, card: ModelCard) -> Path:
    return edit_of(Cut(name="train", media=movie("a.mp4")))


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, bool]], None]:
    """Let the processor have these instructions."""
    return lambda able: monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)


def options(dtype: str | None = "auto", device: str = "cpu", clip: str = "full", **told: str) -> PassOptions:
    given = {"dtype": dtype, "device": device, "settings": (("clip_weights", clip),), **told}
    return PassOptions.model_validate(given)


def test_takes_of_machines_that_choose_otherwise_have_other_keys(edit: Path, on: Callable[..., None]) -> None:
    digests = {}
    for name, able in (("emulates", EMULATES), ("able", ABLE)):
        on(able)
        digests[name] = plan_pass(edit, options()).studio.settings_digest
    asked = {name: plan_pass(edit, options(name)).studio.settings_digest for name in ("float32", "bfloat16")}
    assert digests == {"emulates": asked["float32"], "able": asked["bfloat16"]}
    assert asked["float32"] != asked["bfloat16"]


def test_gpus_and_clusters_compute_in_bfloat16_and_a_processor_beside_them_decides(
    edit: Path, on: Callable[..., None]
) -> None:
    on(EMULATES)
    formats = {
        device: plan_pass(edit, options(device=device)).studio.number_format for device in ("cuda:1", "cuda:all")
    }
    assert set(formats.values()) == {"bfloat16"}
    assert plan_pass(edit, options(dask="tcp://host:8786")).studio.number_format == "bfloat16"
    assert plan_pass(edit, options(device="cuda:0,cpu")).studio.number_format == "float32"


def test_float16_is_refused_on_a_processor(edit: Path) -> None:
    with pytest.raises(SettingError, match="float16 is for GPUs: with --device cpu use --dtype auto"):
        plan_pass(edit, options("float16"))


def test_who_shares_a_pass_is_told_the_format(edit: Path, on: Callable[..., None]) -> None:
    on(EMULATES)
    assert options_elsewhere(options()).dtype == "float32"
    on(ABLE)
    assert options_elsewhere(options()).dtype == "bfloat16"


def test_clip_is_in_int8_where_float32_is_what_auto_came_to(edit: Path, on: Callable[..., None]) -> None:
    on(EMULATES)
    left_open = plan_pass(edit, options(clip="auto")).studio
    assert left_open.number_format == "float32, CLIP in int8"
    assert left_open.settings_digest == plan_pass(edit, options("float32", clip="int8")).studio.settings_digest
    assert left_open.settings_digest != plan_pass(edit, options()).studio.settings_digest
    assert dict(options_elsewhere(options(clip="auto")).settings)["clip_weights"] == "int8"
    # A person's float32 is float32 throughout, and what several devices share is what each of them can.
    assert plan_pass(edit, options("float32", clip="auto")).studio.number_format == "float32"
    assert plan_pass(edit, options(device="cuda:0,cpu", clip="auto")).studio.number_format == "float32"
    on(ABLE)
    assert plan_pass(edit, options(clip="auto")).studio.number_format == "bfloat16"


@pytest.mark.parametrize("told", [{"device": "cuda"}, {"device": "cpu,cuda:0"}, {"dask": "tcp://host:8786"}])
def test_clip_in_int8_is_refused_off_processors(told: dict[str, str], edit: Path) -> None:
    with pytest.raises(SettingError, match="clip_weights=int8 is for processors: use auto or full, or --device cpu"):
        plan_pass(edit, options(clip="int8", **told))


def test_published_models_leave_both_formats_open(on: Callable[..., None]) -> None:
    card = template(published_models()["foleycrafter"])
    assert (card["settings"]["precision"], card["settings"]["clip_weights"]) == ("auto", "auto")
