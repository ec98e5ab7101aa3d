# SPDX-License-Identifier: Apache-2.0
"""The guard: an adaptation that harms the one frame whose truth is known is taken back."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from torch import nn

__all__ = ["Guard", "GuardedNetwork"]

logger = logging.getLogger(__name__)

# Keeps the ratio of areas finite when there is no foreground, as a share of the image.
AREA_EPS = 1e-4


class Guard:
    """Keep the last good weights of a network, and put them back when it drifts.

    Args:
        max_dice_loss: largest fall of the reference frames' mean Dice below that of the first steps.
        max_area_ratio: largest change, up or down, of the student's foreground (relative to the teacher's) since the
            first steps.
    """

    def __init__(self, max_dice_loss: float = 0.02, max_area_ratio: float = 3.0) -> None:
        self.max_dice_loss, self.max_area_ratio = max_dice_loss, max_area_ratio

    def watch(self, network: nn.Module) -> GuardedNetwork:
        """Begin to guard a network."""
        return GuardedNetwork(self, network)


class GuardedNetwork:
    """A network under guard; see `Guard.watch`."""

    def __init__(self, guard: Guard, network: nn.Module) -> None:
        self.guard, self.network = guard, network
        self.good = copy.deepcopy(network.state_dict())
        self.first: dict[float, Mapping[str, float]] = {}  # the first step of each video

    def check(self, steps: Sequence[Mapping[str, float]], dice: Mapping[int, float]) -> bool:
        """Accept the network's present weights as good, or restore the last good ones.

        Args:
            steps: logs of the steps since the last check: ``video``, ``loss``, ``ref_dice``, ``area``,
                ``teacher_area``. A step is measured before its own update, so a video's first step tells how the
                network was.
            dice: present Dice of the reference frames, by video.

        Returns:
            True when the weights were accepted.
        """
        for step in steps:
            self.first.setdefault(step["video"], step)
        fall = fmean(self.first[video]["ref_dice"] - now for video, now in dice.items())
        growth = math.exp(fmean(_log_ratio(step) - _log_ratio(self.first[step["video"]]) for step in steps))
        limit = self.guard.max_area_ratio
        finite = all(math.isfinite(step["loss"]) for step in steps)
        if finite and fall <= self.guard.max_dice_loss and 1 / limit <= growth <= limit:
            self.good = copy.deepcopy(self.network.state_dict())
            return True
        logger.warning(
            "adaptation stopped (loss %s, reference Dice fell by %.3f, foreground %.2f times as large as at first); "
            "the last good weights are used.",
            "finite" if finite else "not a number",
            fall,
            growth,
        )
        self.network.load_state_dict(self.good)
        return False


def _log_ratio(step: Mapping[str, float]) -> float:
    """Log of the student's foreground relative to the teacher's, both as shares of the image."""
    return math.log((step["area"] + AREA_EPS) / (step["teacher_area"] + AREA_EPS))
