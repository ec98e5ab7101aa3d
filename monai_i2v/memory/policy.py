# SPDX-License-Identifier: Apache-2.0
"""What a memory network remembers of a video: every n-th frame, as the papers have it, and the oldest is forgotten.

Axes: `B` videos, `K` objects, `D` key, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.memory.bank import MemoryBank, oldest_frame
from monai_i2v.memory.similarity import Measure
from monai_i2v.options import read_number, read_numbers, read_whole_number

__all__ = ["MemoryPolicy"]

MIN_FRACTION = 1e-6
# A crop enlarges; from nearer than this, a frame is a few pixels large.
MIN_CROP, MAX_CROP = 1.01, 16.0


@dataclass(frozen=True)
class MemoryPolicy:
    """What is written to the memory, what is forgotten, and what is read with which weight.

    The caller hands a network its policy. One of your own is a subclass: `decide` says whether a frame is written,
    `evict` which frame makes room for it, `weigh` how much each remembered frame counts when the memory is read. What
    a person drew is never forgotten. The defaults are the papers': all is kept, and all is read.

    Args:
        mem_every: every how many frames one is remembered.
        max_mem_frames: frames that the memory holds, the annotated one included; None keeps all.
        top_k: memory cells that a query reads; None for all.
        top_fraction: the share of all memory cells that a query reads, instead of `top_k`.
        reference_crops: the memory also holds the annotated frame as seen from nearer, these many times. A camera that
            approaches shows textures that the frame itself does not have at that size.

    Raises:
        UsageError: When a number is out of its range, or both `top_k` and `top_fraction` are given.

    Example::

        >>> from dataclasses import dataclass
        >>> from monai_i2v.memory import MemoryPolicy
        >>> @dataclass(frozen=True)
        ... class RememberTheStart(MemoryPolicy):
        ...     def decide(self, key, prob, bank, frame):
        ...         return frame < 3
        >>> policy = RememberTheStart(max_mem_frames=10, top_k=30)
        >>> [policy.decide(None, None, policy.new_bank(), frame) for frame in range(1, 5)]
        [True, True, False, False]
    """

    mem_every: int = 5
    max_mem_frames: int | None = None
    top_k: int | None = None
    top_fraction: float | None = None
    reference_crops: Sequence[float] = ()

    def __post_init__(self) -> None:
        read_whole_number("mem_every", self.mem_every, 1, use=5)
        read_whole_number("max_mem_frames", self.max_mem_frames, 1, use=30, none="for all")
        read_whole_number("top_k", self.top_k, 1, use=30, none="for all")
        read_number("top_fraction", self.top_fraction, MIN_FRACTION, 1, use=0.2, none="for top_k")
        read_numbers("reference_crops", self.reference_crops, MIN_CROP, MAX_CROP, use=[1.25, 1.6, 2.0])
        if self.top_k is not None and self.top_fraction is not None:
            raise UsageError(
                f"top_k is {self.top_k} and top_fraction {self.top_fraction}, expected one of them; leave one out."
            )

    def new_bank(self, measure: Measure = "l2") -> MemoryBank:
        """An empty memory; the annotated frame is written first, and its crops are kept beside it."""
        return MemoryBank(
            self.max_mem_frames,
            top_k=self.top_k,
            top_fraction=self.top_fraction,
            measure=measure,
            evict=self.evict,
            weigh=self.weigh,
        )

    def decide(self, key: Tensor, prob: Tensor, bank: MemoryBank, frame: int) -> bool:
        """Whether to remember a frame that was just segmented. (All videos of a batch decide together.)

        Args:
            key: its keys (B, D, h, w).
            prob: its probabilities (B, K, H, W).
            bank: what is remembered so far.
            frame: frames since the annotated one.
        """
        return frame % self.mem_every == 0

    def evict(self, bank: MemoryBank) -> int:
        """The place in a full bank that a new frame takes; the first `bank.permanent` are not to be had."""
        return oldest_frame(bank)

    def weigh(self, bank: MemoryBank) -> Tensor | None:
        """What is added to the similarity of the cells of each remembered frame, (frames,); None for nothing."""
        return None
