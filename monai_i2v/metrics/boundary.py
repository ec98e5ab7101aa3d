# SPDX-License-Identifier: Apache-2.0
"""DAVIS F: how much of two outlines lies within a tolerance of each other.

Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016;
conventions of the benchmark's 2017 evaluation. Axes: `H W` pixels; all axes before them are kept.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.metrics.overlap import check_masks

__all__ = ["boundary_f", "boundary_map", "tolerance_px"]

TOLERANCE = 0.008  # of the picture's diagonal


def tolerance_px(height: int, width: int) -> int:
    """How far apart two outlines may be to agree: 0.8 % of the diagonal, rounded up, in px.

    Example::

        >>> from monai_i2v.metrics.boundary import tolerance_px
        >>> tolerance_px(256, 256), tolerance_px(480, 854)
        (3, 8)
    """
    return math.ceil(TOLERANCE * math.hypot(height, width))


def boundary_map(mask: Tensor) -> Tensor:
    """Outline of a mask: pixels that differ from their neighbor to the east, south or south-east.

    In the last row and column only the neighbor that exists counts; the last pixel of all is never
    outline. So the border of the picture is not outline.

    Args:
        mask: (..., H, W), bool.

    Returns:
        Outline (..., H, W), bool.

    Example::

        >>> import torch
        >>> from monai_i2v.metrics.boundary import boundary_map
        >>> boundary_map(torch.tensor([[0, 0, 0], [0, 1, 0], [0, 0, 0]]).bool()).int().tolist()
        [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    """
    outline = torch.zeros_like(mask)
    outline[..., :, :-1] |= mask[..., :, :-1] != mask[..., :, 1:]
    outline[..., :-1, :] |= mask[..., :-1, :] != mask[..., 1:, :]
    outline[..., :-1, :-1] |= mask[..., :-1, :-1] != mask[..., 1:, 1:]
    return outline


def boundary_f(prediction: Tensor, truth: Tensor, tolerance: int | None = None) -> Tensor:
    """F = 2 P R / (P + R) of the outlines, per picture.

    P is the share of the predicted outline that lies within `tolerance` of the true one, R the converse.
    Two masks without outline agree (1) when they are the same, one without outline is a failure (0).

    Args:
        prediction: mask (..., H, W), bool.
        truth: mask of the same shape, bool.
        tolerance: distance in px; `tolerance_px` of the picture when None.

    Returns:
        F (...) in [0, 1], float64.

    Raises:
        ValueError: When the masks are not bool or differ in shape.

    Example::

        >>> import torch
        >>> from monai_i2v.metrics.boundary import boundary_f
        >>> mask = torch.zeros(32, 32, dtype=torch.bool)
        >>> mask[8:24, 8:24] = True
        >>> boundary_f(mask.roll(1, dims=0), mask).item()
        1.0
    """
    check_masks(prediction, truth)
    height, width = truth.shape[-2:]
    radius = tolerance_px(height, width) if tolerance is None else tolerance
    found, real = boundary_map(prediction), boundary_map(truth)
    precision, recall = _share(found, _dilate(real, radius)), _share(real, _dilate(found, radius))
    score = 2 * precision * recall / (precision + recall).clamp(min=1e-300)
    same = (prediction == truth).all(dim=-1).all(dim=-1).to(score)  # an empty mask is not one that fills the picture
    return torch.where((_size(found) == 0) & (_size(real) == 0), same, score)


def _share(outline: Tensor, region: Tensor) -> Tensor:
    return _size(outline & region) / _size(outline).clamp(min=1)


def _size(mask: Tensor) -> Tensor:
    return mask.sum(dim=(-2, -1), dtype=torch.float64)


def _dilate(mask: Tensor, radius: int) -> Tensor:
    """Pixels at most `radius` away: the disk is a stack of horizontal runs, found with running sums."""
    height, width = mask.shape[-2:]
    sums = F.pad(mask.int(), (radius + 1, radius)).cumsum(dim=-1, dtype=torch.int32)  # (..., H, W + 2 r + 1)
    dilated = torch.zeros_like(mask)
    for down in range(min(radius, height - 1) + 1):
        half = math.isqrt(radius**2 - down**2)
        right, left = radius + 1 + half, radius - half  # a run is a sum up to `right` less one up to `left`
        run = sums[..., right : right + width] > sums[..., left : left + width]  # (..., H, W)
        dilated[..., down:, :] |= run[..., : height - down, :]
        dilated[..., : height - down, :] |= run[..., down:, :]
    return dilated
