# SPDX-License-Identifier: Apache-2.0
"""Interpolation between the picture and the beams of a sector.

Axes: `C` image channels, `B` beams, `S` samples along a beam, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.transforms.sector import Sector, beams_of_pixels

__all__ = ["beams_to_picture", "picture_to_beams"]


def beams_to_picture(data: Tensor, sector: Sector, size: Sequence[int], mode: str = "bilinear") -> Tensor:
    """Draw beams into a picture.

    Args:
        data: (C, B, S, T) or (C, B, S).
        sector: where they run in it.
        size: X, Y.
        mode: ``"bilinear"`` or ``"nearest"``.

    Returns:
        Picture (C, X, Y, T) or (C, X, Y), a plain tensor of the same type; 0 outside of the sector.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Rectangle
        >>> from monai_i2v.transforms.beam_sampling import beams_to_picture
        >>> beams_to_picture(torch.tensor([[[1.0, 3.0]]]), Rectangle((-0.5, 0.5), (0.5, 4.5)), (1, 5)).tolist()
        [[[0.0, 1.0, 1.5, 2.5, 3.0]]]
    """
    return _sample(data, *beams_of_pixels(sector, size), mode)


def picture_to_beams(data: Tensor, sector: Sector, size: Sequence[int], mode: str = "bilinear") -> Tensor:
    """Read a picture along beams.

    Args:
        data: (C, X, Y, T) or (C, X, Y).
        sector: where the beams run in it.
        size: B, S.
        mode: ``"bilinear"`` or ``"nearest"``.

    Returns:
        Beams (C, B, S, T) or (C, B, S), a plain tensor of the same type; 0 outside of the picture.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Rectangle
        >>> from monai_i2v.transforms.beam_sampling import picture_to_beams
        >>> picture = torch.tensor([[[0.0, 1.0, 1.0, 3.0, 3.0]]])
        >>> picture_to_beams(picture, Rectangle((-0.5, 0.5), (0.5, 4.5)), (1, 2)).tolist()
        [[[1.0, 3.0]]]
    """
    beam, depth = torch.meshgrid(*((torch.arange(length) + 0.5) / length for length in size), indexing="ij")
    x, y = sector.places(beam, depth)
    return _sample(data, (x + 0.5) / data.shape[1], (y + 0.5) / data.shape[2], mode)


def _sample(data: Tensor, first: Tensor, second: Tensor, mode: str) -> Tensor:
    """Values at places from 0 to 1 along the first two spatial axes, 0 beyond."""
    plain = convert_to_tensor(data, track_meta=False)
    layers = plain if plain.ndim == 3 else plain.movedim(-1, 1).flatten(0, 1)  # (C * T, ., .)
    grid = torch.stack([2 * second - 1, 2 * first - 1], dim=-1).to(plain.device)
    sampled = F.grid_sample(layers.float()[None], grid[None], mode, padding_mode="border", align_corners=False)[0]
    sampled = sampled * (grid.abs().amax(dim=-1) <= 1)
    if not plain.dtype.is_floating_point:
        sampled = sampled.round()
    if plain.ndim == 4:
        sampled = sampled.unflatten(0, (plain.shape[0], plain.shape[-1])).movedim(1, -1).contiguous()
    return sampled.to(plain.dtype)
