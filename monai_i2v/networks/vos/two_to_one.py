# SPDX-License-Identifier: Apache-2.0
"""Two frames of features become one, by a small network over space and time (RDE, 3.2).

Axes: `N` videos or objects, `F` feature channels, `h w` features. Both frames stand side by side, (N, 2, F, h, w).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["TwoToOne"]

DILATIONS = (2, 4, 6)
GROUPS = 8


class NonLocal(nn.Module):
    """All cells of both frames exchange what they hold; no softmax, keys and values at half resolution.

    What is added is a product of three, so it is normed: folded again and again, it would grow beyond all numbers.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.query, self.key, self.value = (nn.Conv2d(channels, inner, 1) for _ in range(3))
        self.leave = nn.Sequential(nn.Conv2d(inner, channels, 1), nn.GroupNorm(GROUPS, channels))

    def forward(self, x: Tensor) -> Tensor:
        """What is added to (N, 2, F, h, w)."""
        frames = x.flatten(0, 1)
        query = self.query(frames)  # (N * 2, F / 2, h, w)
        key, value = (F.max_pool2d(head(frames), 2, ceil_mode=True) for head in (self.key, self.value))
        query, key, value = (one.unflatten(0, (-1, 2)).transpose(1, 2) for one in (query, key, value))
        size = query.shape[2:]
        query, key, value = (one.flatten(2) for one in (query, key, value))  # (N, F / 2, cells of both)
        read = (query.transpose(1, 2) @ key / key.shape[2]) @ value.transpose(1, 2)  # (N, Q, F / 2)
        back = read.transpose(1, 2).unflatten(2, size).transpose(1, 2)
        added: Tensor = self.leave(back.flatten(0, 1))
        return added.unflatten(0, (-1, 2))


class TwoToOne(nn.Module):
    """Non-local exchange, dilated convolutions, and a convolution over both frames that leaves one.

    It starts as "take the newer frame": what the first two add is zero.

    Args:
        channels: `F`.

    Example::

        >>> import torch
        >>> from monai_i2v.networks.vos.two_to_one import TwoToOne
        >>> old, new = torch.rand(2, 1, 8, 3, 4)
        >>> torch.equal(TwoToOne(8)(old, new), new)
        True
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.exchange = NonLocal(channels)
        quarter = channels // 4
        self.wide = nn.ModuleList(
            [
                nn.Conv2d(channels, quarter, 1),
                *(nn.Conv2d(channels, quarter, 3, padding=step, dilation=step) for step in DILATIONS),
            ]
        )
        self.gather = nn.Conv2d(4 * quarter, channels, 3, padding=1)
        self.merge = nn.Conv2d(2 * channels, channels, 3, padding=1)
        for layer in (self.exchange.leave[1], self.gather, self.merge):
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.merge.weight[:, channels:, 1, 1] = torch.eye(channels)

    def forward(self, old: Tensor, new: Tensor) -> Tensor:
        """Two (N, F, h, w) to one (N, F, h, w)."""
        x = torch.stack([old, new], dim=1)
        frames = (x + self.exchange(x)).flatten(0, 1)
        frames = frames + self.gather(torch.cat([layer(frames).relu() for layer in self.wide], dim=1))
        merged: Tensor = self.merge(frames.unflatten(0, (-1, 2)).flatten(1, 2))
        return merged
