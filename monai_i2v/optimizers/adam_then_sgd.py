# SPDX-License-Identifier: Apache-2.0
"""Adam for the first steps, then SGD: how the image network is trained (TTT paper 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor
from torch.optim import SGD, Adam, Optimizer

__all__ = ["AdamThenSGD"]


class AdamThenSGD(Optimizer):
    """Adam until `switch_step`, SGD after it, in one optimizer that saves and resumes as one.

    Its `param_groups` are Adam's. What a scheduler makes of their learning rate, SGD follows in proportion.

    Args:
        params: parameters to train; those that need no gradient are left out.
        switch_step: number of steps taken with Adam; the paper takes 5,000.
        adam_lr: learning rate of Adam.
        sgd_lr: learning rate of SGD.
        momentum: momentum of SGD; the paper does not say.
        weight_decay: L2 penalty in both phases.

    Example::

        >>> import torch
        >>> from monai_i2v.optimizers import AdamThenSGD
        >>> weight = torch.nn.Parameter(torch.tensor(1.0))
        >>> optimizer = AdamThenSGD([weight], switch_step=1, adam_lr=0.5, sgd_lr=0.125, weight_decay=0)
        >>> for _ in range(2):  # Adam moves by its learning rate, SGD by that times the gradient
        ...     optimizer.zero_grad()
        ...     (2 * weight).backward()
        ...     optimizer.step()
        ...     print(f"{weight.item():.3f}")
        0.500
        0.250
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        switch_step: int = 5000,
        adam_lr: float = 1e-4,
        sgd_lr: float = 1e-5,
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
    ) -> None:
        trained = [param for param in params if param.requires_grad]
        self.adam = Adam(trained, lr=adam_lr, weight_decay=weight_decay)
        super().__init__(trained, self.adam.defaults)
        self.switch_step, self.adam_lr, self.sgd_lr = switch_step, adam_lr, sgd_lr
        self.steps = 0
        self.sgd = SGD(trained, lr=sgd_lr, momentum=momentum, weight_decay=weight_decay)
        self.param_groups = self.adam.param_groups

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with the optimizer whose turn it is."""
        optimizer = self.adam if self.steps < self.switch_step else self.sgd
        self.steps += 1
        for own, other in zip(self.param_groups, self.sgd.param_groups, strict=True):
            other["lr"] = self.sgd_lr * own["lr"] / self.adam_lr
        return optimizer.step(closure)

    def __getstate__(self) -> dict[str, Any]:
        """All of it, for copies; `Optimizer` leaves out what it does not know."""
        return self.__dict__.copy()

    def state_dict(self) -> dict[str, Any]:
        """Both optimizers' states and the number of steps taken."""
        return {"steps": self.steps, "adam": self.adam.state_dict(), "sgd": self.sgd.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` gave."""
        self.steps = state_dict["steps"]
        self.adam.load_state_dict(state_dict["adam"])
        self.sgd.load_state_dict(state_dict["sgd"])
        self.param_groups = self.adam.param_groups
