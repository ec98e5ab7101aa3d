# SPDX-License-Identifier: Apache-2.0
"""The segmentation head of the image network (TTT paper 3.2).

Axes: `B` images, `F` feature channels, `h w` features.
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["SegmentationHead"]


class SegmentationHead(nn.Module):
    """A 3x3 convolution, ReLU, and a 1x1 convolution to background and foreground.

    Args:
        in_channels: channels of the features.
        width: channels between the two convolutions.
        dropout: share of channels dropped in training.
    """

    def __init__(self, in_channels: int, width: int, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout2d(dropout)
        self.classify = nn.Conv2d(width, 2, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, F, h, w) to logits (B, 2, h, w), background first."""
        return self.classify(self.dropout(self.act(self.conv(features))))
