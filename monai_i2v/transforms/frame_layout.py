# SPDX-License-Identifier: Apache-2.0
"""The one place where MONAI's (C, X, Y, T) becomes the networks' (T, C, H, W), and back.

MONAI's first spatial axis X runs along a row of pixels and its second, Y, from row to row: so H = Y and W
= X.
"""

from __future__ import annotations

from collections.abc import Mapping

from monai.config import KeysCollection
from monai.transforms import InvertibleTransform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.transforms.dictionary_form import InvertibleDictionaryForm
from monai_i2v.transforms.keep_meta import with_meta_of

__all__ = [
    "ToFrames",
    "ToFramesd",
    "ToFramesD",
    "ToFramesDict",
    "FromFrames",
    "FromFramesd",
    "FromFramesD",
    "FromFramesDict",
]

TO_FRAMES = {4: (3, 0, 2, 1), 3: (0, 2, 1)}  # number of axes: order
FROM_FRAMES = {4: (1, 3, 2, 0), 3: (0, 2, 1)}


class ToFrames(InvertibleTransform):
    """MONAI's layout to the networks': a clip (C, X, Y, T) to (T, C, H, W), a still (C, X, Y) to (C, H, W).

    Make it the last transform: the affine stays that of (x, y, t), so that `FromFrames` can give it back.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.frame_layout import ToFrames
        >>> ToFrames()(torch.rand(3, 640, 480, 10)).shape
        torch.Size([10, 3, 480, 640])
    """

    def __call__(self, clip: Tensor) -> Tensor:
        """Reorder the axes.

        Raises:
            ValueError: When there are not 3 or 4 axes.
        """
        return self.push_transform(_to_frames(clip), orig_size=clip.shape[1:])

    def inverse(self, data: Tensor) -> Tensor:
        """The networks' layout back to MONAI's."""
        self.pop_transform(data)
        return _from_frames(data)


class FromFrames(InvertibleTransform):
    """The networks' layout to MONAI's: (T, C, H, W) to (C, X, Y, T), (C, H, W) to (C, X, Y).

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.frame_layout import FromFrames
        >>> FromFrames()(torch.rand(10, 3, 480, 640)).shape
        torch.Size([3, 640, 480, 10])
    """

    def __call__(self, frames: Tensor) -> Tensor:
        """Reorder the axes.

        Raises:
            ValueError: When there are not 3 or 4 axes.
        """
        return self.push_transform(_from_frames(frames), orig_size=frames.shape[1:])

    def inverse(self, data: Tensor) -> Tensor:
        """MONAI's layout back to the networks'."""
        self.pop_transform(data)
        return _to_frames(data)


class ToFramesd(InvertibleDictionaryForm):
    """Dictionary form of `ToFrames`.

    Args:
        keys: clips (C, X, Y, T) or stills (C, X, Y).
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.frame_layout import ToFramesd
        >>> ToFramesd(keys="image")({"image": torch.rand(3, 64, 48, 10)})["image"].shape
        torch.Size([10, 3, 48, 64])
    """

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, ToFrames(), allow_missing_keys)


class FromFramesd(InvertibleDictionaryForm):
    """Dictionary form of `FromFrames`.

    Args:
        keys: clips (T, C, H, W) or frames (C, H, W).
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.frame_layout import FromFramesd
        >>> FromFramesd(keys="pred")({"pred": torch.rand(10, 1, 48, 64)})["pred"].shape
        torch.Size([1, 64, 48, 10])
    """

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, FromFrames(), allow_missing_keys)


def _to_frames(clip: Tensor) -> Tensor:
    return _permute(clip, TO_FRAMES, "(C, X, Y, T) or (C, X, Y)")


def _from_frames(frames: Tensor) -> Tensor:
    return _permute(frames, FROM_FRAMES, "(T, C, H, W) or (C, H, W)")


def _permute(data: Tensor, orders: Mapping[int, tuple[int, ...]], expected: str) -> Tensor:
    if data.ndim not in orders:
        raise ValueError(f"data must be {expected}, got {tuple(data.shape)}; add or remove axes before.")
    plain = convert_to_tensor(data, track_meta=False).permute(orders[data.ndim]).contiguous()
    return with_meta_of(data, plain)


ToFramesD = ToFramesDict = ToFramesd
FromFramesD = FromFramesDict = FromFramesd
