"""Who works where: a pool for single passes, with one worker per GPU, and one for whole nights.

A night may give shares of its work to the workers of the first pool. Were it in that pool itself, it would hold one of
the very slots its shares wait for. Passes and nights of one machine take turns on its GPUs: flows/work/slots.py.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.errors import StudioError

PASSES, NIGHTS = "foley-passes", "foley-nights"
# Several folders may be watched at once.
NIGHTS_AT_ONCE = 4
# Runs with this tag are the studio's own: what crashed is tried again.
OWN_TAG = "foley-studio"
# The deployments from which single runs begin; no schedule may be called so, for it would be one of them.
DEPLOYMENT = "studio"
_ASK_LIMIT_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPlan:
    """A worker to start. `device` is what CUDA_VISIBLE_DEVICES is to be; None leaves it alone."""

    name: str
    pool: str
    limit: int
    device: str | None = None


def worker_plans(host: str, devices: Sequence[str], wanted: int | None, *, nights: bool = True) -> list[WorkerPlan]:
    """One worker for each GPU, one in all where there is none; `wanted` says another number.

    Raises StudioError when fewer than one is wanted.
    """
    count = wanted if wanted is not None else max(1, len(devices))
    if count < 1:
        raise StudioError(f"--workers {count}: a studio needs one worker at least")
    of_passes = [_of_passes(host, index, devices) for index in range(count)]
    return [*of_passes, WorkerPlan(name=f"{host}-nights", pool=NIGHTS, limit=NIGHTS_AT_ONCE)] if nights else of_passes


def _of_passes(host: str, index: int, devices: Sequence[str]) -> WorkerPlan:
    device = devices[index % len(devices)] if devices else None
    return WorkerPlan(name=f"{host}-{index + 1}", pool=PASSES, limit=1, device=device)


def gpus(environ: Mapping[str, str]) -> list[str]:
    """The GPUs of this machine as CUDA names them, without loading torch; [] where there are none.

    CUDA_VISIBLE_DEVICES counts: who starts the studio may keep a GPU for other work.
    """
    if "CUDA_VISIBLE_DEVICES" in environ:
        return [part.strip() for part in environ["CUDA_VISIBLE_DEVICES"].split(",") if part.strip() not in ("", "-1")]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        asked = subprocess.run(
            [tool, "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=_ASK_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in asked.stdout.splitlines() if line.strip().isdigit()]
