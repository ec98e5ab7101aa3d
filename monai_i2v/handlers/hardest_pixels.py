# SPDX-License-Identifier: Apache-2.0
"""From how many of its pixels a network learns, over the course of a training."""

from __future__ import annotations

from collections.abc import Callable

from ignite.engine import Engine, Events

from monai_i2v.losses import BootstrappedCrossEntropy

__all__ = ["HardestPixels"]


class HardestPixels:
    """Set the share of hardest pixels before each iteration (MONAI's scheduler does so after it, too late on resuming).

    Args:
        loss: whose ``top_p`` is set.
        share: from the number of the iteration, from 1, to the share; see `hard_share`.
    """

    def __init__(self, loss: BootstrappedCrossEntropy, share: Callable[[int], float]) -> None:
        self.loss, self.share = loss, share

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.ITERATION_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        self.loss.top_p = self.share(engine.state.iteration)
