"""One training loop for every part: counted in steps, seeded per step, resumable to the bit, on one or two processes.

Two processes train by local SGD: each takes its own steps and every `_SYNC_EVERY` steps the weights are averaged.
That costs a fraction of averaging gradients, and one thread per process beats two threads in one.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

_SYNC_EVERY = 8
_CHECKPOINT_EVERY = 200
_LOG_EVERY = 50
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run is: `step` of `steps`."""

    step: int
    steps: int

    @property
    def fraction(self) -> float:
        """0 at the first step, just under 1 at the last."""
        return self.step / self.steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The processes that train one part together."""

    rank: int = 0
    size: int = 1

    def average(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace the weights of every process by their mean."""
        if self.size == 1:
            return
        flat = torch.cat([p.data.flatten() for p in parameters])
        dist.all_reduce(flat)
        flat /= self.size
        for parameter, piece in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.data.copy_(piece.view_as(parameter))


def join_team(store: Path, rank: int, size: int) -> Team:
    """Meet the other processes through a file; a team of one needs no meeting."""
    torch.set_num_threads(1)
    if size > 1:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        # A store, not a URL: a relative path or one with a "#" would be another place as a URL.
        meeting = dist.FileStore(str(store), size)  # type: ignore[attr-defined]  # exported, but not by name
        dist.init_process_group("gloo", store=meeting, rank=rank, world_size=size)
    return Team(rank=rank, size=size)


class TrainingLoop:
    """AdamW with warm-up and cosine decay, gradient clipping and an exponential moving average of the weights."""

    def __init__(
        self,
        name: str,
        folder: Path,
        modules: Sequence[nn.Module],
        *,
        steps: int,
        learning_rate: float,
        seed: int,
        weight_decay: float = 1e-3,
        ema_decay: float = 0.0,
        team: Team | None = None,
    ) -> None:
        self.name, self.steps, self.seed = name, steps, seed
        self.learning_rate, self.ema_decay = learning_rate, ema_decay
        self.team = team or Team()
        self.modules = list(modules)
        self.parameters = [p for m in self.modules for p in m.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, learning_rate, betas=(0.9, 0.99), weight_decay=weight_decay)
        self.average = [p.detach().clone() for p in self.parameters]
        self.checkpoint = folder / f"{name}.rank{self.team.rank}.ckpt"
        self.first = self._resume()

    def run(self, loss_of: Callable[[Progress], Tensor]) -> None:
        """Take the remaining steps, then put the averaged weights in place."""
        started, recent = time.monotonic(), 0.0
        for step in range(self.first, self.steps):
            torch.manual_seed(self.seed * 1_000_003 + step * 7 + self.team.rank)
            recent += self._take_step(step, loss_of)
            if (step + 1) % _LOG_EVERY == 0 and self.team.rank == 0:
                pace = (step + 1 - self.first) / (time.monotonic() - started)
                mean = recent / _LOG_EVERY
                _log.info("%s %d/%d loss %.4f %.2f steps/s", self.name, step + 1, self.steps, mean, pace)
                recent = 0.0
            if (step + 1) % _CHECKPOINT_EVERY == 0:
                self._save(step + 1)
        self.team.average(self.parameters)
        if self.ema_decay:
            self._use_average()

    def _take_step(self, step: int, loss_of: Callable[[Progress], Tensor]) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(step)
        loss = loss_of(Progress(step=step, steps=self.steps))
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        if (step + 1) % _SYNC_EVERY == 0:
            self.team.average(self.parameters)
        self._move_average(step)
        return float(loss.detach())

    def _rate(self, step: int) -> float:
        warm = min(1.0, (step + 1) / min(100, 1 + self.steps // 4))
        return self.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * step / self.steps)) + 1e-6

    def _move_average(self, step: int) -> None:
        if not self.ema_decay:
            return
        decay = min(self.ema_decay, (1 + step) / (10 + step))
        torch._foreach_mul_(self.average, decay)
        torch._foreach_add_(self.average, [p.detach() for p in self.parameters], alpha=1 - decay)

    def _use_average(self) -> None:
        for parameter, average in zip(self.parameters, self.average, strict=True):
            parameter.data.copy_(average)

    def _save(self, step: int) -> None:
        state = {
            "step": step,
            "modules": [m.state_dict() for m in self.modules],
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
        }
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(self.checkpoint)

    def _resume(self) -> int:
        if not self.checkpoint.exists():
            return 0
        state = torch.load(self.checkpoint, weights_only=True)
        for module, saved in zip(self.modules, state["modules"], strict=True):
            module.load_state_dict(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = state["average"]
        _log.info("%s goes on at step %d", self.name, state["step"])
        return int(state["step"])
