# SPDX-License-Identifier: Apache-2.0
"""Shifted-window attention in the four dimensions of a correlation volume (VAT, Hong et al., ECCV 2022).

MONAI's window functions know two and three dimensions.

Axes: `N` volumes, `F` feature channels, `h w` query cells, `u v` support cells, `W` windows, `M` cells of a window.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["VolumeWindowBlock", "from_windows", "shift_regions", "to_windows"]

DIMS = (2, 3, 4, 5)  # of a volume that have cells


class VolumeWindowBlock(nn.Module):
    """A transformer block in 4-D windows.

    Args:
        width: feature channels `F`, a multiple of `heads`.
        window: side of a window in all four dimensions, cells; divides their sides.
        heads: number of heads.
        shift: cells by which the windows are shifted.

    Example::

        >>> import torch
        >>> from monai_i2v.networks.few_shot.volume_windows import VolumeWindowBlock
        >>> VolumeWindowBlock(8, window=2, heads=2, shift=1)(torch.rand(1, 8, 4, 4, 2, 2)).shape
        torch.Size([1, 8, 4, 4, 2, 2])
    """

    def __init__(self, width: int, *, window: int, heads: int, shift: int = 0) -> None:
        super().__init__()
        self.window, self.heads, self.shift = window, heads, shift
        self.norm = nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, volume: Tensor) -> Tensor:
        """(N, F, h, w, u, v) to (N, F, h, w, u, v)."""
        shifted = torch.roll(volume, [-self.shift] * 4, DIMS)
        windows = to_windows(shifted, self.window)  # (N, W, M, F)
        windows = windows + self.attend(self.norm(windows), volume.shape[2:])
        windows = windows + self.mlp(windows)
        return torch.roll(from_windows(windows, self.window, volume.shape[2:]), [self.shift] * 4, DIMS)

    def attend(self, windows: Tensor, sides: Sequence[int]) -> Tensor:
        """Windows (N, W, M, F) of a volume of the given sides that attend to themselves."""
        n, w = windows.shape[:2]
        # torch holds no attention as a whole if it gets four dimensions.
        heads = self.qkv(windows.flatten(0, 1)).unflatten(-1, (3, self.heads, -1)).transpose(1, 3)
        queries, keys, values = heads.unbind(2)  # (N * W, heads, M, F / heads)
        near = None
        if self.shift:
            regions = to_windows(shift_regions(sides, self.window, self.shift).to(windows), self.window)[0, ..., 0]
            near = (regions.unsqueeze(1) == regions.unsqueeze(2)).repeat(n, 1, 1).unsqueeze(1)  # (N * W, 1, M, M)
        attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=near)
        projected: Tensor = self.project(attended.transpose(1, 2).flatten(-2))
        return projected.unflatten(0, (n, w))


def to_windows(volume: Tensor, window: int) -> Tensor:
    """(N, F, h, w, u, v) to windows (N, W, M, F)."""
    for dim in reversed(DIMS):
        volume = volume.unflatten(dim, (-1, window))  # (N, F, h / window, window, w / window, window, ...)
    return volume.permute(0, 2, 4, 6, 8, 3, 5, 7, 9, 1).flatten(5, 8).flatten(1, 4)


def from_windows(windows: Tensor, window: int, sides: Sequence[int]) -> Tensor:
    """Windows (N, W, M, F) back to the volume (N, F, h, w, u, v) of the given sides."""
    parts = windows.unflatten(2, [window] * 4).unflatten(1, [side // window for side in sides])
    volume = parts.permute(0, 9, 1, 5, 2, 6, 3, 7, 4, 8)
    for dim in DIMS:
        volume = volume.flatten(dim, dim + 1)
    return volume


def shift_regions(sides: Sequence[int], window: int, shift: int) -> Tensor:
    """Numbers (1, 1, h, w, u, v) that differ for cells which a shift brings together from opposite borders."""
    total = torch.zeros(1, 1, *sides)
    for place, side in enumerate(sides):
        index = torch.arange(side)
        region = (index >= side - window).float() + (index >= side - shift).float()
        shape = [1, 1, *(side if other == place else 1 for other in range(len(sides)))]
        total = total + 3**place * region.view(shape)
    return total
