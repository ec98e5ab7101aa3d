# SPDX-License-Identifier: Apache-2.0
"""What an object is, over all frames that are remembered, in a few vectors (Cutie, 3.3).

Axes: `B` videos, `K` objects, `N` = `B` x `K`, `P` object queries, `V` value, `F` feature channels, `h w` cells.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_i2v.networks.vos.positions import sine_positions

__all__ = ["ObjectSummary"]

EPS = 1e-4


class ObjectSummary(nn.Module):
    """Means of a frame's cells, each over cells that it chooses: half inside the mask, half outside.

    Args:
        value_channels: `V`.
        channels: `F`.
        queries: `P`, even.
    """

    def __init__(self, value_channels: int, channels: int, queries: int = 16) -> None:
        super().__init__()
        self.enter = nn.Linear(value_channels, channels)
        self.choose = nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, queries))
        self.say = nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, channels))
        self.queries = queries

    def forward(self, value: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """
        Args:
            value: of a frame, (B, K, V, h, w).
            masks: on its cells, (B, K, h, w); that of an absent object is empty, and counts nowhere.

        Returns:
            Sums (N, P, F) and areas (N, P, 1), which are added over frames; see `mean_of`.
        """
        cells = value.flatten(0, 1).flatten(2).transpose(1, 2)  # (N, h * w, V)
        x = self.enter(cells)
        x = x + sine_positions(x.shape[-1], value).to(x.dtype)
        inside = masks.flatten(0, 1).flatten(1).unsqueeze(1).float()  # (N, 1, h * w)
        halves = torch.cat([inside, 1 - inside], dim=1).repeat_interleave(self.queries // 2, dim=1)
        weights = self.choose(x).float().sigmoid().transpose(1, 2) * halves  # (N, P, h * w)
        return weights @ self.say(x).float(), weights.sum(dim=2, keepdim=True)


def mean_of(sums: Tensor, areas: Tensor) -> Tensor:
    """Summaries (N, P, F) of sums (N, P, F) and areas (N, P, 1)."""
    return sums / (areas + EPS)
