# SPDX-License-Identifier: Apache-2.0
"""Where was each place of a frame in the frame before? For losses that compare neighboring frames along the motion.

Axes: `B` pairs of frames, `F` feature channels, `C` image channels, `H W` pixels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Displacement", "FramePair", "affinity", "at_rest", "registration", "trusted", "warp"]

# Cells that an object moves at most between two frames, for `affinity`.
RADIUS = 4
# Sharpness of the affinity of unit vectors: a cell that is alike by 0.1 more weighs e^2 times as much.
SHARPNESS = 20.0
# Way there and back may miss each other by this many cells.
MAX_MISS = 1.0
# Demons: enough for a heart beat at this size, with a field as smooth as tissue moves.
ITERATIONS = 30
SMOOTHING = 1.5  # cells


class FramePair(NamedTuple):
    """Frames and the frames before them."""

    earlier: Tensor  # images (B, C, H, W)
    later: Tensor
    earlier_features: Tensor  # (B, F, h, w)
    later_features: Tensor

    def turned(self) -> FramePair:
        """The same, with time going backward."""
        return FramePair(self.later, self.earlier, self.later_features, self.earlier_features)


Displacement: TypeAlias = Callable[[FramePair], Tensor]
"""From pairs of frames to (B, 2, h, w): how many cells down and to the right of each cell its place was before."""


def at_rest(pair: FramePair) -> Tensor:
    """Nothing moves."""
    return torch.zeros_like(pair.later_features[:, :2])


def affinity(pair: FramePair) -> Tensor:
    """Mean place of the cells nearby that look alike (features of the image encoder)."""
    earlier, later = (F.normalize(features.float()) for features in (pair.earlier_features, pair.later_features))
    b, channels, h, w = later.shape
    side = 2 * RADIUS + 1
    # A border of zeros is like nothing: its cells have similarity 0, less than what is alike.
    nearby = F.unfold(earlier, side, padding=RADIUS).view(b, channels, side * side, h, w)
    weights = (SHARPNESS * torch.einsum("bchw,bcnhw->bnhw", later, nearby)).softmax(dim=1)
    steps = torch.arange(-RADIUS, RADIUS + 1, device=later.device, dtype=later.dtype)
    places = torch.stack(torch.meshgrid(steps, steps, indexing="ij")).flatten(1)  # (2, side * side)
    return torch.einsum("bnhw,dn->bdhw", weights, places)


def registration(pair: FramePair) -> Tensor:
    """Registration of the images (symmetric demons, Vercauteren et al. 2009, of SimpleITK) at the features' size."""
    size = pair.later_features.shape[-2:]
    earlier, later = (
        F.interpolate(images.float().mean(dim=1, keepdim=True), size, mode="area").squeeze(1).cpu()
        for images in (pair.earlier, pair.later)
    )
    fields = [_demons(one, other) for one, other in zip(later, earlier, strict=True)]
    return torch.stack(fields).to(pair.later_features)


def _demons(fixed: Tensor, moving: Tensor) -> Tensor:
    """(2, h, w), rows first."""
    import SimpleITK

    demons = SimpleITK.FastSymmetricForcesDemonsRegistrationFilter()
    demons.SetNumberOfIterations(ITERATIONS)
    demons.SetStandardDeviations(SMOOTHING)
    field = demons.Execute(*(SimpleITK.GetImageFromArray(image.numpy()) for image in (fixed, moving)))
    return torch.from_numpy(SimpleITK.GetArrayFromImage(field)).movedim(-1, 0).flip(0).float()


def warp(picture: Tensor, displacement: Tensor) -> Tensor:
    """What was at those places.

    Args:
        picture: (B, C, h, w) of the earlier frames.
        displacement: (B, 2, h, w), see `Displacement`.

    Returns:
        (B, C, h, w); what lies outside is like the border.
    """
    h, w = picture.shape[-2:]
    identity = torch.eye(2, 3, device=picture.device, dtype=picture.dtype).expand(len(picture), -1, -1)
    grid = F.affine_grid(identity, [len(picture), 1, h, w], align_corners=False)
    shift = displacement.flip(1).movedim(1, -1) * displacement.new_tensor([2 / w, 2 / h])  # (B, h, w, 2), x first
    return F.grid_sample(picture, grid + shift, padding_mode="border", align_corners=False)


def trusted(there: Tensor, back: Tensor) -> Tensor:
    """Cells (B, 1, h, w), bool, from which the way there and back ends where it began.

    Args:
        there: displacement (B, 2, h, w) of the later frames.
        back: that of the earlier frames, with time going backward.
    """
    miss = there + warp(back, there)
    return miss.square().sum(dim=1, keepdim=True) < MAX_MISS**2
