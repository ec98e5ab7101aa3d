# SPDX-License-Identifier: Apache-2.0
"""Random light of a clip: what changes from video to video, and what changes from frame to frame.

Axes: `T` frames, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["relight"]

# Control points per side of uneven lighting.
CONTROL_POINTS = 4


def relight(clip: Tensor, strength: float, random: np.random.RandomState) -> Tensor:
    """Change the colors of a clip, then brightness, contrast, evenness, sharpness and noise of each frame.

    Args:
        clip: (T, C, H, W) in [0, 1].
        strength: 1 for the usual amount, 0 for none.
        random: source of the random numbers.

    Returns:
        Clip (T, C, H, W) in [0, 1].
    """
    frames, channels, height, width = clip.shape

    def even(*shape: int) -> Tensor:
        """Numbers in [-strength, strength)."""
        return strength * torch.from_numpy(2 * random.rand(*shape) - 1).float()

    if random.rand() < 0.1 * strength:
        clip = 1 - clip
    if random.rand() < 0.2 * strength:
        clip = clip.mean(dim=1, keepdim=True).expand(-1, channels, -1, -1)
    if random.rand() < 0.1 * strength:
        clip = clip[:, torch.from_numpy(random.permutation(channels))]
    tint = 1 + 0.2 * even(1, channels, 1, 1) + 0.05 * even(frames, channels, 1, 1)
    gamma = torch.exp(0.4 * even(1, 1, 1, 1) + 0.15 * even(frames, 1, 1, 1))
    lamp = 0.2 * even(frames, 1, CONTROL_POINTS, CONTROL_POINTS)
    lamp = F.interpolate(lamp, size=(height, width), mode="bilinear", align_corners=True)
    clip = clip.clamp(1e-6, 1) ** gamma * tint * (1 + 0.15 * even(frames, 1, 1, 1) + lamp)
    if random.rand() < 0.2 * strength:  # an unsharp frame
        blurred = F.avg_pool2d(clip[-1:], 3, stride=1, padding=1, count_include_pad=False)
        clip = torch.cat([clip[:-1], blurred])
    if random.rand() < 0.3 * strength:
        deviation = 0.06 * random.rand()
        clip = clip + deviation * torch.from_numpy(random.standard_normal(clip.shape).astype(np.float32))
    return clip.clamp(0, 1)
