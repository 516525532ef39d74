"""The number format that "auto" is: one that the device computes in, whatever is asked of it and however busy it is."""

import pytest
import torch

from pipeline.errors import PipelineError
from pipeline.runtime import auto_clip_weights, auto_precision, best_device_in_words, choose_dtype

CPU = torch.device("cpu")


@pytest.fixture(params=[{"avx2": True}, {"avx2": True, "avx512_f": True}, {"neon": True, "bf16": False}])
def emulating(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that can compute bfloat16 only by way of float32."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: request.param)


@pytest.fixture(params=["avx512_bf16", "amx_bf16", "bf16"])
def able(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor with instructions for bfloat16."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, request.param: True})


@pytest.mark.usefixtures("emulating")
def test_a_processor_that_emulates_bfloat16_computes_in_float32() -> None:
    assert auto_precision(CPU) == "float32"
    assert choose_dtype("auto", CPU) is torch.float32
    assert choose_dtype("bfloat16", CPU) is torch.bfloat16  # a person's word


@pytest.mark.usefixtures("able")
def test_a_processor_with_instructions_for_it_computes_in_bfloat16_and_looks_in_full() -> None:
    assert choose_dtype("auto", CPU) is torch.bfloat16
    assert auto_clip_weights(CPU) == "full"


def test_clip_is_in_int8_on_processors_that_have_nothing_quicker_and_the_instructions_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {}
    for able in ("avx2", "avx512_f", "neon"):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: {able: True})
        found[able] = auto_clip_weights(CPU)
    assert found == {"avx2": "int8", "avx512_f": "full", "neon": "full"}
    assert auto_clip_weights(torch.device("cuda")) == "full"


def test_a_torch_that_cannot_tell_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert auto_precision(CPU) == "float32"


def test_gpus_compute_in_half_precision() -> None:
    assert [auto_precision(torch.device(kind)) for kind in ("cuda", "mps")] == ["bfloat16", "float16"]


def test_float16_is_not_for_processors() -> None:
    with pytest.raises(PipelineError, match="float16 is for GPUs"):
        choose_dtype("float16", CPU)


def test_the_formats_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    told = "on the CPU (without instructions for bfloat16); --dtype auto is float32, CLIP in int8"
    assert best_device_in_words() == told
