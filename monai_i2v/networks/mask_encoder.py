# SPDX-License-Identifier: Apache-2.0
"""Mask encoders: what a mask looks like, on the grid of the memory (TCMN, C.1).

Axes: `B` masks, `C` channels of the mask, `H W` pixels, `F` feature channels, `h w` = H / 16, W / 16.
"""

from __future__ import annotations

from torch import Tensor, nn

from monai_i2v.networks.encoder import keep_batch_norms
from monai_i2v.networks.residual_block import ResidualBlock

__all__ = ["ResNetMaskEncoder", "SlimMaskEncoder"]

GRID = 16


class ResNetMaskEncoder(nn.Module):
    """ResNet-18 without its last stage, as in the paper.

    Args:
        in_channels: channels of the mask; 2 for a mask and those of all other objects.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import ResNetMaskEncoder
        >>> ResNetMaskEncoder()(torch.rand(1, 2, 64, 96)).shape
        torch.Size([1, 256, 4, 6])
    """

    channels = 256

    def __init__(self, in_channels: int = 2) -> None:
        from monai.networks.nets import resnet18

        super().__init__()
        net = resnet18(spatial_dims=2, n_input_channels=in_channels, conv1_t_stride=2, bias_downsample=False)
        self.features = nn.Sequential(net.conv1, net.bn1, net.act, net.maxpool, net.layer1, net.layer2, net.layer3)
        self.train()  # batch norms are born in training mode

    def train(self, mode: bool = True) -> ResNetMaskEncoder:
        """Batch norms keep their running statistics, as in the paper."""
        super().train(mode)
        keep_batch_norms(self)
        return self

    def forward(self, masks: Tensor) -> Tensor:
        """(B, C, H, W) to (B, F, h, w)."""
        features: Tensor = self.features(masks)
        return features


class SlimMaskEncoder(nn.Module):
    """Small enough that the image encoder dominates: pixels become channels, then two convolutions with stride 2.

    Args:
        channels: feature channels `F`, a multiple of 4.
        in_channels: channels of the mask; 2 for a mask and those of all other objects.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import SlimMaskEncoder
        >>> SlimMaskEncoder(64)(torch.rand(1, 2, 64, 96)).shape
        torch.Size([1, 64, 4, 6])
    """

    def __init__(self, channels: int = 64, in_channels: int = 2) -> None:
        super().__init__()
        self.channels = channels
        self.features = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(16 * in_channels, channels, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            ResidualBlock(channels, channels),
        )

    def forward(self, masks: Tensor) -> Tensor:
        """(B, C, H, W) to (B, F, h, w)."""
        features: Tensor = self.features(masks)
        return features
