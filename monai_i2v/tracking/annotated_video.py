# SPDX-License-Identifier: Apache-2.0
"""A video with the masks of one frame: what is propagated, and what a network adapts to.

Axes: `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

__all__ = ["AnnotatedVideo"]


@dataclass(frozen=True)
class AnnotatedVideo:
    """Frames that can be asked for by index, and the masks of one of them.

    Args:
        frames: frames (1, C, H, W) in [0, 1]; a list, or any lazy sequence.
        masks: masks (1, K, H, W) of the reference frame.
        ref_frame: index of the reference frame.

    Example::

        >>> import torch
        >>> from monai_i2v.tracking import AnnotatedVideo
        >>> AnnotatedVideo(torch.rand(5, 1, 3, 16, 16), torch.ones(1, 1, 16, 16), ref_frame=2).directions()
        ([2, 1, 0], [2, 3, 4])
    """

    frames: Sequence[Tensor]
    masks: Tensor
    ref_frame: int = 0

    def directions(self) -> tuple[list[int], list[int]]:
        """Frame indices in the order of propagation: from the reference back to the start, and on to the end."""
        return list(range(self.ref_frame, -1, -1)), list(range(self.ref_frame, len(self.frames)))
