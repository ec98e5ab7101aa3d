# SPDX-License-Identifier: Apache-2.0
"""How well masks agree with those that were drawn."""

from __future__ import annotations

from torch import Tensor

from monai_i2v.metrics import dice

__all__ = ["annotated_dice"]


def annotated_dice(prob: Tensor, masks: Tensor) -> float:
    """Mean Dice of the objects that a frame shows; the others agree by finding nothing, which says little.

    Args:
        prob: probabilities (B, K, H, W).
        masks: drawn masks (B, K, H, W) in [0, 1].

    Returns:
        In [0, 1]; 1 when nothing was drawn.

    Example::

        >>> import torch
        >>> from monai_i2v.adaptation.annotated_dice import annotated_dice
        >>> masks = torch.tensor([[[[1.0, 1.0]], [[0.0, 0.0]]]])
        >>> annotated_dice(torch.zeros(1, 2, 1, 2), masks)
        0.0
    """
    drawn = masks > 0.5
    scores = dice(prob > 0.5, drawn)[drawn.any(dim=-1).any(dim=-1)]
    return scores.mean().item() if scores.numel() else 1.0
