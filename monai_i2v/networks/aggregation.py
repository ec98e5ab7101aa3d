# SPDX-License-Identifier: Apache-2.0
"""Soft aggregation: probabilities of several objects that never overlap (STM, Oh et al., ICCV 2019, 3.3).

Axes: `B` videos, `K` objects, `H W` pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["occurring_classes", "soft_aggregate", "with_background"]

# A frame that is labelled throughout has seams between its objects, and a few forgotten pixels.
MIN_BACKGROUND = 0.01


def with_background(masks: Tensor) -> Tensor:
    """Masks (B, K, H, W) in [0, 1], and before them (B, 1 + K, H, W) what they leave over."""
    return torch.cat([(1 - masks.sum(dim=1, keepdim=True)).clamp_min(0), masks], dim=1)


def occurring_classes(masks: Tensor, *, keep_background: bool = False) -> Tensor:
    """Which of background and objects there are in an annotated frame.

    Where the annotation leaves no background (as in scenes in which every tissue has a label), later frames have none
    either: each of their pixels belongs to one of the objects.

    Args:
        masks: (B, K, H, W) in [0, 1].
        keep_background: there always is background, as training wants it.

    Returns:
        (B, 1 + K, 1, 1), background first. Less than 1 % of the frame is no background.
    """
    uncovered = (1 - masks.sum(dim=1, keepdim=True)).clamp_min(0).mean(dim=(-2, -1), keepdim=True)
    background = torch.ones_like(uncovered, dtype=torch.bool) if keep_background else uncovered >= MIN_BACKGROUND
    return torch.cat([background, masks.amax(dim=(-2, -1), keepdim=True) > 0], dim=1)


def soft_aggregate(logits: Tensor, present: Tensor | None = None) -> Tensor:
    """Merge each object's own foreground logits into probabilities over background and objects.

    The odds of all objects are normalized together with even odds for the background: a single object keeps its
    sigmoid. (STM and STCN give the background the odds that no object is there instead; one object's probability is
    then sharper than its sigmoid.)

    Args:
        logits: (B, K, H, W), foreground against background, one channel per object.
        present: (B, 1 + K, 1, 1), see `occurring_classes`; all when None. What is absent gets nothing, and does not
            disturb the others.

    Returns:
        Probabilities (B, K, H, W); their sum over K is at most 1, what is missing is background.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import soft_aggregate
        >>> soft_aggregate(torch.zeros(1, 3, 1, 1)).flatten().tolist()  # three objects and background, alike
        [0.25, 0.25, 0.25]
    """
    logits = logits.float()
    odds = torch.cat([torch.zeros_like(logits[:, :1]), logits], dim=1)
    if present is not None:
        odds = odds.masked_fill(~present, float("-inf"))
    return odds.softmax(dim=1)[:, 1:]
