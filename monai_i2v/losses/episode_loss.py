# SPDX-License-Identifier: Apache-2.0
"""The training loss of the few-shot networks on an episode.

Axes: `B` episodes, `H W` pixels.
"""

from __future__ import annotations

from typing import Protocol

from monai.losses import DiceCELoss
from torch import Tensor, nn

__all__ = ["EpisodeLoss"]


class Prediction(Protocol):
    """What a few-shot network gives in training."""

    @property
    def logits(self) -> Tensor: ...
    @property
    def further(self) -> Tensor: ...


class EpisodeLoss(nn.Module):
    """A loss of the logits, the same for all methods, and what a method learns from beside it.

    Args:
        loss: loss of logits (B, 2, H, W) and masks (B, 1, H, W); soft Dice and cross entropy when None.

    Example::

        >>> import torch
        >>> from monai_i2v.losses import EpisodeLoss
        >>> from monai_i2v.networks import EpisodePrediction
        >>> mask = torch.ones(1, 1, 8, 8)
        >>> sure = EpisodePrediction(torch.cat([-99 * mask, 99 * mask], dim=1), further=torch.tensor(0.25))
        >>> round(EpisodeLoss()(sure, mask).item(), 3)
        0.25
    """

    def __init__(self, loss: nn.Module | None = None) -> None:
        super().__init__()
        self.loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True) if loss is None else loss

    def forward(self, prediction: Prediction, mask: Tensor) -> Tensor:
        """
        Args:
            prediction: what the network gave in training.
            mask: true masks (B, 1, H, W), 0 or 1.

        Returns:
            Scalar.
        """
        loss: Tensor = self.loss(prediction.logits, mask) + prediction.further
        return loss
