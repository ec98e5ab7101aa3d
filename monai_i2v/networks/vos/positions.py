# SPDX-License-Identifier: Apache-2.0
"""Where a cell lies, as sines and cosines (Vaswani et al., NeurIPS 2017, 3.5, in two dimensions).

Axes: `F` feature channels, `h w` features.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["sine_positions"]

LONGEST = 10_000.0
"""Longest wave over the shortest."""


def sine_positions(channels: int, like: Tensor) -> Tensor:
    """Half of the channels say the row, half the column, each as a share of the whole.

    Args:
        channels: `F`, a multiple of 4.
        like: features (..., h, w), for their size, device and dtype.

    Returns:
        (h * w, F).

    Example::

        >>> import torch
        >>> from monai_i2v.networks.vos.positions import sine_positions
        >>> sine_positions(8, torch.rand(2, 3)).shape
        torch.Size([6, 8])
    """
    waves = LONGEST ** (torch.arange(channels // 4, device=like.device) / (channels // 4))
    h, w = like.shape[-2:]
    angles = [
        2 * math.pi * ((torch.arange(side, device=like.device) + 0.5) / side).unsqueeze(1) / waves for side in (h, w)
    ]
    rows, columns = (torch.cat([angle.sin(), angle.cos()], dim=1) for angle in angles)
    both = torch.cat([rows.unsqueeze(1).expand(-1, w, -1), columns.unsqueeze(0).expand(h, -1, -1)], dim=2)
    return both.flatten(0, 1).to(like.dtype)
