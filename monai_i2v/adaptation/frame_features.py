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


class FrameFeatures:
    """Encoder features of frames to learn from.

    Args:
        encode: from a frame (1, C, H, W) to its features (1, F, h, w), by stage.
        video: the video.
        max_frames: how many of its frames may be asked for, evenly spaced.
    """

    def __init__(self, encode: Callable[[Tensor], dict[int, Tensor]], video: AnnotatedVideo, max_frames: int) -> None:
        self.encode, self.video, self.masks = encode, video, video.masks
        others = [index for index in range(len(video.frames)) if index != video.ref_frame] or [video.ref_frame]
        kept = np.linspace(0, len(others) - 1, min(max_frames, len(others))).round().astype(int)
        self.frames = np.array(others)[kept]
        self.kept: dict[int, dict[int, Tensor]] = {}

    @torch.no_grad()
    def __getitem__(self, index: int) -> dict[int, Tensor]:
        if index not in self.kept:
            self.kept[index] = self.encode(self.video.frames[index].to(self.masks))
        return self.kept[index]

    @property
    def reference(self) -> dict[int, Tensor]:
        """Features of the annotated frame."""
        return self[self.video.ref_frame]

    def draw_pair(self, max_jump: int, random: np.random.RandomState) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """Two frames on one side of the reference, the nearer one first, at most `max_jump` apart.

        The same frame twice when there is only one; where frames are missing the nearest one takes their place.
        """
        near = int(random.choice(self.frames))
        away = 1 if near >= self.video.ref_frame else -1
        wanted = near + away * random.randint(1, max_jump + 1)
        side = self.frames[np.sign(self.frames - self.video.ref_frame) == np.sign(near - self.video.ref_frame)]
        beyond = side[(side - near) * away > 0]
        far = int(beyond[np.abs(beyond - wanted).argmin()]) if len(beyond) else near
        return self[near], self[far]
