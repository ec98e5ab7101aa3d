# SPDX-License-Identifier: Apache-2.0
"""Averages of weights before and after adaptation (Wortsman et al., CVPR 2022, WiSE-FT)."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["move_back"]


@torch.no_grad()
def move_back(adapted: nn.Module, given: nn.Module, share: float) -> None:
    """Move a network's weights toward those it had before, on a straight line.

    On a line between the two, a network keeps most of what it gained on the video at hand, and loses less of what it
    knew: adaptation knows the look of one frame only, and by itself ends in repeating that frame's masks.

    Args:
        adapted: the network; it is changed.
        given: what it was.
        share: how much of the way from the given to the adapted weights remains; 1 changes nothing, 0 undoes all.
    """
    before = given.state_dict()
    for key, value in adapted.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.lerp(before[key], value, share))
