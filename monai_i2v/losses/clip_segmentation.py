# SPDX-License-Identifier: Apache-2.0
"""The training loss of the memory network on a clip (TCMN paper, 3.4).

Axes: `B` videos, `T` frames, `K` objects, `H W` pixels, `M` cells of a frame, `V` value channels.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.losses.bootstrapped_cross_entropy import BootstrappedCrossEntropy
from monai_i2v.losses.temporal_contrastive import TemporalContrastiveLoss

__all__ = ["ClipSegmentationLoss", "soft_mask_loss"]

# Keeps logarithms of probabilities finite.
EPS = 1e-7


class Prediction(Protocol):
    """What a memory network gives in training."""

    @property
    def prob(self) -> Tensor: ...
    @property
    def values(self) -> Tensor: ...
    @property
    def further(self) -> Tensor: ...


class ClipSegmentationLoss(nn.Module):
    """Bootstrapped cross entropy, soft Dice and temporal contrast, weighted, and what a method learns from beside.

    Cross entropy and Dice are those of the predicted frames, the contrast that of all.

    Args:
        cross_entropy: loss of logits (N, 1 + K, H, W) and classes (N, H, W).
        contrast: loss of the values.
        contrast_weight: the paper's beta; 0 leaves the contrast out.
        dice_weight: weight of the soft Dice loss, which the paper does not have (0).
    """

    def __init__(
        self,
        cross_entropy: BootstrappedCrossEntropy | None = None,
        contrast: TemporalContrastiveLoss | None = None,
        *,
        contrast_weight: float = 0.05,
        dice_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.cross_entropy = BootstrappedCrossEntropy(top_p=1.0) if cross_entropy is None else cross_entropy
        self.contrast = TemporalContrastiveLoss() if contrast is None else contrast
        self.contrast_weight, self.dice_weight = contrast_weight, dice_weight

    def forward(self, prediction: Prediction, masks: Tensor) -> Tensor:
        """
        Args:
            prediction: probabilities ``prob`` (B, T, K, H, W), ``values`` (B, K, T, M, V) and a scalar ``further`` of
                a clip.
            masks: true masks (B, T, K, H, W), 0 or 1; objects that the first frame does not show do not count.

        Returns:
            Scalar.
        """
        present = masks[:, 0].amax(dim=(-2, -1)) > 0  # (B, K)
        seen = present[:, None, :, None, None]
        prob = prediction.prob[:, 1:].flatten(0, 1).float()  # (N, K, H, W)
        truth = (masks[:, 1:] * seen).flatten(0, 1)
        loss = self.cross_entropy(_logits(prob), _classes(truth))
        if self.dice_weight:
            counts = present.unsqueeze(1).expand(-1, masks.shape[1] - 1, -1).flatten(0, 1).float()
            loss = loss + self.dice_weight * _soft_dice_loss(prob, truth, counts)
        if self.contrast_weight:
            loss = loss + self.contrast_weight * self.contrast(prediction.values, present)
        return loss + prediction.further


def soft_mask_loss(prob: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of background and objects, and soft Dice, of masks against those of another network.

    Args:
        prob: probabilities (N, K, H, W) whose sum over K is at most 1.
        target: the same of the other network; an object that it does not find at all counts like any other.

    Returns:
        Scalar.

    Example::

        >>> import torch
        >>> from monai_i2v.losses import soft_mask_loss
        >>> sure, unsure = torch.ones(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.5)
        >>> [round(soft_mask_loss(prob, sure).item(), 3) for prob in (sure, unsure)]
        [0.0, 0.979]
    """
    counts = prob.new_ones(prob.shape[:2])
    return F.cross_entropy(_logits(prob), _with_background(target)) + _soft_dice_loss(prob, target, counts)


def _with_background(masks: Tensor) -> Tensor:
    """Masks (N, K, H, W), and before them (N, 1 + K, H, W) what they leave over."""
    return torch.cat([(1 - masks.sum(dim=1, keepdim=True)).clamp_min(0), masks], dim=1)


def _logits(prob: Tensor) -> Tensor:
    """Logits (N, 1 + K, H, W) of background and objects, from the objects' probabilities."""
    return _with_background(prob).add(EPS).log()


def _classes(masks: Tensor) -> Tensor:
    """Classes (N, H, W), 0 = background."""
    return torch.where(masks.amax(dim=1) > 0.5, masks.argmax(dim=1) + 1, 0)


def _soft_dice_loss(prob: Tensor, truth: Tensor, counts: Tensor) -> Tensor:
    """1 - soft Dice per object, mean over those that count."""
    area = prob.sum(dim=(-2, -1)) + truth.sum(dim=(-2, -1))
    loss = 1 - (2 * (prob * truth).sum(dim=(-2, -1)) + 1) / (area + 1)
    return (loss * counts).sum() / counts.sum().clamp_min(1)
