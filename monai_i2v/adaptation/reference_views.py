# SPDX-License-Identifier: Apache-2.0
"""Changed copies of the annotated frame: the only data with truth at test time.

Axes: `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.transforms import Motion
from monai_i2v.transforms.clip_motion import random_motion

__all__ = ["make_views", "random_view"]

# Copies of a frame to draw from, the frame itself among them.
VIEWS = 16
# How far a copy may differ from the reference; a camera that comes nearer and a beating heart are among it.
MOTION = Motion(zoom=1.6, swell=0.35)
MAX_LOG_GAMMA = 0.4


def make_views(frame: Tensor, masks: Tensor, seed: int) -> list[tuple[Tensor, Tensor]]:
    """An annotated frame and changed copies of it, for the arguments of `random_view`."""
    random = np.random.RandomState(seed)
    return [(frame, masks), *(random_view(frame, masks, random) for _ in range(VIEWS - 1))]


def random_view(frame: Tensor, masks: Tensor, random: np.random.RandomState) -> tuple[Tensor, Tensor]:
    """Move, deform and relight an annotated frame.

    What was outside the frame looks like its border, and belongs to what the border belongs to.

    Args:
        frame: (1, C, H, W) in [0, 1].
        masks: (1, K, H, W) in [0, 1].
        random: source of the random numbers (on the CPU, so that a seed means the same on every device).

    Returns:
        Frame and masks of the same shapes.
    """
    height, width = frame.shape[-2:]
    places = random_motion(MOTION, (height, width), 1, _object_place(masks, random), random)
    grid = places.to(frame)
    moved, moved_masks = (
        F.grid_sample(picture, grid, mode="bilinear", padding_mode="border", align_corners=False)
        for picture in (frame, masks)
    )
    gamma = float(np.exp(random.uniform(-MAX_LOG_GAMMA, MAX_LOG_GAMMA)))
    return moved.clamp_min(1e-6) ** gamma, moved_masks


def _object_place(masks: Tensor, random: np.random.RandomState) -> tuple[float, float]:
    """A place (x, y) inside an object, in window coordinates; the center when there is none."""
    inside = (masks[0].amax(dim=0) > 0.5).nonzero()
    if not len(inside):
        return 0.0, 0.0
    row, column = inside[random.randint(len(inside))].tolist()
    return (2 * column + 1) / masks.shape[-1] - 1, (2 * row + 1) / masks.shape[-2] - 1
