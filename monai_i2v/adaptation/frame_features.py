# SPDX-License-Identifier: Apache-2.0
"""Features of a video's frames, computed once and reused over the steps of an adaptation.

Axes: `C` image channels, `F` feature channels, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from monai_i2v.tracking import AnnotatedVideo

__all__ = ["FrameFeatures"]

# Frames on either side of the annotated one to learn from: what a long video costs before its first mask.
REACH = 200


class FrameFeatures:
    """Encoder features of frames to learn from.

    Args:
        encode: from a frame (1, C, H, W) to its features (1, F, h, w), by stage.
        video: the video.
        max_frames: how many of its frames may be asked for, evenly spaced among those at most `REACH` from the
            annotated one.
    """

    def __init__(self, encode: Callable[[Tensor], dict[int, Tensor]], video: AnnotatedVideo, max_frames: int) -> None:
        self.encode, self.video, self.masks = encode, video, video.masks
        first, last = max(0, video.ref_frame - REACH), min(len(video.frames) - 1, video.ref_frame + REACH)
        others = [index for index in range(first, last + 1) if index != video.ref_frame] or [video.ref_frame]
        kept = np.linspace(0, len(others) - 1, min(max_frames, len(others))).round().astype(int)
        self.frames = np.array(others)[kept]
        self.kept: dict[int, dict[int, Tensor]] = {}

    @torch.no_grad()
    def __getitem__(self, index: int) -> dict[int, Tensor]:
        if index not in self.kept:
            self.kept[index] = self.look(index)
        return self.kept[index]

    @torch.no_grad()
    def look(self, index: int) -> dict[int, Tensor]:
        """Features of any frame, which are not kept."""
        return self.encode(self.video.frames[index].to(self.masks))

    @property
    def reference(self) -> dict[int, Tensor]:
        """Features of the annotated frame."""
        return self[self.video.ref_frame]
