# SPDX-License-Identifier: Apache-2.0
"""What a memory network remembers while it learns: as in use, and with mistakes.

Axes: `B` videos, `K` objects, `H W` pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.networks.sureness import sureness

__all__ = ["ForgetfulTraining"]


@dataclass(frozen=True)
class ForgetfulTraining:
    """Random numbers are torch's.

    Args:
        turns: share of frames whose turn it is.
        sure: only frames at least this sure are remembered, see `MemorySettings`.
        familiar: frames less sure than this are remembered out of turn.
        spoiled: share of remembered frames whose masks are spoiled: grown, shrunk, or wrong within a disc. Errors of a
            long video then come early, and to believe them costs loss.
        zooms: of these, half of the clips remember the drawn frame as seen from nearer by one.
    """

    turns: float = 0.5
    sure: float = 0.5
    familiar: float = 0.8
    spoiled: float = 0.35
    zooms: Sequence[float] = (1.25, 1.6, 2.0)

    def draw_zooms(self) -> Sequence[float]:
        """Zooms for a clip."""
        if not self.zooms or torch.rand(()) < 0.5:
            return ()
        return (self.zooms[int(torch.randint(len(self.zooms), ()))],)

    def is_turn(self, prob: Tensor) -> bool:
        """Whether to remember a frame with these probabilities (B, K, H, W)."""
        sure = sureness(prob)
        seen = sure[sure > 0]
        mean = seen.mean().item() if seen.numel() else 0.0
        return mean >= self.sure and bool(torch.rand(()) < self.turns or mean < self.familiar)

    def spoil(self, prob: Tensor) -> Tensor:
        """Probabilities (B, K, H, W), some of them with a mistake."""
        return torch.stack([self._spoil(one) if torch.rand(()) < self.spoiled else one for one in prob])

    def _spoil(self, prob: Tensor) -> Tensor:
        height, width = prob.shape[-2:]
        if torch.rand(()) < 0.7:  # outlines move in or out
            size = 4 * int(torch.randint(2, 9, ())) + 1
            level = 0.15 + 0.7 * torch.rand(())
            soft = F.avg_pool2d(prob, size, stride=1, padding=size // 2)
            moved = torch.sigmoid(12 * (soft - level))
            return moved / moved.sum(dim=0, keepdim=True).clamp_min(1)
        y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
        weights = prob.sum(dim=0).flatten() + 1e-4
        center = int(torch.multinomial(weights, 1))
        radius = 0.05 + 0.15 * torch.rand(())
        disc = (y - (center // width) / height) ** 2 + (x - (center % width) / width) ** 2 < radius**2
        object_ = int(torch.randint(-1, prob.shape[0], ()))  # -1 for background
        wrong = torch.zeros_like(prob)
        if object_ >= 0:
            wrong[object_] = 1
        return torch.where(disc, wrong, prob)
