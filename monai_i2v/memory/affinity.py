# SPDX-License-Identifier: Apache-2.0
"""Which memory cells a query cell keeps, and how much it takes from each.

Axes: `B` videos, `M` memory cells, `Q` query cells.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["affinity", "best_cells", "kept_cells"]

# Cells per group in the search for the best ones; 4 to 8 are about equally fast.
GROUP = 6


def kept_cells(top_k: int | None, cells: int) -> int:
    """Number of memory cells that `top_k` keeps out of `cells`, at most all."""
    return cells if top_k is None else min(top_k, cells)


def affinity(scores: Tensor, top_k: int | None = None) -> Tensor:
    """Turn similarities into weights: softmax over the `top_k` memory cells of each query, zero elsewhere.

    The best cells are chosen jointly over all memory frames. Softmax is shifted by the maximum, so it stays finite for
    keys of any size (unlike in STCN, XMem and Cutie).

    Args:
        scores: similarities (B, Q, M).
        top_k: memory cells that a query keeps; None for all.

    Returns:
        Weights (B, Q, M); each row sums to 1.
    """
    count = kept_cells(top_k, scores.shape[-1])
    if count == scores.shape[-1]:
        return scores.softmax(dim=-1)
    best, cells = best_cells(scores, count)
    return torch.zeros_like(scores).scatter_(-1, cells, best.softmax(dim=-1))


def best_cells(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` best scores of each row and their places, in no order: `topk`, and twice as fast when few are kept.

    Cells are taken in groups of `GROUP`, and only the `count` groups with the best maxima are searched, which are found
    in the same way. This is exact: a group that is not among them holds nothing better than those maxima.

    Args:
        scores: (..., M).
        count: how many to find, at most M.

    Returns:
        Scores and indices (..., count).
    """
    groups = scores.shape[-1] // GROUP
    if groups <= 2 * count:
        return scores.topk(count, dim=-1, sorted=False)
    # A group's members lie a whole number of `groups` apart: maxima are then taken over rows, not within them.
    members = groups * torch.arange(GROUP, device=scores.device)
    peaks = scores[..., : GROUP * groups].unflatten(-1, (GROUP, groups)).amax(dim=-2)
    _, best_groups = best_cells(peaks, count)
    cells = (best_groups.unsqueeze(-1) + members).flatten(-2)  # (..., count * GROUP)
    rest = torch.arange(GROUP * groups, scores.shape[-1], device=scores.device)
    cells = torch.cat([cells, rest.expand(*cells.shape[:-1], -1)], dim=-1)
    best, found = scores.gather(-1, cells).topk(count, dim=-1, sorted=False)
    return best, cells.gather(-1, found)
