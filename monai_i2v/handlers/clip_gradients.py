# SPDX-License-Identifier: Apache-2.0
"""No single batch moves the network far."""

from __future__ import annotations

from typing import Any

from ignite.engine import Engine
from monai.engines.utils import IterationEvents
from torch import nn
from torch.nn.utils import clip_grad_norm_

__all__ = ["ClipGradients"]


class ClipGradients:
    """Shorten gradients to a largest norm, between a MONAI trainer's backward pass and its optimizer's step.

    Of a trainer with a `GradScaler` (``amp=True``) they are brought to their true length before.

    Args:
        network: the network that is trained.
        max_norm: largest norm of all gradients together.
    """

    def __init__(self, network: nn.Module, max_norm: float = 10.0) -> None:
        self.network, self.max_norm = network, max_norm

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        trainer: Any = engine
        if trainer.scaler is not None:
            trainer.scaler.unscale_(trainer.optimizer)
        clip_grad_norm_(self.network.parameters(), self.max_norm)
