# SPDX-License-Identifier: Apache-2.0
"""Whose the cells of a frame are, and which of them can be relied on (RPCM, Xu et al., AAAI 2022, 3.3).

Axes: `B` videos, `K` objects, `F` feature channels, `h w` cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from monai_i2v.networks.aggregation import with_background

__all__ = ["AnnotatedCells", "means_of", "reliable_cells"]

MOST_ENTROPY = 0.5
"""Of a cell that can be relied on, as a share of the largest there can be."""


@dataclass
class AnnotatedCells:
    """A frame and whose its cells are."""

    embedding: Tensor  # (B, F, h, w)
    masks: Tensor  # (B, K, h, w)
    reliable: Tensor  # (B, 1, h, w)

    @property
    def sides(self) -> tuple[Tensor, Tensor]:
        """Reliable cells of each object, and of its complement, (B, K, h * w)."""
        inside, known = (self.masks > 0.5).flatten(2), self.reliable.flatten(2)
        return inside & known, ~inside & known


def means_of(frame: AnnotatedCells) -> Tensor:
    """Mean embeddings of each object and of its complement, (B, K, 2 F), weighed by their soft masks."""
    cells = frame.embedding.float().flatten(2).transpose(1, 2)  # (B, h * w, F)
    inside, known = frame.masks.flatten(2).float(), frame.reliable.flatten(2).float()
    weights = torch.stack([inside * known, (1 - inside) * known], dim=2)  # (B, K, 2, h * w)
    sums = weights.flatten(1, 2) @ cells / weights.flatten(1, 2).sum(dim=2, keepdim=True).clamp_min(1)
    return sums.unflatten(1, weights.shape[1:3]).flatten(2)


def reliable_cells(cells: Tensor, present: Tensor) -> Tensor:
    """Cells (B, 1, h, w) whose entropy is at most half of the largest there can be.

    Args:
        cells: probabilities of the objects, (B, K, h, w).
        present: (B, 1 + K, 1, 1), see `occurring_classes`.

    Example::

        >>> import torch
        >>> reliable_cells(torch.tensor([[[[0.5, 0.99]]]]), torch.ones(1, 2, 1, 1, dtype=torch.bool)).tolist()
        [[[[False, True]]]]
    """
    entropy = torch.special.entr(with_background(cells)).sum(dim=1, keepdim=True)
    most = (1 + present[:, 1:].sum(dim=1, keepdim=True)).clamp_min(2).to(cells.dtype).log()
    return entropy <= MOST_ENTROPY * most
