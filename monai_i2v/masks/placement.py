# SPDX-License-Identifier: Apache-2.0
"""Where the voxels of a mask lie in the frames of a video, by what both files say about space.

A mask in the same space whose file keeps its voxels in another order (mirrored, axes exchanged) has a placement; one
that lies beside the pixels of the video, or has others, has none.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from monai_i2v.masks.mask_volume import MaskVolume
from monai_i2v.masks.video_grid import VideoGrid

__all__ = ["AS_IT_LIES", "Placement", "find_placements"]

MAX_SHIFT = 0.25  # px, anywhere in the frame: files round
PARALLEL = 0.99  # cosine from which on two directions are one


class Placement(NamedTuple):
    """How voxels become frames.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.masks.placement import Placement
        >>> turned = Placement(axes=(1, 0, 2), flips=(True, False, False))
        >>> turned.frames(np.arange(6).reshape(2, 3, 1, 1)).tolist()  # (X, Y, Z, T) to (T, H, W)
        [[[2, 1, 0], [5, 4, 3]]]
    """

    axes: tuple[int, int, int]  # of the mask that are columns, rows and frames
    flips: tuple[bool, bool, bool]  # of columns, rows and frames
    start: tuple[int, int, int] = (0, 0, 0)  # column, row and frame of the first voxel

    def frames(self, voxels: np.ndarray) -> np.ndarray:
        """(X, Y, Z, T) to (T, H, W); one of Z and T is 1."""
        turned = voxels.transpose(*self.axes, 3)
        turned = turned[tuple(slice(None, None, -1 if flip else None) for flip in self.flips)]
        width, height = turned.shape[:2]
        return turned.reshape(width, height, -1).transpose(2, 1, 0)


AS_IT_LIES = Placement((0, 1, 2), (False, False, False))


def find_placements(mask: MaskVolume, grid: VideoGrid) -> set[Placement]:
    """All placements that the claims of both files allow; more than one when a file contradicts itself.

    Claims of the same kind (sform and sform, qform and qform) come first; others count where those do not fit.
    """
    if len(mask.affines) == len(grid.affines):
        same = {_place(own, mask, other, grid.moves) for own, other in zip(mask.affines, grid.affines, strict=True)}
        if same - {None}:
            return {placement for placement in same if placement}
    pairs = product(mask.affines, grid.affines)
    return {placement for own, other in pairs if (placement := _place(own, mask, other, grid.moves))}


def _place(own: np.ndarray, mask: MaskVolume, grid: np.ndarray, moves: bool) -> Placement | None:
    if mask.flat:  # nothing is known about the third dimension
        own = np.vstack([own[:2], [[0, 0, 1, grid[2, 3]]], own[3:]])
    axes = _match_axes(own, mask.size, grid)
    relative = np.linalg.inv(grid) @ own  # from voxels to (column, row, frame)
    signs = [-1 if relative[axis, own_axis] < 0 else 1 for axis, own_axis in enumerate(axes)]
    if not _is_aligned(relative, signs, axes, mask.size) or not _is_parallel(own, axes[2], mask.size, grid):
        return None
    flips = tuple(sign < 0 and mask.size[axis] > 1 for sign, axis in zip(signs, axes, strict=True))
    corner = relative[:3, 3].copy()
    for axis, flip in enumerate(flips):
        corner += relative[:3, axes[axis]] * (mask.size[axes[axis]] - 1) * flip
    start = np.round(corner).astype(int)
    off = np.abs(corner - start)
    if not moves:
        off[2] = abs(corner[2]) / np.linalg.norm(grid[:3, :2], axis=0).min()  # mm to px
        start[2] = 0
    if off[:2].max() > MAX_SHIFT or off[2] > (MAX_SHIFT if moves else 1.0):
        return None
    return Placement(axes, flips, tuple(start.tolist()))  # type: ignore[arg-type]


def _match_axes(own: np.ndarray, size: tuple[int, int, int], grid: np.ndarray) -> tuple[int, int, int]:
    """For columns, rows and frames the mask's axis that points along them; axes of one voxel take what is left."""
    cosines = np.abs(_directions(grid).T @ _directions(own))  # (of the video, of the mask)
    cosines[:, [length == 1 for length in size]] *= 0.01
    orders = ((0, 1, 2), (1, 0, 2), (2, 1, 0), (0, 2, 1), (1, 2, 0), (2, 0, 1))
    return max(orders, key=lambda order: sum(cosines[axis, own_axis] for axis, own_axis in enumerate(order)))


def _is_aligned(relative: np.ndarray, signs: list[int], axes: tuple[int, int, int], size: tuple[int, int, int]) -> bool:
    """Whether voxels are pixels, as large, and not turned against them."""
    for axis in (0, 1):
        expected = np.zeros(3)
        expected[axis] = signs[axis]
        drift = np.abs(relative[:3, axes[axis]] - expected) * (size[axes[axis]] - 1)
        if drift[:2].max() > MAX_SHIFT:
            return False
    return True


def _is_parallel(own: np.ndarray, frames_axis: int, size: tuple[int, int, int], grid: np.ndarray) -> bool:
    """Whether the planes, and the ways from frame to frame where the mask has some, are the same."""
    planes = [np.delete(_directions(one), axis, axis=1) for one, axis in ((own, frames_axis), (grid, 2))]
    normals = [np.cross(*plane.T) for plane in planes]
    lengths = np.prod([np.linalg.norm(normal) for normal in normals])
    if lengths == 0 or abs(normals[0] @ normals[1]) / lengths < PARALLEL:
        return False
    way = abs(_directions(own)[:, frames_axis] @ _directions(grid)[:, 2])
    return size[frames_axis] == 1 or way > PARALLEL


def _directions(affine: np.ndarray) -> np.ndarray:
    columns = affine[:3, :3]
    lengths = np.linalg.norm(columns, axis=0)
    return columns / np.where(lengths > 0, lengths, 1.0)
