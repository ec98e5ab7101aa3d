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

__all__ = ["nearer_views", "zoom_in"]


def nearer_views(frame: Tensor, masks: Tensor, zooms: Sequence[float]) -> Iterator[tuple[Tensor, Tensor]]:
    """The parts of a frame (B, C, H, W) with those of its masks (B, K, H, W), for each of some zooms; see `zoom_in`."""
    for zoom in zooms:
        yield from zip(zoom_in(frame, zoom), zoom_in(masks, zoom), strict=True)


def zoom_in(picture: Tensor, zoom: float) -> Iterator[Tensor]:
    """Parts of a picture that together cover it, each enlarged to its size.

    Args:
        picture: (B, C, H, W).
        zoom: how many times as large.

    Yields:
        ceil(zoom) squared parts (B, C, H, W), row by row.
    """
    height, width = picture.shape[-2:]
    steps = math.ceil(zoom)
    rows, columns = round(height / zoom), round(width / zoom)
    for row, column in product(range(steps), repeat=2):
        top, left = round(row * (height - rows) / (steps - 1)), round(column * (width - columns) / (steps - 1))
        part = picture[..., top : top + rows, left : left + columns]
        yield F.interpolate(part, (height, width), mode="bilinear", align_corners=False)
