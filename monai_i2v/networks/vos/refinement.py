# SPDX-License-Identifier: Apache-2.0
"""Unsure pixels ask the sure ones nearby (AFB-URR, Liang et al., NeurIPS 2020, 3.3).

Axes: `B` videos, `K` objects, `N` = `B` x (1 + `K`) with the background first, `F` feature channels, `h w` features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.residual_block import ResidualBlock

__all__ = ["Refinement", "uncertainty"]


def uncertainty(prob: Tensor) -> Tensor:
    """How near the second most likely object comes to the first, (B, 1, h, w) in (0, 1].

    ``exp(1 - first / second)`` (AFB-URR, eq. 9).

    Args:
        prob: (B, 1 + K, h, w).

    Example::

        >>> import torch
        >>> uncertainty(torch.tensor([0.5, 0.5, 0.0]).view(1, 3, 1, 1)).item()
        1.0
    """
    first, second = prob.topk(2, dim=1).values.split(1, dim=1)
    return (1 - first / second.clamp_min(1e-4)).exp()


class Refinement(nn.Module):
    """What the sure pixels nearby of each object look like decides about unsure ones (AFB-URR, 3.3).

    The paper takes the softmax over objects of probabilities, not of logits: its uncertainty is at least
    ``exp(1 - e)`` = 0.179, and refinement never quite off. So is this.

    Args:
        channels: of the features at stride 4.
        width: of the small network.
        window: side of the neighborhood, odd, at stride 4.
    """

    def __init__(self, channels: int, *, width: int = 32, window: int = 7) -> None:
        super().__init__()
        self.window = window
        self.compare = nn.Sequential(
            nn.Conv2d(2 * channels, width, 3, padding=1),
            ResidualBlock(width, width),
            nn.Conv2d(width, 1, 3, padding=1),
        )

    def forward(self, rough: Tensor, features: Tensor, present: Tensor) -> Tensor:
        """What is added to rough logits (B, 1 + K, h, w), by features (B, F, h, w) at stride 4."""
        share = rough.sigmoid().masked_fill(~present, float("-inf")).softmax(dim=1)
        frame = features.unsqueeze(1).expand(-1, share.shape[1], -1, -1, -1).flatten(0, 1)
        nearby = self.nearby(frame.float(), share.flatten(0, 1).unsqueeze(1)).to(frame.dtype)
        sure = F.max_pool2d(share, self.window, stride=1, padding=self.window // 2)
        compared = self.compare(torch.cat([frame, nearby], dim=1)).squeeze(1).unflatten(0, share.shape[:2])
        return uncertainty(share) * sure * compared

    def nearby(self, features: Tensor, share: Tensor) -> Tensor:
        """Mean features (N, F, h, w) of the neighborhood, weighted by each object's share (N, 1, h, w)."""

        def around(x: Tensor) -> Tensor:
            return F.avg_pool2d(x, self.window, stride=1, padding=self.window // 2)

        return around(features * share) / around(share).clamp_min(1e-6)
