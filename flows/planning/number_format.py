"""In which number format a pass computes: settled before its takes get their keys, so that each key names it."""

import os
from collections.abc import Sequence

from flows.errors import SettingError
from flows.options import SharedOptions
from flows.studio.pools import gpus
from pipeline.settings import FixedPrecision, Precision


def number_format(asked: Precision, options: SharedOptions) -> FixedPrecision:
    """What `asked` comes to on the devices of the options.

    On GPUs and on a Dask cluster, which is taken for one of GPUs, "auto" is told without torch. Raises SettingError for
    float16 on a processor.
    """
    devices = [device.strip() for device in options.device.split(",")]
    on_gpus = bool(options.dask) or _on_cuda(devices)
    if asked == "float16" and not on_gpus and "cpu" in devices:
        raise SettingError("float16 is for GPUs: with --device cpu use --dtype auto, float32 or bfloat16")
    if asked != "auto":
        return asked
    if on_gpus:
        return "bfloat16"
    from pipeline.runtime import auto_precision, choose_device

    # What one of the devices emulates would hold up all of them.
    return auto_precision(choose_device("cpu" if "cpu" in devices else devices[0]))


def _on_cuda(devices: Sequence[str]) -> bool:
    named = [device for device in devices if device != "auto"]
    return all(device.startswith("cuda") for device in named) and bool(named or gpus(os.environ))
