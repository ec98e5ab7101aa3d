# SPDX-License-Identifier: Apache-2.0
"""Temporal consistency: features of neighboring frames agree (RAB, MICCAI 2024, 2.3).

Axes: `B` windows, `T` frames, `F` feature channels, `h w` features.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["TemporalConsistencyLoss"]


class TemporalConsistencyLoss(nn.Module):
    """1 - cosine of each place's features in neighboring frames, mean over places and pairs.

    The paper divides the sum over T - 1 pairs by T; we divide by T - 1, so that a window without motion gives 0.
    By itself the loss is smallest for features that never change; the others of RAB prevent that.

    Example::

        >>> import torch
        >>> from monai_i2v.losses import TemporalConsistencyLoss
        >>> still = torch.rand(1, 1, 8, 4, 4).expand(-1, 3, -1, -1, -1)
        >>> round(TemporalConsistencyLoss()(still).item(), 5)
        0.0
    """

    def forward(self, features: Tensor) -> Tensor:
        """
        Args:
            features: (B, T, F, h, w).

        Returns:
            Scalar in [0, 2]; 0 for a single frame.
        """
        if features.shape[1] == 1:
            return (features * 0).sum()
        return 1 - F.cosine_similarity(features[:, :-1].float(), features[:, 1:].float(), dim=2).mean()
