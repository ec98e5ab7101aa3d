# SPDX-License-Identifier: Apache-2.0
"""What all test-time training shares: steps with a log, a guard, a time limit and a progress bar."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.handlers import ProgressBar, TimeLimit
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from monai_i2v.adaptation.guard import Guard

__all__ = ["Learner", "numbers"]


class Learner(ABC):
    """A network that learns from videos, step by step.

    Args:
        network: what learns.
        optimizer: of its parameters that are trained.
        guard: takes back what harms the reference frames, None to let it happen.
    """

    def __init__(self, network: nn.Module, optimizer: Optimizer, guard: Guard | None) -> None:
        self.optimizer = optimizer
        self.log: list[dict[str, float]] = []
        self.checked = 0  # steps that the guard has seen
        self.guarded = None if guard is None else guard.watch(network)

    @abstractmethod
    def learn(self, batch: Any) -> None:
        """Take one step, and add to the log what `Guard` wants to know of it."""

    @abstractmethod
    def reference_dice(self, video: int) -> float:
        """Dice of the network's own segmentation of a video's reference frame, mean over objects."""

    def check(self) -> bool:
        """Let the guard look at the steps since its last look; False when it restored earlier weights."""
        recent, self.checked = self.log[self.checked :], len(self.log)
        if self.guarded is None or not recent:
            return True
        seen = {int(step["video"]) for step in recent}
        accepted = self.guarded.check(recent, {video: self.reference_dice(video) for video in seen})
        if not accepted:
            self.optimizer.state.clear()  # momentum belongs to the weights that were taken back
        return accepted

    def run(
        self,
        batches: Iterable[Any],
        steps: int,
        *,
        check_every: int,
        max_seconds: int | None,
        progress: bool,
        anneal: bool = False,
    ) -> None:
        """Learn, until the guard or the clock says stop.

        Args:
            batches: what to learn from, `steps` of them or more.
            steps: how many steps to take at most.
            check_every: steps between two looks of the guard.
            max_seconds: time to spend at most, None for no limit.
            progress: show a progress bar.
            anneal: see `Schedule`.
        """

        def guard(engine: Engine) -> None:
            if not self.check():
                engine.terminate()

        engine = Engine(lambda engine, batch: self.learn(batch))
        if anneal:
            rates = [group["lr"] for group in self.optimizer.param_groups]
            cycle = OneCycleLR(self.optimizer, rates, total_steps=steps + 1, pct_start=0.1, cycle_momentum=False)
            engine.add_event_handler(Events.ITERATION_COMPLETED, lambda: cycle.step())
        else:
            engine.add_event_handler(Events.ITERATION_COMPLETED(every=check_every), guard)
        if max_seconds is not None:
            engine.add_event_handler(Events.ITERATION_COMPLETED, TimeLimit(max_seconds))
        if progress:
            ProgressBar(desc="adapting").attach(
                engine, event_name=Events.ITERATION_COMPLETED, closing_event_name=Events.COMPLETED
            )
        engine.run(batches, max_epochs=1, epoch_length=steps)
        self.check()


def numbers(measured: Mapping[str, Tensor | float]) -> dict[str, float]:
    """Scalars as numbers, in the order given; the host waits for a GPU once.

    Example::

        >>> import torch
        >>> from monai_i2v.adaptation.learner import numbers
        >>> numbers({"loss": torch.tensor(0.5), "ref_dice": 1.0})
        {'loss': 0.5, 'ref_dice': 1.0}
    """
    tensors = [value.detach() for value in measured.values() if isinstance(value, Tensor)]
    found = iter(torch.stack(tensors).tolist() if tensors else ())
    return {name: next(found) if isinstance(value, Tensor) else value for name, value in measured.items()}
