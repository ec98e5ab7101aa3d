# SPDX-License-Identifier: Apache-2.0
"""How far each cell is from the nearest one of an object, and from the nearest one of all else (CFBI, RPCM 3.1).

Axes: `B` videos, `K` objects, `D` embedding channels, `Q` query cells, `M` memory cells, `h w` cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["FAR", "DistanceMaps", "cells_in_reach", "mean_squares"]

FAR = 1e4
"""Distance to what is nowhere."""


class DistanceMaps(nn.Module):
    """Distances in [0, 1): ``2 (sigmoid(nearest + bias) - 0.5)``, with a bias for the object and one for all else."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(2))

    def forward(self, distances: Tensor, inside: Tensor, outside: Tensor) -> Tensor:
        """
        Args:
            distances: of each query cell to each memory cell, (B, Q, M).
            inside: memory cells of each object, (B, K, M); outside: those of its complement.
            outside: as `inside`.

        Returns:
            (B, K, 2, Q): to the object, and to its complement; 1 where there is none.
        """
        nearest = [
            torch.stack([distances.masked_fill(~one.unsqueeze(1), FAR).amin(dim=2) for one in cells.unbind(1)], dim=1)
            for cells in (inside, outside)
        ]
        return self.squash(torch.stack(nearest, dim=2))

    def squash(self, nearest: Tensor) -> Tensor:
        """Distances (B, K, 2, Q) of any size to [0, 1)."""
        return 2 * ((nearest + self.bias.view(2, 1)).sigmoid() - 0.5)


def mean_squares(query: Tensor, keys: Tensor) -> Tensor:
    """Mean squared differences over the channels of cells (B, D, h, w) to cells (B, D, h, w): (B, Q, M), in float32.

    Example::

        >>> import torch
        >>> mean_squares(torch.full((1, 4, 1, 1), 3.0), torch.ones(1, 4, 1, 1)).item()  # (3 - 1)^2
        4.0
    """
    with torch.autocast(query.device.type, enabled=False):
        q, k = (x.float().flatten(2).transpose(1, 2) for x in (query, keys))
        squares = q.square().sum(dim=2, keepdim=True) + k.square().sum(dim=2).unsqueeze(1)
        return (squares - 2 * q @ k.transpose(1, 2)).clamp_min(0) / q.shape[2]


def cells_in_reach(grid: Sequence[int], reach: int, device: torch.device) -> Tensor:
    """Which cells lie in a square window around each cell, (Q, M)."""
    rows, columns = (torch.arange(side, device=device) for side in grid)
    near_rows, near_columns = ((side - side.unsqueeze(1)).abs() <= reach for side in (rows, columns))
    return torch.kron(near_rows.float(), near_columns.float()) > 0
