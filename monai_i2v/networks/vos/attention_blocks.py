# SPDX-License-Identifier: Apache-2.0
"""Which channels and which places matter (CBAM, Woo et al., ECCV 2018).

Axes: `B` images, `F` feature channels, `h w` features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_i2v.networks.residual_block import ResidualBlock

__all__ = ["CBAM", "ChannelAttention", "attentive_block"]


class ChannelAttention(nn.Module):
    """Weigh channels by what one small network says of their mean and of their maximum (CBAM, 3.1).

    Args:
        channels: `F`.
        reduction: how many times narrower the network is inside.
    """

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        inner = max(channels // reduction, 1)
        self.judge = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.ReLU(), nn.Conv2d(inner, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, h, w), weighted."""
        mean, peak = x.mean(dim=(-2, -1), keepdim=True), x.amax(dim=(-2, -1), keepdim=True)
        return x * (self.judge(mean) + self.judge(peak)).sigmoid()


class CBAM(nn.Module):
    """Channel attention, then attention over places by a convolution over mean and maximum of the channels (CBAM, 3).

    Args:
        channels: `F`.
        reduction: see `ChannelAttention`.
        reach: side of the convolution over places, odd.

    Example::

        >>> import torch
        >>> from monai_i2v.networks.vos.attention_blocks import CBAM
        >>> CBAM(32)(torch.rand(1, 32, 4, 6)).shape
        torch.Size([1, 32, 4, 6])
    """

    def __init__(self, channels: int, *, reduction: int = 16, reach: int = 7) -> None:
        super().__init__()
        self.channels = ChannelAttention(channels, reduction=reduction)
        self.places = nn.Conv2d(2, 1, reach, padding=reach // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, h, w), weighted."""
        x = self.channels(x)
        both = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return x * self.places(both).sigmoid()


def attentive_block(channels: int) -> nn.Module:
    """A residual block and channel attention: (B, F, h, w) to (B, F, h, w)."""
    return nn.Sequential(ResidualBlock(channels, channels), ChannelAttention(channels))
