# SPDX-License-Identifier: Apache-2.0
"""A frame as a camera sees it from nearer.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

import torch.nn.functional as F
from torch import Tensor

__all__ = ["crops_that_cover", "reference_crops"]


def reference_crops(frame: Tensor, masks: Tensor, scales: Sequence[float]) -> Iterator[tuple[Tensor, Tensor]]:
    """Crops of a frame (B, C, H, W) with those of its masks (B, K, H, W), for each of some scales."""
    for scale in scales:
        yield from zip(crops_that_cover(frame, scale), crops_that_cover(masks, scale), strict=True)


def crops_that_cover(picture: Tensor, scale: float) -> Iterator[Tensor]:
    """Crops of a picture that together cover it, each enlarged to its size.

    Args:
        picture: (B, C, H, W).
        scale: how many times as large.

    Yields:
        ceil(scale) squared crops (B, C, H, W), row by row.
    """
    height, width = picture.shape[-2:]
    steps = math.ceil(scale)
    rows, columns = round(height / scale), round(width / scale)
    for row, column in product(range(steps), repeat=2):
        top, left = round(row * (height - rows) / (steps - 1)), round(column * (width - columns) / (steps - 1))
        crop = picture[..., top : top + rows, left : left + columns]
        yield F.interpolate(crop, (height, width), mode="bilinear", align_corners=False)
