"""What each network of the published models costs: core seconds of one evaluation, weights, memory while it runs.

python -m tests.bench.published_parts MODEL [--dtype bfloat16] [--only unet ...]
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import nn

from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.runtime import pin_threads

_WIDTHS = (64, 128)
_MMAP_THRESHOLD = -3  # of glibc's mallopt


@torch.inference_mode()
def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row for every network, both halves of the guidance pair and one, at two widths."""
    told = _options(arguments)
    _give_memory_back()
    bundle = load_auffusion(told.model, device="cpu", precision=told.dtype, verify=False)
    pin_threads(0)
    sys.stdout.write(f"{bundle.dtype}\n| what | million weights | core s | s | MB while it runs |\n")
    sys.stdout.write("| :-- | ---: | ---: | ---: | ---: |\n")
    for name, module, work in _works(bundle, told.only):
        work()
        core_s, wall_s = min(_once(work) for _ in range(told.repeats))
        count = sum(p.numel() for p in module.parameters()) / 1e6
        sys.stdout.write(f"| {name} | {count:.1f} | {core_s:.2f} | {wall_s:.2f} | {_grown_mb(work):.0f} |\n")
        sys.stdout.flush()


def _works(bundle: AuffusionGenerator, only: list[str]) -> Iterator[tuple[str, nn.Module, Callable[[], object]]]:
    if "unet" in only:
        for width in _WIDTHS:
            yield from _denoisers(bundle, width)
    if "clip" in only:
        side = bundle.clip.image_size
        pixels = torch.randint(0, 255, (1, side, side, 3), dtype=torch.uint8)
        yield "CLIP, one picture", bundle.clip.tower, lambda: bundle.clip.encode_frames(pixels)
    if "onset" in only:
        frames = torch.randn(1, 150, 3, 112, 112)
        yield "onset detector, 150 pictures", bundle.onset_detector, lambda: bundle.onset_detector(frames)
    if "codec" in only:
        for width in _WIDTHS:
            latents = torch.randn(1, 4, 32, width)
            yield f"VAE decoder, {width} columns", bundle.codec.vae, partial(bundle.codec.decode, latents)
    if "vocoder" in only:
        model = bundle.vocoder.model  # type: ignore[attr-defined]
        yield "vocoder, 10.24 s", model, lambda: bundle.vocoder(torch.rand(1, 256, 1024) - 0.5)


def _denoisers(bundle: AuffusionGenerator, width: int) -> Iterator[tuple[str, nn.Module, Callable[[], object]]]:
    step = torch.tensor(500)
    shapes = ((4, 32, width), (77, bundle.text_encoder.config.hidden_size), (1, 256, 8 * width))
    for rows, named in ((2, f"pair, {width} columns"), (1, f"one half, {width} columns")):
        x, text, row = (torch.randn(rows, *shape).to(bundle.dtype) for shape in shapes)
        for name, net, extra in (("UNet", bundle.unet, ()), ("temporal adapter", bundle.temporal_adapter, (row,))):
            yield f"{name}, {named}", net, partial(net, x, step, text, *extra)


def _once(work: Callable[[], object]) -> tuple[float, float]:
    core, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - core, time.perf_counter() - wall


def _give_memory_back() -> None:
    """Have every freed megabyte handed back at once, or what a warm process takes again would not be seen."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 1 << 20)


def _grown_mb(work: Callable[[], object]) -> float:
    """How much memory that is no view of a file the work takes on top of what was taken before; nan where not told."""
    if not Path("/proc/self/statm").exists():
        return float("nan")
    before, most, running = _own_mb(), [0.0], threading.Event()

    def watch() -> None:
        while not running.wait(0.005):
            most[0] = max(most[0], _own_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    running.set()
    watcher.join()
    return most[0] - before


def _own_mb() -> float:
    _, resident, shared, *_ = (int(word) for word in Path("/proc/self/statm").read_text(encoding="utf-8").split())
    return (resident - shared) * 4096 / 2**20


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=["unet", "clip", "onset", "codec", "vocoder"])
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
