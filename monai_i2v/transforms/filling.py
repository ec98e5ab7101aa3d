# SPDX-License-Identifier: Apache-2.0
"""Pixels that hide what is behind them: found, and filled from their surroundings.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.transforms.keep_meta import with_meta_of
from monai_i2v.transforms.picture_region import largest_around
from monai_i2v.transforms.unit_frames import as_clip, unit_frames

__all__ = ["Filling", "Fillingd", "fill", "narrow_parts"]


class Filling(Transform):
    """Fills what a subclass finds, from pixels that are not darker than `darkest` in all channels, in [0, 1]."""

    darkest = 0.0

    @abstractmethod
    def find(self, frames: Tensor) -> Tensor:
        """What to fill in frames (T, C, X, Y) in [0, 1]: mask (T, 1, X, Y), bool."""

    def find_and_fill(self, clip: Tensor) -> tuple[Tensor, Tensor]:
        """Fill a clip (C, X, Y, T) or a still (C, X, Y).

        Returns:
            The clip, of the same type and range, with all other pixels as they were; and what was filled, (1, X, Y, T)
            or (1, X, Y), bool.
        """
        plain = convert_to_tensor(clip, track_meta=False)
        frames = unit_frames(plain).contiguous()
        found = self.find(frames)
        mask = found[0] if plain.ndim == 3 else found.movedim(0, -1).contiguous()
        filled = convert_to_tensor(as_clip(fill(frames, found, self.darkest), plain), track_meta=False)
        return with_meta_of(clip, torch.where(mask, filled, plain)), with_meta_of(clip, mask)

    def __call__(self, clip: Tensor) -> Tensor:
        """Fill a clip (C, X, Y, T) or a still (C, X, Y); see `find_and_fill`."""
        return self.find_and_fill(clip)[0]


class Fillingd(MapTransform):
    """Dictionary form of a `Filling`.

    Args:
        keys: images.
        transform: the array form.
        mask_key: name of new entries for what was filled, bool, with the image's own name for ``{}``; none if None.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RemoveBurntInMarks
        >>> from monai_i2v.transforms.filling import Fillingd
        >>> sorted(Fillingd("image", RemoveBurntInMarks(), mask_key="{}_marks")({"image": torch.rand(1, 32, 32)}))
        ['image', 'image_marks']
    """

    def __init__(
        self, keys: KeysCollection, transform: Filling, mask_key: str | None = None, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform, self.mask_key = transform, mask_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Fill every key."""
        d = dict(data)
        for key in self.key_iterator(data):
            d[key], mask = self.transform.find_and_fill(d[key])
            if self.mask_key is not None:
                d[self.mask_key.format(key)] = mask
        return d


def fill(frames: Tensor, holes: Tensor, darkest: float = 0.0) -> Tensor:
    """Fill holes smoothly from what surrounds them: pull-push (Gortler et al., SIGGRAPH 1996, section 3.4).

    Args:
        frames: (T, C, X, Y).
        holes: mask (T, 1, X, Y), bool.
        darkest: pixels that are darker in all channels are not filled from.

    Returns:
        Frames (T, C, X, Y), unchanged outside of the holes; 0 in a frame without pixels to fill from.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.filling import fill
        >>> ramp = torch.arange(8.0).expand(1, 1, 8, 8)
        >>> holes = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
        >>> holes[..., 2:5, 3:5] = True
        >>> float((fill(ramp * ~holes, holes) - ramp).abs().amax()) < 1
        True
    """
    if not holes.any():
        return frames
    known = ~holes
    if darkest > 0:
        known &= frames.amax(dim=1, keepdim=True) >= darkest
    weights = known.to(frames.dtype).contiguous()
    return torch.where(holes, _pull_push(frames * weights, weights), frames)


def narrow_parts(frames: Tensor, size: int) -> Tensor:
    """By how much things narrower than `size` px, odd, are brighter than what is around: the top-hat transform.

    Args:
        frames: (T, 1, X, Y).
        size: side of the square.

    Returns:
        Differences (T, 1, X, Y), 0 or more.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.filling import narrow_parts
        >>> frame = torch.tensor([0.0, 1, 1, 0, 0, 1, 1, 1, 0]).repeat(9, 1)[None, None]
        >>> narrow_parts(frame, 3)[0, 0, 4].tolist()
        [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    return frames - largest_around(-largest_around(-frames, size), size)


def _pull_push(sums: Tensor, weights: Tensor) -> Tensor:
    """Weighted means (T, C, X, Y) of what is around each pixel, from sums (T, C, X, Y) and weights (T, 1, X, Y)."""
    coarse, known = (F.avg_pool2d(x, 2, ceil_mode=True) for x in (sums, weights))
    coarse = coarse / known.clamp(min=1e-6)
    if max(coarse.shape[-2:]) > 1:
        known = (4 * known).clamp(max=1)  # one known pixel of four is enough
        coarse = coarse * known
        coarse = coarse + (1 - known) * _pull_push(coarse, known)
    return F.interpolate(coarse, size=sums.shape[-2:], mode="bilinear", align_corners=False)
