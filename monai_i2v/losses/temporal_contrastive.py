# SPDX-License-Identifier: Apache-2.0
"""The temporal contrastive loss (TCMN paper, eq. 1).

Axes: `B` videos, `K` objects, `T` frames, `M` cells of a frame, `V` value channels.
"""

from __future__ import annotations

import logging
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Comparison", "TemporalContrastiveLoss"]

logger = logging.getLogger(__name__)

Comparison: TypeAlias = Literal["pooled", "cells", "flat"]

# With distances of first and last value below this many times epsilon the ratio says nothing.
COLLAPSE = 100


class TemporalContrastiveLoss(nn.Module):
    """Values of neighboring frames shall be alike, those of distant frames less so.

    For each frame with a frame before and after it, with s the cosine similarity of values::

        ((1 - s(v[t-1], v[t])) + (1 - s(v[t], v[t+1]))) / (1 - s(v[t-1], v[t+1]) + eps)

    The sum of the paper also runs over the first and last frame, which lack a neighbor; the mean over the others is
    meant. For unit vectors the ratio is more than 1/2, which it nears when the middle value lies halfway between near
    ones. A smaller one shows the trivial solution in which all values are the same and epsilon keeps the denominator
    from zero: it is logged as a warning. Computed in float32, also under autocast.

    Args:
        compare: ``"pooled"``, mean over a frame's cells first (values of moving objects do not lie at the same cell);
            ``"cells"``, cosine per cell; ``"flat"``, all cells as one vector.
        eps: keeps the denominator from zero.
        min_distance: lower bound of the denominator; 0 for none, as in the paper.
        detach_denominator: no gradient pushes distant frames apart.

    Raises:
        ValueError: When `compare` is none of the three.

    Example::

        >>> import torch
        >>> from monai_i2v.losses import TemporalContrastiveLoss
        >>> angles = torch.tensor([0.0, 0.5, 1.0])  # the middle one lies halfway
        >>> values = torch.stack([angles.cos(), angles.sin()], dim=1).view(1, 1, 3, 1, 2)
        >>> round(TemporalContrastiveLoss()(values).item(), 3)
        0.533
    """

    def __init__(
        self,
        compare: Comparison = "pooled",
        *,
        eps: float = 1e-6,
        min_distance: float = 0.0,
        detach_denominator: bool = False,
    ) -> None:
        super().__init__()
        if compare not in ("pooled", "cells", "flat"):
            raise ValueError(f"compare must be one of 'pooled', 'cells', 'flat', got {compare!r}; use 'pooled'.")
        self.compare, self.eps = compare, eps
        self.min_distance, self.detach_denominator = min_distance, detach_denominator
        self.warned = False

    def forward(self, values: Tensor, present: Tensor | None = None) -> Tensor:
        """
        Args:
            values: (B, K, T, M, V), frames in the order of time.
            present: which objects count, (B, K); all when None.

        Returns:
            Scalar: mean over videos, objects and frames, 0 when none counts.

        Raises:
            ValueError: When there are fewer than three frames.
        """
        if values.shape[2] < 3:
            raise ValueError(f"values must hold 3 frames or more, got {values.shape[2]}; train on longer clips.")
        with torch.autocast(values.device.type, enabled=False):
            before, here, after = (values[:, :, start : start + values.shape[2] - 2].float() for start in range(3))
            near = self._distance(before, here) + self._distance(here, after)
            far = self._distance(before, after).clamp_min(self.min_distance) + self.eps
            ratio = near / (far.detach() if self.detach_denominator else far)  # (B, K, T - 2)
        counts = torch.ones_like(ratio) if present is None else present.unsqueeze(-1).expand_as(ratio).float()
        self._watch(far.detach(), counts)
        return (ratio * counts).sum() / counts.sum().clamp_min(1)

    def _distance(self, one: Tensor, other: Tensor) -> Tensor:
        """1 - cosine similarity (B, K, T - 2) of values (B, K, T - 2, M, V)."""
        if self.compare == "pooled":
            one, other = one.mean(dim=3), other.mean(dim=3)
        elif self.compare == "flat":
            one, other = one.flatten(3), other.flatten(3)
        # Half the squared chord is 1 - cosine without its rounding, which may be negative and is large beside epsilon.
        distance = (F.normalize(one, dim=-1) - F.normalize(other, dim=-1)).square().sum(dim=-1) / 2
        return distance.mean(dim=-1) if self.compare == "cells" else distance

    def _watch(self, far: Tensor, counts: Tensor) -> None:
        if not self.warned and bool(((far < COLLAPSE * self.eps) & (counts > 0)).any()):
            self.warned = True
            logger.warning(
                "values of first and last frame are all but equal (1 - cosine below %g): the temporal contrastive loss "
                "says nothing about them; lower its weight, or the learning rate.",
                COLLAPSE * self.eps,
            )
