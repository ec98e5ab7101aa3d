# SPDX-License-Identifier: Apache-2.0
"""Overlap of two masks: Dice, and IoU, which is DAVIS J.

Axes: `H W` pixels; all axes before them are kept.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["dice", "iou"]


def dice(prediction: Tensor, truth: Tensor) -> Tensor:
    """2 |P and G| / (|P| + |G|), per picture. Two empty masks agree (1), one empty mask is a failure (0).

    Args:
        prediction: mask (..., H, W), bool.
        truth: mask of the same shape, bool.

    Returns:
        Dice (...) in [0, 1], float64.

    Raises:
        ValueError: When the masks are not bool or differ in shape.

    Example::

        >>> import torch
        >>> from monai_i2v.metrics.overlap import dice
        >>> dice(torch.tensor([[True, True, False]]), torch.tensor([[False, True, False]])).item()
        0.6666666666666666
    """
    shared, either = _areas(prediction, truth)
    return torch.where(either == 0, 1.0, 2 * shared / (shared + either).clamp(min=1))


def iou(prediction: Tensor, truth: Tensor) -> Tensor:
    """|P and G| / |P or G|, per picture. Two empty masks agree (1), one empty mask is a failure (0).

    Args:
        prediction: mask (..., H, W), bool.
        truth: mask of the same shape, bool.

    Returns:
        IoU (...) in [0, 1], float64.

    Raises:
        ValueError: When the masks are not bool or differ in shape.

    Example::

        >>> import torch
        >>> from monai_i2v.metrics.overlap import iou
        >>> iou(torch.tensor([[True, True, False]]), torch.tensor([[False, True, False]])).item()
        0.5
    """
    shared, either = _areas(prediction, truth)
    return torch.where(either == 0, 1.0, shared / either.clamp(min=1))


def _areas(prediction: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Areas in px of intersection and union; |P| + |G| is their sum."""
    check_masks(prediction, truth)
    shared = (prediction & truth).sum(dim=(-2, -1), dtype=torch.float64)
    return shared, (prediction | truth).sum(dim=(-2, -1), dtype=torch.float64)


def check_masks(prediction: Tensor, truth: Tensor) -> None:
    """Raise ValueError unless both are bool (..., H, W) of one shape."""
    if prediction.dtype != torch.bool or truth.dtype != torch.bool:
        raise ValueError(
            f"masks must be bool, got {prediction.dtype} and {truth.dtype}; compare label maps with a "
            "label or cut probabilities at 0.5 first."
        )
    if prediction.shape != truth.shape or prediction.ndim < 2:
        raise ValueError(
            f"masks must share one shape (..., H, W), got {tuple(prediction.shape)} and "
            f"{tuple(truth.shape)}; resize the prediction to the truth."
        )
