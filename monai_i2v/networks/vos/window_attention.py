# SPDX-License-Identifier: Apache-2.0
"""Attention to all cells of a frame, and to those near a cell's own place (AOT, 4.2).

Axes: `B` videos, `D` key, `V` value, `Q` query cells, `M` memory cells, `h w` cells of the frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["WindowAttention", "attend"]


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """What each query (B, Q, D) reads of keys (B, M, D) and values (B, M, V): (B, Q, V)."""
    parts = [x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key.to(query.dtype), value.to(query.dtype))]
    return F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)


class WindowAttention(nn.Module):
    """Attention of each cell to those of another frame that lie in a window around it.

    Each query says how much each offset counts, and what lies there is known to lie there: scores have a bias, and
    values an addend, per offset. Both start at zero. All cells are compared and those outside masked, which up to
    about 2,000 cells is faster than taking windows apart.

    Args:
        key_channels: `D`.
        value_channels: `V`.
        heads: of the attention.
        window: side, odd, cells.
        values_by_offset: whether values have an addend.

    Example::

        >>> import torch
        >>> from monai_i2v.networks.vos.window_attention import WindowAttention
        >>> key, value = torch.rand(1, 12, 4), torch.rand(1, 12, 4)
        >>> read = WindowAttention(4, 4, heads=2, window=1)(key, key, value, (3, 4))  # each cell sees itself
        >>> torch.equal(read, value)
        True
    """

    def __init__(
        self, key_channels: int, value_channels: int, *, heads: int, window: int = 15, values_by_offset: bool = True
    ) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.bias = nn.Conv1d(key_channels, heads * window**2, 1, groups=heads)
        nn.init.zeros_(self.bias.weight)
        nn.init.zeros_(self.bias.bias)  # type: ignore[arg-type]
        self.addend = nn.Parameter(torch.zeros(heads, window**2, value_channels // heads)) if values_by_offset else None

    def forward(self, query: Tensor, key: Tensor, value: Tensor, grid: Sequence[int]) -> Tensor:
        """
        Args:
            query: (B, h * w, D).
            key: (B, h * w, D).
            value: (B, h * w, V).
            grid: h and w.

        Returns:
            (B, h * w, V).
        """
        offsets, outside = offsets_of(grid, self.window, query.device)
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (query, key, value))  # (B, heads, ...)
        bias = self.bias(query.transpose(1, 2)).unflatten(1, (self.heads, -1)).transpose(2, 3)  # (B, heads, Q, offsets)
        where = offsets.expand(*bias.shape[:2], -1, -1)  # (B, heads, Q, M)
        scores = (q @ k.to(q.dtype).transpose(2, 3) / math.sqrt(q.shape[-1]) + bias.gather(3, where)).float()
        weights = scores.masked_fill(outside, float("-inf")).softmax(dim=3)
        read = weights.to(v.dtype) @ v
        if self.addend is not None:
            by_offset = weights.new_zeros(bias.shape).scatter_add(3, where, weights)
            read = read + by_offset.to(v.dtype) @ self.addend.to(v.dtype)
        return read.transpose(1, 2).flatten(2)


def offsets_of(grid: Sequence[int], window: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Number of the offset between each two cells (Q, M), and which lie outside of the window."""
    rows, columns = (torch.arange(side, device=device) for side in grid)
    down = (rows - rows.unsqueeze(1)).repeat_interleave(grid[1], 0).repeat_interleave(grid[1], 1)
    across = (columns - columns.unsqueeze(1)).repeat(grid[0], grid[0])
    reach = window // 2
    outside = (down.abs() > reach) | (across.abs() > reach)
    return ((down + reach) * window + across + reach).masked_fill(outside, 0), outside
