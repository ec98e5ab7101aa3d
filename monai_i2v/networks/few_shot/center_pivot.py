# SPDX-License-Identifier: Apache-2.0
"""Center-pivot 4-D convolution (HSNet, Min et al., ICCV 2021): two 2-D convolutions, one in each image.

Axes: `N` volumes, `F` feature channels, `h w` query cells, `u v` support cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["CenterPivotConv4d", "make_squeeze", "upsample_query"]

GROUPS = 4  # of the group norms


class CenterPivotConv4d(nn.Module):
    """A 4-D convolution of those weights only that keep one of its two centers.

    Args:
        in_channels: channels `F` of the volume.
        out_channels: channels of the result.
        kernel: side of both 2-D kernels, odd.
        stride: of the support's cells; all query cells stay.

    Example::

        >>> import torch
        >>> from monai_i2v.networks.few_shot.center_pivot import CenterPivotConv4d
        >>> CenterPivotConv4d(3, 8, kernel=3, stride=2)(torch.rand(1, 3, 6, 4, 6, 4)).shape
        torch.Size([1, 8, 6, 4, 3, 2])
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.in_query = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
        self.in_support = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)

    def forward(self, volume: Tensor) -> Tensor:
        """(N, F, h, w, u, v) to (N, out_channels, h, w, u / stride, v / stride)."""
        strided = volume[..., :: self.stride, :: self.stride]
        n, _, h, w, u, v = strided.shape
        in_query = self.in_query(strided.permute(0, 4, 5, 1, 2, 3).flatten(0, 2))  # (N * u * v, F, h, w)
        in_support = self.in_support(volume.permute(0, 2, 3, 1, 4, 5).flatten(0, 2))  # (N * h * w, F, u, v)
        by_query = in_query.unflatten(0, (n, u, v)).permute(0, 3, 4, 5, 1, 2)
        by_support = in_support.unflatten(0, (n, h, w)).permute(0, 3, 1, 2, 4, 5)
        summed: Tensor = by_query + by_support
        return summed


def make_squeeze(
    in_channels: int, widths: Sequence[int], kernels: Sequence[int], strides: Sequence[int] = (1, 1, 1)
) -> nn.Sequential:
    """Center-pivot convolutions, each with group norm and ReLU, that squeeze the support's cells together.

    Args:
        in_channels: channels of the volume.
        widths: channels of each result, multiples of 4.
        kernels: see `CenterPivotConv4d`.
        strides: see `CenterPivotConv4d`.
    """
    layers: list[nn.Module] = []
    for width, kernel, stride in zip(widths, kernels, strides, strict=True):
        conv = CenterPivotConv4d(in_channels, width, kernel=kernel, stride=stride)
        layers += [conv, nn.GroupNorm(GROUPS, width), nn.ReLU(inplace=True)]
        in_channels = width
    return nn.Sequential(*layers)


def upsample_query(volume: Tensor, size: Sequence[int]) -> Tensor:
    """The query's cells of a volume (N, F, h, w, u, v), interpolated to `size`."""
    n, _, _, _, u, v = volume.shape
    maps = volume.permute(0, 4, 5, 1, 2, 3).flatten(0, 2)  # (N * u * v, F, h, w)
    finer = F.interpolate(maps, (size[0], size[1]), mode="bilinear", align_corners=False)
    return finer.unflatten(0, (n, u, v)).permute(0, 3, 4, 5, 1, 2)
