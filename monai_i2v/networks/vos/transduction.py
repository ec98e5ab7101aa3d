# SPDX-License-Identifier: Apache-2.0
"""Attention that carries codes from remembered cells to those of a new frame (JOINT, 3.2).

Axes: `B` videos, `K` objects, `E` code channels, `F` feature channels, `M` remembered cells, `Q` cells of the frame.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Transduction"]

TEMPERATURE = 0.033


class Transduction(nn.Module):
    """Remembered cells exchange, so do those of a frame, which then reads the codes of remembered ones (JOINT, 3.2).

    Args:
        channels: `F`.
        temperature: of the cosine of keys.
    """

    def __init__(self, channels: int, *, temperature: float = TEMPERATURE) -> None:
        super().__init__()
        self.own, self.other = (nn.Linear(channels, channels // 2) for _ in range(2))
        self.temperature = temperature

    def forward(self, cells: Tensor, known: Tensor, labels: Tensor) -> Tensor:
        """Codes (B, Q, K * E) of a frame's cells (B, Q, F), from known cells (B, M, F) and codes (B, M, K * E)."""
        query, key = self.other(self.exchange(cells)), self.other(known)
        return self._read(query, key, labels)

    def exchange(self, cells: Tensor) -> Tensor:
        """Cells (B, M, F) after each has read those like it; channels are normalized (instance norm)."""
        key = self.own(cells)
        cells = cells + self._read(key, key, cells)
        return F.layer_norm(cells.transpose(1, 2), cells.shape[1:2]).transpose(1, 2)

    def _read(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        query, key = F.normalize(query.float(), dim=2), F.normalize(key.float(), dim=2)
        read = F.scaled_dot_product_attention(query, key, value.float(), scale=1 / self.temperature)
        return read.to(value.dtype)
