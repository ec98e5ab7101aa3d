# SPDX-License-Identifier: Apache-2.0
"""Changed copies of the annotated frame: the only data with truth at test time.

Axes: `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["make_views", "random_view"]

# Copies of a frame to draw from, the frame itself among them.
VIEWS = 16

# How far a frame may differ from the reference: rotation in radians, relative scale, shift in half image sizes, and
# the gamma of its brightness.
MAX_ROTATION = 0.35
MAX_SCALE = 0.2
MAX_SHIFT = 0.2
MAX_LOG_GAMMA = 0.4
# Control points per side of the smooth deformation, and its standard deviation in half image sizes.
DEFORMATION_GRID = 5
DEFORMATION = 0.04


def make_views(frame: Tensor, masks: Tensor, seed: int) -> list[tuple[Tensor, Tensor]]:
    """An annotated frame and changed copies of it, for the arguments of `random_view`."""
    generator = torch.Generator().manual_seed(seed)
    return [(frame, masks), *(random_view(frame, masks, generator) for _ in range(VIEWS - 1))]


def random_view(frame: Tensor, masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Move, deform and relight an annotated frame.

    Args:
        frame: (1, C, H, W) in [0, 1].
        masks: (1, K, H, W) in [0, 1].
        generator: source of the random numbers (on the CPU, so that a seed means the same on every device).

    Returns:
        Frame and masks of the same shapes.
    """
    grid = _random_grid(frame.shape[-2], frame.shape[-1], generator).to(frame)
    moved = F.grid_sample(frame, grid, mode="bilinear", padding_mode="border", align_corners=False)
    moved_masks = F.grid_sample(masks, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    gamma = torch.exp(MAX_LOG_GAMMA * _uniform(1, generator)).to(frame)
    return moved.clamp_min(1e-6) ** gamma, moved_masks


def _random_grid(height: int, width: int, generator: torch.Generator) -> Tensor:
    angle, scale_x, scale_y, shift_x, shift_y = _uniform(5, generator).tolist()
    cos, sin = torch.cos(torch.tensor(MAX_ROTATION * angle)), torch.sin(torch.tensor(MAX_ROTATION * angle))
    aspect = height / width
    theta = torch.tensor(
        [
            [(1 + MAX_SCALE * scale_x) * cos, -sin * aspect, MAX_SHIFT * shift_x],
            [sin / aspect, (1 + MAX_SCALE * scale_y) * cos, MAX_SHIFT * shift_y],
        ]
    )
    grid = F.affine_grid(theta.unsqueeze(0), [1, 1, height, width], align_corners=False)
    bend = DEFORMATION * torch.randn(1, 2, DEFORMATION_GRID, DEFORMATION_GRID, generator=generator)
    smooth = F.interpolate(bend, size=(height, width), mode="bicubic", align_corners=True)
    return grid + smooth.movedim(1, -1)


def _uniform(count: int, generator: torch.Generator) -> Tensor:
    """Numbers in [-1, 1)."""
    return 2 * torch.rand(count, generator=generator) - 1
