# SPDX-License-Identifier: Apache-2.0
"""Remember what is sure, and what is new (`docs/methods.md`).

Axes: `B` videos, `K` objects, `D` key, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from monai_i2v.memory.bank import MemoryBank
from monai_i2v.memory.mask_confidence import mask_confidence
from monai_i2v.memory.policy import MemoryPolicy
from monai_i2v.options import read_number

__all__ = ["ConfidentPolicy"]


@dataclass(frozen=True)
class ConfidentPolicy(MemoryPolicy):
    """Remember every n-th frame if its masks are confident, and at once what is new.

    A mistake that is remembered is believed; a change that is not remembered is lost.

    Args:
        min_confidence: a frame is remembered only if its masks have at least this `mask_confidence`, on average over
            the objects that have one.
        novelty_threshold: a frame that is less confident than this shows something new, and is remembered whether it
            is its turn or not.

    The other arguments are those of `MemoryPolicy`.

    Raises:
        UsageError: As `MemoryPolicy`.

    Example::

        >>> import torch
        >>> from monai_i2v.memory import ConfidentPolicy
        >>> policy = ConfidentPolicy(mem_every=5)
        >>> [policy.decide(None, torch.full((1, 1, 4, 4), prob), None, frame=1) for prob in (0.95, 0.85, 0.6)]
        [False, True, False]
    """

    min_confidence: float = 0.5
    novelty_threshold: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        read_number("min_confidence", self.min_confidence, 0, 1, use=0.5)
        read_number("novelty_threshold", self.novelty_threshold, 0, 1, use=0.8)

    def decide(self, key: Tensor, prob: Tensor, bank: MemoryBank, frame: int) -> bool:
        """See `MemoryPolicy.decide`; an exported program cannot look at masks, and goes by the number of the frame."""
        if torch.compiler.is_exporting():
            return super().decide(key, prob, bank, frame)
        confidence = mask_confidence(prob).cpu()  # all that is decided on the host, at once
        seen = confidence[confidence > 0]  # an object that is out of view says nothing about the masks of the others
        mean = seen.mean().item() if seen.numel() else 0.0
        return mean >= self.min_confidence and (frame % self.mem_every == 0 or mean < self.novelty_threshold)
