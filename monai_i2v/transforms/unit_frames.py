# SPDX-License-Identifier: Apache-2.0
"""Intensities of a clip as numbers in [0, 1], and back to what they were.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.transforms.keep_meta import with_meta_of

__all__ = ["as_clip", "on_unit_frames", "unit_frames", "white_level"]

BYTE = 255.0
OVERSHOOT = 2.0  # values up to here are in [0, 1] and were interpolated beyond


def white_level(data: Tensor) -> float:
    """What white is in data without negative values: 1, 255, or the largest value where that is larger.

    Args:
        data: intensities of any shape.

    Returns:
        255 for uint8, and for others of which the largest is above 2 and up to 255.

    Raises:
        UsageError: When a value is negative or no number.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.unit_frames import white_level
        >>> [white_level(torch.tensor(values)) for values in ([0.0, 0.8], [0.0, 180.0], [0.0, 4095.0])]
        [1.0, 255.0, 4095.0]
    """
    values = data if data.dtype in (torch.uint8, torch.int16, torch.int32) else data.float()  # of all, not each can
    low, high = (float(value) for value in torch.aminmax(values))
    if not low >= 0:
        raise UsageError(
            f"the darkest value is {low:g}, expected intensities from 0 (black); put this transform before those that "
            "normalize."
        )
    if data.dtype == torch.uint8 or OVERSHOOT < high <= BYTE:
        return BYTE
    return max(high, 1.0)


def unit_frames(clip: Tensor) -> Tensor:
    """The frames of a clip as floats in [0, 1].

    Args:
        clip: (C, X, Y, T) or a still (C, X, Y), from 0 to its `white_level`.

    Returns:
        Frames (T, C, X, Y), a plain float32 tensor.

    Raises:
        UsageError: When the clip has another number of axes, or negative values.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.unit_frames import unit_frames
        >>> frames = unit_frames(torch.full((3, 8, 6, 5), 51, dtype=torch.uint8))
        >>> frames.shape, round(float(frames[0, 0, 0, 0]), 3)
        (torch.Size([5, 3, 8, 6]), 0.2)
    """
    if clip.ndim not in (3, 4):
        raise UsageError(f"clip must be (C, X, Y, T) or (C, X, Y), got {tuple(clip.shape)}; add or remove axes before.")
    plain = convert_to_tensor(clip, track_meta=False)
    frames = plain.unsqueeze(0) if plain.ndim == 3 else plain.movedim(-1, 0)  # laid out as before: no copy yet
    return frames.float() / white_level(plain)


def as_clip(frames: Tensor, clip: Tensor) -> Tensor:
    """The way back from `unit_frames`.

    Args:
        frames: (T, C, X, Y) in [0, 1], or beyond, where they are clamped; they may be changed in place.
        clip: what they were made of.

    Returns:
        Clip (C, X, Y, T) or still (C, X, Y) of the type, range and metadata of `clip`; whole numbers are rounded.
    """
    values = frames.clamp_(0, 1).mul_(white_level(convert_to_tensor(clip, track_meta=False)))
    if not clip.dtype.is_floating_point:
        values = values.round_()
    values = values[0] if clip.ndim == 3 else values.movedim(0, -1)
    return with_meta_of(clip, values.to(clip.dtype).contiguous())


def on_unit_frames(clip: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Change the frames of a clip, and keep its type, range, layout and metadata.

    Args:
        clip: as in `unit_frames`.
        change: function of frames (T, C, X, Y) in [0, 1] that gives new ones.

    Returns:
        Changed clip, see `as_clip`.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.unit_frames import on_unit_frames
        >>> on_unit_frames(torch.tensor([[[0, 100, 200]]], dtype=torch.uint8), lambda frames: 1.5 * frames).tolist()
        [[[0, 150, 255]]]
    """
    return as_clip(change(unit_frames(clip)), clip)
