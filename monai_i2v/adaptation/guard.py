# SPDX-License-Identifier: Apache-2.0
"""The guard: an adaptation that harms the one frame whose truth is known is taken back."""

from __future__ import annotations

import copy
import logging
import math

from torch import nn

__all__ = ["Guard"]

logger = logging.getLogger(__name__)

# Keeps the ratio of areas finite when there is no foreground, as a share of the image.
AREA_EPS = 1e-4


class Guard:
    """Keep the last good weights of a network, and put them back when it drifts.

    Args:
        max_dice_loss: largest fall of the reference frame's Dice below its first value.
        max_area_ratio: largest ratio, either way, of the student's foreground to the teacher's.
    """

    def __init__(self, max_dice_loss: float = 0.02, max_area_ratio: float = 3.0) -> None:
        self.max_dice_loss, self.max_area_ratio = max_dice_loss, max_area_ratio

    def watch(self, network: nn.Module, dice: float) -> GuardedNetwork:
        """Begin to guard a network whose reference frame has this Dice before adaptation."""
        return GuardedNetwork(self, network, dice)


class GuardedNetwork:
    """A network under guard; see `Guard.watch`."""

    def __init__(self, guard: Guard, network: nn.Module, dice: float) -> None:
        self.guard, self.network, self.first_dice = guard, network, dice
        self.good = copy.deepcopy(network.state_dict())

    def check(self, loss: float, dice: float, area: float, teacher_area: float) -> bool:
        """Accept the network's present weights as good, or restore the last good ones.

        Args:
            loss: sum of the losses since the last check.
            dice: Dice of the reference frame.
            area: share of foreground in the student's masks.
            teacher_area: share of foreground in the teacher's masks of the same frames.

        Returns:
            True when the weights were accepted.
        """
        ratio = (area + AREA_EPS) / (teacher_area + AREA_EPS)
        limit = self.guard.max_area_ratio
        kept = dice >= self.first_dice - self.guard.max_dice_loss
        if math.isfinite(loss) and kept and 1 / limit <= ratio <= limit:
            self.good = copy.deepcopy(self.network.state_dict())
            return True
        logger.warning(
            "adaptation stopped: loss %.3g, reference Dice %.3f (%.3f before), foreground %.2f times the teacher's; "
            "the last good weights are used.",
            loss,
            dice,
            self.first_dice,
            ratio,
        )
        self.network.load_state_dict(self.good)
        return False
