"""In which number formats a pass computes: settled before its takes get their keys, so that each key names them."""

import os
from collections.abc import Sequence
from dataclasses import replace

from flows.errors import SettingError
from flows.options import SharedOptions
from flows.studio.pools import gpus
from pipeline.settings import ClipWeights, FixedPrecision, Settings


def settled(settings: Settings, options: SharedOptions) -> Settings:
    """The settings with what "auto" comes to on the devices of the options, for the precision and for CLIP's weights.

    On GPUs and on a Dask cluster, which is taken for one of GPUs, that is told without torch. Raises SettingError for
    float16 on a processor and for CLIP in int8 anywhere else.
    """
    devices = [device.strip() for device in options.device.split(",")]
    on_gpus = bool(options.dask) or _on_cuda(devices)
    if settings.precision == "float16" and not on_gpus and "cpu" in devices:
        raise SettingError("float16 is for GPUs: with --device cpu use --dtype auto, float32 or bfloat16")
    if settings.clip_weights == "int8" and (on_gpus or set(devices) - {"auto", "cpu"}):
        raise SettingError("clip_weights=int8 is for processors: use auto or full, or --device cpu")
    if "auto" not in (settings.precision, settings.clip_weights):
        return settings
    if on_gpus:
        return _with(settings, "bfloat16", "full")
    from pipeline.runtime import auto_clip_weights, auto_precision, choose_device

    # What one of the devices emulates would hold up all of them.
    slowest = choose_device("cpu" if "cpu" in devices else devices[0])
    alone = settings.precision == "auto" and len(devices) == 1
    return _with(settings, auto_precision(slowest), auto_clip_weights(slowest) if alone else "full")


def _with(settings: Settings, precision: FixedPrecision, clip_weights: ClipWeights) -> Settings:
    """The settings with these formats where they say "auto"."""
    return replace(
        settings,
        precision=precision if settings.precision == "auto" else settings.precision,
        clip_weights=clip_weights if settings.clip_weights == "auto" else settings.clip_weights,
    )


def _on_cuda(devices: Sequence[str]) -> bool:
    named = [device for device in devices if device != "auto"]
    return all(device.startswith("cuda") for device in named) and bool(named or gpus(os.environ))
