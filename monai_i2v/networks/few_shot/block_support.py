# SPDX-License-Identifier: Apache-2.0
"""What methods that compare images block by block keep of an annotated frame.

Axes: `B` videos, `K` objects, `F` feature channels, `u v` support cells.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

__all__ = ["BlockSupport"]


class BlockSupport(NamedTuple):
    """Features and masks at many depths."""

    features: dict[int, list[Tensor]]  # per stage, per block (B, F, u, v)
    cells: dict[int, Tensor]  # per stage (B, K, u, v)
    present: Tensor  # (B, 1 + K, 1, 1), see `occurring_classes`
