# SPDX-License-Identifier: Apache-2.0
"""Soft aggregation: probabilities of several objects that never overlap (STM, Oh et al., ICCV 2019, 3.3).

Axes: `B` videos, `K` objects, `H W` pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["soft_aggregate"]


def soft_aggregate(logits: Tensor) -> Tensor:
    """Merge each object's own foreground logits into probabilities over background and objects.

    The odds of all objects are normalized together with even odds for the background: a single object keeps its
    sigmoid, an object that is absent (logit minus infinity) does not disturb the others. (STM and STCN give the
    background the odds that no object is there instead; one object's probability is then sharper than its sigmoid.)

    Args:
        logits: (B, K, H, W), foreground against background, one channel per object.

    Returns:
        Probabilities (B, K, H, W); their sum over K is at most 1, what is missing is background.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import soft_aggregate
        >>> soft_aggregate(torch.zeros(1, 3, 1, 1)).flatten().tolist()  # three objects and background, alike
        [0.25, 0.25, 0.25]
    """
    logits = logits.float()
    background = torch.zeros_like(logits[:, :1])
    return torch.cat([background, logits], dim=1).softmax(dim=1)[:, 1:]
