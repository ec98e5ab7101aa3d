# SPDX-License-Identifier: Apache-2.0
"""What methods that compare images block by block keep of an annotated frame.

Axes: `B` videos, `K` objects, `F` feature channels, `u v` support cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

__all__ = ["BlockSupport", "on_squares", "resize"]


class BlockSupport(NamedTuple):
    """Features and masks at many depths."""

    features: dict[int, list[Tensor]]  # per stage, per block (B, F, u, v)
    cells: dict[int, Tensor]  # per stage (B, K, u, v)
    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`


def on_squares(blocks: Mapping[int, Sequence[Tensor]], sides: Mapping[int, int]) -> dict[int, list[Tensor]]:
    """Features of each stage, resized to a square of so many cells, whatever the frame was.

    Convolutions over the support's cells learn how many there are.

    Args:
        blocks: per stage, per block (B, F, u, v).
        sides: per stage the cells of a side.
    """
    return {stage: [resize(one, side) for one in blocks[stage]] for stage, side in sides.items()}


def resize(x: Tensor, side: int) -> Tensor:
    """Maps (B, F, h, w) to (B, F, side, side)."""
    return F.interpolate(x, (side, side), mode="bilinear", align_corners=False)
