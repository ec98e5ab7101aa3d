# SPDX-License-Identifier: Apache-2.0
"""Random motion of what a clip shows: where each pixel of each frame is taken from.

Places are in window coordinates (x, y): 0 is the center of the frame, -1 and 1 its borders.

Axes: `T` frames, `H W` pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Motion", "random_motion"]


@dataclass(frozen=True)
class Motion:
    """How far a frame may differ from the clip's still view; each is the largest value, drawn evenly.

    Args:
        rotate: degrees.
        scale: relative, of width and height independently.
        zoom: how many times nearer or farther the camera is, 1 for not at all; two frames may differ by its square.
        shear: degrees.
        shift: half frame sizes.
        bend: smooth deformation of the whole frame, standard deviation in half frame sizes.
        swell: relative growth or shrinkage around the object (a beating heart).
        push: shift of the object against its surroundings, in half frame sizes.
    """

    rotate: float = 20.0
    scale: float = 0.15
    zoom: float = 1.2
    shear: float = 10.0
    shift: float = 0.15
    bend: float = 0.03
    swell: float = 0.25
    push: float = 0.1

    def times(self, strength: float) -> Motion:
        """The same motion, so many times as strong."""
        added = {name: strength * value for name, value in vars(self).items() if name != "zoom"}
        return Motion(**added, zoom=self.zoom**strength)


# Control points per side of the smooth deformation.
CONTROL_POINTS = 5


def random_motion(
    motion: Motion, size: tuple[int, int], frames: int, center: tuple[float, float], random: np.random.RandomState
) -> Tensor:
    """Draw the places (T, H, W, 2) that the pixels of each frame show.

    Args:
        motion: largest values.
        size: H, W of the frames.
        frames: T; each moves independently.
        center: place (x, y) of the object, around which it swells and is pushed.
        random: source of the random numbers.
    """
    rotate, scale_x, scale_y, zoom, shear, shift_x, shift_y, swell, push_x, push_y = _even(random, 10, frames)
    places = _places(size).expand(frames, -1, -1, -1)
    bend = motion.bend * _normal(random, frames, 2, CONTROL_POINTS, CONTROL_POINTS)
    bend = F.interpolate(bend, size=size, mode="bicubic", align_corners=True).movedim(1, -1)  # (T, H, W, 2)

    offset = places - torch.tensor(center)
    reach = 0.3 + 0.3 * torch.from_numpy(random.rand(frames, 1, 1, 1)).float()
    bump = torch.exp(-0.5 * (offset / reach).square().sum(dim=-1, keepdim=True))
    push = torch.stack([push_x, push_y], dim=-1).view(frames, 1, 1, 2) * motion.push
    local = bump * (motion.swell * swell.view(-1, 1, 1, 1) * offset + push)

    angle, slant = torch.deg2rad(motion.rotate * rotate), torch.tan(torch.deg2rad(motion.shear * shear))
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=-1).view(-1, 2, 2)
    stretch = torch.stack([1 + motion.scale * scale_x, 1 + motion.scale * scale_y], dim=-1)
    stretch = torch.diag_embed(stretch * (motion.zoom**zoom).unsqueeze(-1))
    skew = torch.eye(2).repeat(frames, 1, 1)
    skew[:, 0, 1] = slant
    matrix = turn @ skew @ stretch  # (T, 2, 2)
    shift = motion.shift * torch.stack([shift_x, shift_y], dim=-1).view(frames, 1, 1, 2)
    return torch.einsum("tij,thwj->thwi", matrix, places + local + bend) + shift


def _places(size: tuple[int, int]) -> Tensor:
    """Centers of the pixels, (H, W, 2) as (x, y)."""
    rows, columns = ((2 * torch.arange(length) + 1) / length - 1 for length in size)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1)


def _even(random: np.random.RandomState, *shape: int) -> Tensor:
    """Numbers in [-1, 1)."""
    return torch.from_numpy(2 * random.rand(*shape) - 1).float()


def _normal(random: np.random.RandomState, *shape: int) -> Tensor:
    return torch.from_numpy(random.randn(*shape)).float()
