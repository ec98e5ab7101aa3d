# SPDX-License-Identifier: Apache-2.0
"""Features of several encoder stages as one map: what PFENet and its descendants segment.

Axes: `B` images, `F` feature channels, `h w` cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["MiddleFeatures"]


class MiddleFeatures(nn.Module):
    """Encoder stages of one resolution, joined and projected.

    Args:
        channels: feature channels of the encoder, by stage.
        stages: stages to join.
        width: channels `F` of the result.
        dropout: share of channels dropped in training (0.5 in PFENet and DCP).
    """

    def __init__(self, channels: dict[int, int], stages: Sequence[int], width: int, *, dropout: float = 0.5) -> None:
        super().__init__()
        self.stages = tuple(stages)
        joined = sum(channels[stage] for stage in stages)
        self.project = nn.Sequential(nn.Conv2d(joined, width, 1), nn.ReLU(inplace=True), nn.Dropout2d(dropout))

    def forward(self, features: dict[int, Tensor]) -> Tensor:
        """Encoder features, by stage, to (B, F, h, w)."""
        projected: Tensor = self.project(torch.cat([features[stage] for stage in self.stages], dim=1))
        return projected
