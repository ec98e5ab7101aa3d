# SPDX-License-Identifier: Apache-2.0
"""The decoder of PFENet's descendants: atrous convolutions, the mean of the image, a residual block.

Axes: `N` images, `F` feature channels, `h w` cells.
"""

from __future__ import annotations

import torch
from monai.networks.blocks.aspp import SimpleASPP
from torch import Tensor, nn

from monai_i2v.networks.residual_block import ResidualBlock

__all__ = ["ASPPDecoder"]

DILATIONS = (1, 6, 12, 18)


class ASPPDecoder(nn.Module):
    """Merge, look around at several distances, decide.

    MONAI's `SimpleASPP` has no branch for the mean of the image; it stands beside it here.

    Args:
        in_channels: channels of all that is merged.
        width: channels `F` in between, a multiple of 4.
        out_channels: channels of the result.

    Example::

        >>> import torch
        >>> from monai_i2v.networks.few_shot.aspp_decoder import ASPPDecoder
        >>> ASPPDecoder(5, 16, out_channels=1)(torch.rand(2, 5, 9, 7)).shape
        torch.Size([2, 1, 9, 7])
    """

    def __init__(self, in_channels: int, width: int, out_channels: int) -> None:
        super().__init__()
        self.merge = nn.Sequential(nn.Conv2d(in_channels, width, 1), nn.ReLU(inplace=True))
        self.around = SimpleASPP(2, width, width, dilations=DILATIONS, norm_type=None, acti_type="RELU", bias=True)
        self.whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, width, 1), nn.ReLU(inplace=True))
        self.join = nn.Sequential(nn.Conv2d((len(DILATIONS) + 1) * width, width, 1), nn.ReLU(inplace=True))
        self.residual = ResidualBlock(width, width)
        self.decide = nn.Conv2d(width, out_channels, 1)

    def forward(self, *parts: Tensor) -> Tensor:
        """Maps (N, ..., h, w) that together have `in_channels` to (N, out_channels, h, w)."""
        merged = self.merge(torch.cat(parts, dim=1))
        whole = self.whole(merged).expand_as(merged)
        decided: Tensor = self.decide(self.residual(self.join(torch.cat([self.around(merged), whole], dim=1))))
        return decided
