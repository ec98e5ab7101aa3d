# SPDX-License-Identifier: Apache-2.0
"""Attention over a window of frames (TAU: Tan et al., CVPR 2023; RAB, MICCAI 2024, 2.3).

Axes: `B` windows, `T` frames of a window, `C` feature channels, `D` = T * C, `h w` features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["TemporalAttentionUnit"]

# The squeezed width is D over this share of D, as in the reference implementation: about 16 channels whatever D is.
REDUCTION_SHARE = 16
MIN_REDUCTION = 4


class TemporalAttentionUnit(nn.Module):
    """Each frame's features, weighted by what the window shows around each place and as a whole.

    The frames' channels lie side by side. Static attention is a large kernel in three steps (5x5 and dilated 7x7 per
    channel, then 1x1 over all channels); dynamic attention weighs channels by the window's mean. Their product scales
    the features, between two 1x1 convolutions and beside a residual path.

    The window's length is part of the weights. A shorter window is filled with copies of its last frame, and what
    comes out for these is dropped.

    Args:
        channels: `C`.
        frames: `T`.
        scale: what the attention's part is multiplied by at first, per channel; it is trained. With 0 the unit begins
            as the identity, so it may stand in a trained network; the paper's begins at random (1).

    Example::

        >>> import torch
        >>> from monai_i2v.networks import TemporalAttentionUnit
        >>> window = torch.rand(1, 4, 32, 8, 8)
        >>> torch.equal(TemporalAttentionUnit(32, frames=4)(window), window)
        True
    """

    def __init__(self, channels: int, frames: int = 4, *, scale: float = 0.0) -> None:
        super().__init__()
        self.frames = frames
        d = channels * frames
        squeezed = max(1, d // max(d // REDUCTION_SHARE, MIN_REDUCTION))
        self.enter = nn.Sequential(nn.Conv2d(d, d, 1), nn.GELU())
        self.static = nn.Sequential(
            nn.Conv2d(d, d, 5, padding=2, groups=d),
            nn.Conv2d(d, d, 7, padding=9, dilation=3, groups=d),
            nn.Conv2d(d, d, 1),
        )
        self.dynamic = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(d, squeezed, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(squeezed, d, 1, bias=False),
            nn.Sigmoid(),
        )
        self.leave = nn.Conv2d(d, d, 1)
        self.scale = nn.Parameter(torch.full((d, 1, 1), float(scale)))

    def forward(self, window: Tensor) -> Tensor:
        """
        Args:
            window: features (B, T, C, h, w) of consecutive frames, or of fewer.

        Returns:
            Features of the same shape.

        Raises:
            ValueError: When the window is longer than `frames`.
        """
        length = window.shape[1]
        if length > self.frames:
            raise ValueError(f"the window has {length} frames, but the unit was made for {self.frames}; cut it.")
        missing = window[:, -1:].expand(-1, self.frames - length, -1, -1, -1)
        x = torch.cat([window, missing], dim=1).flatten(1, 2)
        inner = self.enter(x)
        attended = self.leave(self.static(inner) * self.dynamic(inner) * inner)
        return (x + self.scale * attended).unflatten(1, (self.frames, -1))[:, :length]
