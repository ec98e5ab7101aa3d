# SPDX-License-Identifier: Apache-2.0
"""Multi-scale feature enhancement: the heavy neck of GiraffeDet (Jiang et al., ICLR 2022, 3.2).

Axes: `B` images, `F` feature channels, `h w` features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["FeatureEnhancement"]

# Group norm instead of batch norm: its statistics do not depend on the batch, so four alike frames behave like one. A
# group has at least four channels, which keeps it defined on a grid of one cell.
MAX_GROUPS = 32
MIN_GROUP_CHANNELS = 4


class FeatureEnhancement(nn.Module):
    """Exchange features between scales, top-down and bottom-up in turn, with skips over layers ("log2n links").

    A node receives its own level from the layers 1, 2, 4 ... before it, both neighboring levels from the layer before
    it ("queen fusion"), and the neighbor that its own layer has already computed.

    Args:
        width: feature channels `F`, a multiple of 4.
        levels: scales; each has half the resolution of the one before.
        layers: layers; odd ones go from coarse to fine, even ones from fine to coarse.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import FeatureEnhancement
        >>> FeatureEnhancement(width=32)(torch.rand(1, 32, 33, 20)).shape
        torch.Size([1, 32, 33, 20])
    """

    def __init__(self, width: int = 256, *, levels: int = 3, layers: int = 3) -> None:
        super().__init__()
        self.levels, self.layers = levels, layers
        self.shrink = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1), nn.Conv2d(width, width, 1)) for _ in range(levels - 1)
        )
        self.nodes = nn.ModuleDict()
        for layer in range(1, layers + 1):
            for level in range(levels):
                inputs = len(self._sources(layer, level))
                self.nodes[f"{layer}_{level}"] = _node(inputs * width, width)
        self.merge = nn.Sequential(nn.Conv2d(levels * width, width, 1), nn.SiLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """
        Args:
            x: (B, F, h, w).

        Returns:
            Enhanced features (B, F, h, w).
        """
        nodes = {(0, 0): x}
        for level, shrink in enumerate(self.shrink, start=1):
            nodes[0, level] = shrink(nodes[0, level - 1])
        for layer in range(1, self.layers + 1):
            for level in self._order(layer):
                size = nodes[0, level].shape[-2:]
                inputs = [_resize(nodes[source], size) for source in self._sources(layer, level)]
                nodes[layer, level] = self.nodes[f"{layer}_{level}"](torch.cat(inputs, dim=1))
        size = x.shape[-2:]
        last = [_resize(nodes[self.layers, level], size) for level in range(self.levels)]
        return self.merge(torch.cat(last, dim=1)) + x

    def _order(self, layer: int) -> list[int]:
        levels = list(range(self.levels))
        return levels[::-1] if layer % 2 == 1 else levels

    def _sources(self, layer: int, level: int) -> list[tuple[int, int]]:
        """(layer, level) of all inputs of a node."""
        skips = [(layer - 2**j, level) for j in range(layer.bit_length()) if layer - 2**j >= 0]
        before = [(layer - 1, near) for near in (level + 1, level - 1) if 0 <= near < self.levels]
        done = level + 1 if layer % 2 == 1 else level - 1
        return skips + before + ([(layer, done)] if 0 <= done < self.levels else [])


def _node(in_channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 1),
        nn.SiLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
        nn.GroupNorm(min(MAX_GROUPS, width // MIN_GROUP_CHANNELS), width),
        nn.SiLU(inplace=True),
    )


def _resize(x: Tensor, size: torch.Size) -> Tensor:
    """Max-pool down, repeat up, to an explicit size (odd grids occur)."""
    if x.shape[-2] > size[0]:
        halves = x.shape[-2] == 2 * size[0] and x.shape[-1] == 2 * size[1]
        return F.max_pool2d(x, 2) if halves else F.adaptive_max_pool2d(x, size)  # the same, but ONNX has the first only
    return x if x.shape[-2:] == size else F.interpolate(x, size=size, mode="nearest")
