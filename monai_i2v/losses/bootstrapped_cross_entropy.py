# SPDX-License-Identifier: Apache-2.0
"""Bootstrapped cross entropy: learn from the hard pixels only (TTT paper eq. 5, TCMN 3.4, after MiVOS)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["BootstrappedCrossEntropy", "hard_share"]

# STCN's schedule: all pixels until this part of the training, then fewer, until that part, of which this share is left.
ALL_UNTIL, LEAST_FROM, LEAST = 20 / 150, 70 / 150, 0.15


def hard_share(progress: float) -> float:
    """Share of pixels to learn from at a point of the training (0 to 1): all at first, the hardest 15 % later (STCN).

    Example::

        >>> from monai_i2v.losses import hard_share
        >>> [round(hard_share(progress), 3) for progress in (0.0, 0.1, 0.3, 0.5, 1.0)]
        [1.0, 1.0, 0.575, 0.15, 0.15]
    """
    fallen = (progress - ALL_UNTIL) / (LEAST_FROM - ALL_UNTIL)
    return 1 - (1 - LEAST) * min(1.0, max(0.0, fallen))


class BootstrappedCrossEntropy(nn.Module):
    """Cross entropy over the pixels whose target class is not yet likely enough, or over the hardest share of them.

    Args:
        threshold: pixels count whose probability of the target is below it; the papers do not give their value.
        top_p: when given, the share of hardest pixels that count, instead of the threshold (MiVOS).

    Raises:
        ValueError: When a value lies outside (0, 1].

    Example::

        >>> import torch
        >>> from monai_i2v.losses import BootstrappedCrossEntropy
        >>> logits = torch.tensor([[[[0.0, 9.0]], [[0.0, 0.0]]]])  # probability 0.5 and 0.9999 of class 0
        >>> round(BootstrappedCrossEntropy(0.9)(logits, torch.zeros(1, 1, 2, dtype=torch.long)).item(), 4)
        0.6931
    """

    def __init__(self, threshold: float = 0.9, *, top_p: float | None = None) -> None:
        super().__init__()
        for name, value in (("threshold", threshold), ("top_p", 1.0 if top_p is None else top_p)):
            if not 0 < value <= 1:
                raise ValueError(f"{name} must lie in (0, 1], got {value}; use 1 to learn from every pixel.")
        self.threshold, self.top_p = threshold, top_p

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """
        Args:
            logits: (B, C, H, W).
            target: class indices (B, H, W), or probabilities (B, C, H, W).

        Returns:
            Scalar: mean over the pixels that count, 0 when none does.
        """
        loss = F.cross_entropy(logits, target, reduction="none")  # (B, H, W)
        if self.top_p is not None:
            hardest = loss.flatten(1).topk(max(1, round(self.top_p * loss[0].numel())), dim=1, sorted=False)
            return hardest.values.mean()
        classes = target if target.dim() == 3 else target.argmax(dim=1)
        likely = logits.softmax(dim=1).gather(1, classes.unsqueeze(1)).squeeze(1)
        counts = likely < self.threshold
        return torch.where(counts, loss, 0).sum() / counts.sum().clamp_min(1)
