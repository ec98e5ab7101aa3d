# SPDX-License-Identifier: Apache-2.0
"""Two frames of features become one, by a small network over space and time (RDE, 3.2).

Axes: `N` videos or objects, `F` feature channels, `h w` features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["TwoToOne"]

DILATIONS = (2, 4, 6)


class NonLocal(nn.Module):
    """All cells of both frames exchange what they hold; no softmax, keys and values at half resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.query, self.key, self.value = (nn.Conv3d(channels, inner, 1) for _ in range(3))
        self.leave = nn.Conv3d(inner, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """What is added to (N, F, 2, h, w)."""
        query = self.query(x).flatten(2)  # (N, F / 2, Q)
        key, value = (F.max_pool3d(head(x), (1, 2, 2), ceil_mode=True).flatten(2) for head in (self.key, self.value))
        read = (query.transpose(1, 2) @ key / key.shape[2]) @ value.transpose(1, 2)  # (N, Q, F / 2)
        added: Tensor = self.leave(read.transpose(1, 2).unflatten(2, x.shape[2:]))
        return added


class TwoToOne(nn.Module):
    """Non-local exchange, dilated convolutions, and a convolution over time that leaves one frame.

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
                nn.Conv3d(channels, quarter, 1),
                *(nn.Conv3d(channels, quarter, (1, 3, 3), padding=(0, d, d), dilation=(1, d, d)) for d in DILATIONS),
            ]
        )
        self.gather = nn.Conv3d(4 * quarter, channels, (1, 3, 3), padding=(0, 1, 1))
        self.merge = nn.Conv3d(channels, channels, (2, 3, 3), padding=(0, 1, 1))
        for layer in (self.exchange.leave, self.gather, self.merge):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.merge.weight[:, :, 1, 1, 1] = torch.eye(channels)

    def forward(self, old: Tensor, new: Tensor) -> Tensor:
        """Two (N, F, h, w) to one (N, F, h, w)."""
        x = torch.stack([old, new], dim=2)
        x = x + self.exchange(x)
        x = x + self.gather(torch.cat([layer(x).relu() for layer in self.wide], dim=1))
        merged: Tensor = self.merge(x)
        return merged.squeeze(2)
