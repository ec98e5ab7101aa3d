# SPDX-License-Identifier: Apache-2.0
"""How sure is a network of its masks?

Axes: `B` videos, `K` objects, `H W` pixels.
"""

from __future__ import annotations

from torch import Tensor

__all__ = ["mask_confidence"]


def mask_confidence(prob: Tensor) -> Tensor:
    """How far the probabilities inside each object's mask are from 1 / 2, on average; 0 where there is no mask.

    Args:
        prob: (B, K, H, W).

    Returns:
        (B, K) in [0, 1].

    Example::

        >>> import torch
        >>> from monai_i2v.memory import mask_confidence
        >>> mask_confidence(torch.tensor([[[[1.0, 0.75]], [[0.4, 0.0]]]])).tolist()
        [[0.75, 0.0]]
    """
    inside = (prob > 0.5).sum(dim=(-2, -1))
    return (2 * prob).sub_(1).clamp_min_(0).sum(dim=(-2, -1)) / inside.clamp_min(1)
