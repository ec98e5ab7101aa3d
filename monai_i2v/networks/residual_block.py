# SPDX-License-Identifier: Apache-2.0
"""Two convolutions with a shortcut: what mask encoder, value fusion and decoder of the memory network are made of.

Axes: `B` images, `F` feature channels, `h w` features.
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["ResidualBlock"]

# Group norm: its statistics do not depend on the other objects and frames of a batch.
MAX_GROUPS = 8
MIN_GROUP_CHANNELS = 4


class ResidualBlock(nn.Module):
    """Convolution, norm, ReLU, convolution, norm; plus the input (projected when its channels differ); ReLU.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output, a multiple of 4.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        groups = next(n for n in range(MAX_GROUPS, 0, -1) if out_channels % (n * MIN_GROUP_CHANNELS) == 0)
        self.conv = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.GroupNorm(groups, out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.GroupNorm(groups, out_channels),
        )
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, h, w) to (B, out_channels, h, w)."""
        return self.act(self.shortcut(x) + self.conv(x))
