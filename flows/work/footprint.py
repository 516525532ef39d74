"""How much memory the work takes: of this process, and of its GPU."""

import sys
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Megabytes at the highest so far; None where nobody knows. `gpu_mb` is of the GPU that was filled most."""

    memory_mb: float | None = None
    gpu_mb: float | None = None

    def beside(self, other: "Footprint") -> "Footprint":
        """The larger of each."""
        return Footprint(memory_mb=_larger(self.memory_mb, other.memory_mb), gpu_mb=_larger(self.gpu_mb, other.gpu_mb))


def _larger(one: float | None, other: float | None) -> float | None:
    return max((size for size in (one, other) if size is not None), default=None)


def footprint() -> Footprint:
    """Of this process; a process that it has waited for counts where that one took more."""
    return Footprint(memory_mb=_memory_mb(), gpu_mb=_gpu_mb())


def _memory_mb() -> float | None:
    with suppress(ImportError):  # there is no such module on Windows
        import resource

        unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
        held = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return round(max(held) / unit, 1)
    return None


def _gpu_mb() -> float | None:
    torch = sys.modules.get("torch")  # who has not loaded it has used no GPU
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return round(max(map(torch.cuda.max_memory_allocated, range(torch.cuda.device_count()))) / 1e6, 1)
