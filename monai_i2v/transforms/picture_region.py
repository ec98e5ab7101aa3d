# SPDX-License-Identifier: Apache-2.0
"""The picture proper, among the texts and rulers that a device writes around it.

Axes: `X Y` pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["box_of", "convex_hull", "few_frames", "grain_of", "grow", "largest_around", "picture_region"]

MAX_FRAMES = 32  # of a clip that are looked at; it makes no difference whether there are more
GRAINS = 32  # texts are thinner than this share of the picture's longer side
HULL_DIRECTIONS = 180


def few_frames(clip: Tensor) -> Tensor:
    """A clip (C, X, Y, T), or what is left of its frames when only evenly spaced ones are kept; stills stay."""
    return clip[..., :: -(-clip.shape[-1] // MAX_FRAMES)] if clip.ndim == 4 else clip


def picture_region(active: Tensor) -> Tensor:
    """The largest region in which most pixels are active; letters, rulers and specks are none.

    Args:
        active: (X, Y), bool.

    Returns:
        Region (X, Y), bool; its straight borders are where they were, its corners are rounded.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.picture_region import picture_region
        >>> active = torch.zeros(100, 80, dtype=torch.bool)
        >>> active[20:70, 10:60] = True
        >>> active[80:96, 10:60:4] = True  # strokes
        >>> region = picture_region(active)
        >>> int(region.sum()) > 2450, bool(region[80:].any())
        (True, False)
    """
    import SimpleITK as sitk  # noqa: N813

    grain = grain_of(active.shape)
    padded = F.pad(active.float()[None], (grain // 2,) * 4, mode="replicate")
    dense = (F.avg_pool2d(padded, grain, stride=1)[0] > 0.5).numpy()
    parts = sitk.ConnectedComponent(sitk.GetImageFromArray(dense.astype(np.uint8)))
    numbers = sitk.GetArrayFromImage(parts)
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0  # what is not dense
    return torch.from_numpy(dense & (numbers == sizes.argmax()))


def grow(masks: Tensor, radius: int) -> Tensor:
    """Masks (..., X, Y), bool, and all that is `radius` pixels away or nearer in x and y."""
    return largest_around(masks.to(torch.uint8), 2 * radius + 1).bool()


def largest_around(frames: Tensor, size: int) -> Tensor:
    """The largest value in a square of odd `size` around each pixel of frames (..., X, Y).

    The window is doubled until it is wide enough, which is several times faster than PyTorch's pooling of large ones.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.picture_region import largest_around
        >>> largest_around(torch.tensor([[0, 0, 5, 0, 0, 1]]), 3).tolist()
        [[0, 5, 5, 5, 1, 1]]
    """
    least = float("-inf") if frames.dtype.is_floating_point else 0
    for axis, margins in ((-1, (size // 2, size // 2)), (-2, (0, 0, size // 2, size // 2))):
        frames, width = F.pad(frames, margins, value=least), 1
        while width < size:
            step = min(width, size - width)
            length = frames.shape[axis] - step
            frames = torch.maximum(frames.narrow(axis, 0, length), frames.narrow(axis, step, length))
            width += step
    return frames


def grain_of(size: Sequence[int]) -> int:
    """The side of a square that letters do not fill, px, odd."""
    return 2 * (max(size) // (2 * GRAINS)) + 1


def box_of(region: Tensor) -> tuple[slice, slice]:
    """The smallest box around a region (X, Y) that is not empty."""
    across, down = region.any(dim=1).nonzero(), region.any(dim=0).nonzero()
    return slice(int(across[0]), int(across[-1]) + 1), slice(int(down[0]), int(down[-1]) + 1)


def convex_hull(region: Tensor) -> Tensor:
    """The convex hull (X, Y), bool, of a region (X, Y) that is not empty.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.picture_region import convex_hull
        >>> corners = torch.zeros(9, 9, dtype=torch.bool)
        >>> corners[[2, 2, 6, 6], [2, 6, 2, 6]] = True
        >>> int(convex_hull(corners).sum())
        25
    """
    columns, rows = (torch.arange(length, dtype=torch.float32) for length in region.shape)
    angle = (torch.arange(HULL_DIRECTIONS) + 0.5) * (2 * torch.pi / HULL_DIRECTIONS)  # none is along x
    across, down = angle.cos()[:, None], angle.sin()[:, None]  # (directions, 1)
    taken = region.any(dim=1)
    first = torch.where(region, rows, torch.inf).amin(dim=1)[taken]
    last = torch.where(region, rows, -torch.inf).amax(dim=1)[taken]
    reach = (across * columns[taken] + torch.maximum(down * first, down * last)).amax(dim=1, keepdim=True)
    bound = (reach - across * columns) / down + down.sign() * 1e-3  # of y: (directions, X)
    lowest, highest = bound[down[:, 0] < 0].amax(dim=0)[:, None], bound[down[:, 0] > 0].amin(dim=0)[:, None]
    within = (columns >= columns[taken][0]) & (columns <= columns[taken][-1])
    return (rows >= lowest) & (rows <= highest) & within[:, None]
