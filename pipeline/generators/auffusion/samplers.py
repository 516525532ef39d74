"""The samplers, by name. They keep state, so every take has its own.

Every option that a diffusers default could change behind our back is written out: a scheduler made from another's
config would, for one, clip samples without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from diffusers import DPMSolverMultistepScheduler, PNDMScheduler, UniPCMultistepScheduler

from pipeline.generators.auffusion.settings import Sampler

_COMMON = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "prediction_type", "trained_betas")


def make_sampler(name: Sampler, config: Mapping[str, Any], steps: int) -> Any:
    """A fresh sampler set to `steps` steps over the noise schedule of `config` (a diffusers scheduler's)."""
    schedule = {key: config[key] for key in _COMMON if config.get(key) is not None}
    sampler = _MAKERS[name](schedule, config)
    sampler.set_timesteps(steps)
    return sampler


def _dpm_solver(schedule: Mapping[str, Any], config: Mapping[str, Any]) -> Any:
    """DPM-Solver++ (2M), Lu et al. 2022."""
    return DPMSolverMultistepScheduler(
        **schedule, algorithm_type="dpmsolver++", solver_order=2, timestep_spacing="trailing", thresholding=False
    )


def _unipc(schedule: Mapping[str, Any], config: Mapping[str, Any]) -> Any:
    """UniPC (bh2), Zhao et al. 2023."""
    return UniPCMultistepScheduler(
        **schedule, solver_order=2, solver_type="bh2", timestep_spacing="trailing", thresholding=False
    )


def _pndm(schedule: Mapping[str, Any], config: Mapping[str, Any]) -> Any:
    """PLMS of Liu et al. 2022 as Stable Diffusion 1.5 uses it: the second step is evaluated twice."""
    return PNDMScheduler(
        **schedule,
        skip_prk_steps=True,
        set_alpha_to_one=bool(config.get("set_alpha_to_one", False)),
        steps_offset=int(config.get("steps_offset", 1)),
        timestep_spacing="leading",
    )


_MAKERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Any]] = {
    "dpm++": _dpm_solver,
    "unipc": _unipc,
    "pndm": _pndm,
}
