# SPDX-License-Identifier: Apache-2.0
"""Prototypes: the mean feature of an object and of its background, and how near to them others are.

Axes: `B` videos, `K` objects, `F` feature channels, `h w` cells, `N` = `B` x `K`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["PrototypeSupport", "cell_cross_entropy", "cosine_logits", "masked_mean", "object_prototypes"]

# Keeps the mean over an empty mask finite: it is zero.
AREA_EPS = 1e-6


class PrototypeSupport(NamedTuple):
    """What prototype methods keep of an annotated frame."""

    prototypes: Tensor  # (B, K, 2, F), background first
    features: Tensor  # (B, F, h, w)
    cells: Tensor  # (B, K, h, w)
    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`


def masked_mean(features: Tensor, cells: Tensor) -> Tensor:
    """Mean feature of each mask; zeros where it is empty.

    Args:
        features: (B, F, h, w).
        cells: weights (B, K, h, w).

    Returns:
        (B, K, F).
    """
    weights = cells.flatten(2)
    total = weights @ features.flatten(2).transpose(1, 2)
    return total / weights.sum(dim=-1, keepdim=True).clamp_min(AREA_EPS)


def object_prototypes(features: Tensor, cells: Tensor) -> Tensor:
    """Mean features outside and inside of each mask: (B, K, 2, F), background first; see `masked_mean`."""
    return torch.stack([masked_mean(features, 1 - cells), masked_mean(features, cells)], dim=2)


def cosine_logits(features: Tensor, prototypes: Tensor, scale: float) -> Tensor:
    """Scaled cosine similarity of each cell to background and object.

    Args:
        features: (B, F, h, w).
        prototypes: (B, K, 2, F), background first.
        scale: the similarity is in [-scale, scale].

    Returns:
        Logits (N, 2, h, w).

    Example::

        >>> import torch
        >>> from monai_i2v.networks.few_shot.prototypes import cosine_logits
        >>> cells = torch.tensor([[3.0, 0.0], [0.0, 2.0]]).view(1, 2, 1, 2)  # one along each axis
        >>> cosine_logits(cells, torch.eye(2).view(1, 1, 2, 2), scale=20).flatten().tolist()
        [20.0, 0.0, 0.0, 20.0]
    """
    unit = F.normalize(features.flatten(2), dim=1)  # (B, F, h * w)
    similarity = F.normalize(prototypes, dim=-1).flatten(1, 2) @ unit  # (B, K * 2, h * w)
    by_object = (scale * similarity).unflatten(1, (-1, 2)).flatten(0, 1)  # (N, 2, h * w)
    return by_object.unflatten(-1, features.shape[-2:])


def cell_cross_entropy(logits: Tensor, cells: Tensor) -> Tensor:
    """Cross entropy of logits (B, 2, h, w) and the share (B, 1, h, w) of each cell that the object covers."""
    return F.cross_entropy(logits, torch.cat([1 - cells, cells], dim=1))
