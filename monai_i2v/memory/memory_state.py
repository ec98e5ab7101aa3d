# SPDX-License-Identifier: Apache-2.0
"""What a memory network has accumulated of a video.

Axes: `B` videos, `K` objects, `D` key, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from monai_i2v.memory.bank import MemoryBank
from monai_i2v.memory.policy import MemoryPolicy

__all__ = ["MemoryState"]


@dataclass(kw_only=True)
class MemoryState:
    """The memory, the policy that it follows, and how far the video has come; networks add what is theirs."""

    bank: MemoryBank
    policy: MemoryPolicy
    size: torch.Size  # H, W
    frames: int = 1  # seen so far, the annotated one included
    remembered: bool = True  # whether the last frame was written to the memory

    def decide(self, key: Tensor, prob: Tensor) -> bool:
        """Whether to remember the frame that was just segmented.

        Args:
            key: its keys (B, D, h, w).
            prob: its probabilities (B, K, H, W).
        """
        return self.policy.decide(key, prob, self.bank, self.frames - 1)
