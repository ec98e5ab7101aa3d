# SPDX-License-Identifier: Apache-2.0
"""A linear filter that is fitted while a video runs (JOINT, 3.3; its steps: Bhat et al., ECCV 2020).

Axes: `B` videos, `M` remembered cells, `R` channels of a cell's patch, `E` code channels of all objects.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["filter_loss", "fit_filter"]

SMALLEST = 1e-12


def fit_filter(
    start: Tensor, rows: Tensor, codes: Tensor, weights: Tensor, *, decay: Tensor, objects: int, steps: int
) -> Tensor:
    """Minimize `filter_loss` by steepest descent with the exact step length of each object (Gauss-Newton).

    It can be differentiated, also by `decay`. In float32, also under autocast.

    Args:
        start: the filter to begin with, (B, R, E).
        rows: patches (B, M, R).
        codes: what the filter is to give there, (B, M, E).
        weights: how much that counts, (B, M, E).
        decay: scalar, weight of the filter's own length.
        objects: `E` holds the codes of so many objects, one after the other.
        steps: how many.

    Returns:
        The filter (B, R, E).

    Example::

        >>> import torch
        >>> rows, codes = torch.eye(2).unsqueeze(0), torch.tensor([[[3.0], [5.0]]])
        >>> options = {"decay": torch.tensor(0.0), "objects": 1, "steps": 1}
        >>> fit_filter(torch.zeros(1, 2, 1), rows, codes, torch.ones_like(codes), **options).flatten().tolist()
        [3.0, 5.0]
    """
    with torch.autocast(rows.device.type, enabled=False):
        rows, codes, squared = rows.float(), codes.float(), weights.float().square()
        shrink = decay.float().square()
        filters = start.float()
        for _ in range(steps):
            gradient = rows.transpose(1, 2) @ (squared * (rows @ filters - codes)) + shrink * filters  # (B, R, E)
            along = rows @ gradient
            length = by_object(gradient.square(), objects)
            curvature = by_object(squared * along.square(), objects) + shrink * length
            step = (length / curvature.clamp_min(SMALLEST)).repeat_interleave(filters.shape[2] // objects, dim=1)
            filters = filters - step.unsqueeze(1) * gradient
        return filters


def by_object(x: Tensor, objects: int) -> Tensor:
    """Sum of (B, M, E) per object, (B, objects)."""
    return x.unflatten(2, (objects, -1)).sum(dim=(1, 3))


def filter_loss(filters: Tensor, rows: Tensor, codes: Tensor, weights: Tensor, *, decay: Tensor) -> Tensor:
    """``|weights (rows filter - codes)|^2 + |decay filter|^2`` of each video, (B,)."""
    misses = (weights * (rows @ filters - codes)).square().sum(dim=(1, 2))
    return misses + (decay * filters).square().sum(dim=(1, 2))
