# SPDX-License-Identifier: Apache-2.0
"""Time folded into the channels, so that every 2-D transform of MONAI treats all frames of a clip alike.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.transforms.dictionary_form import InvertibleDictionaryForm
from monai_i2v.transforms.keep_meta import with_meta_of

__all__ = [
    "FoldTime",
    "FoldTimed",
    "FoldTimeD",
    "FoldTimeDict",
    "UnfoldTime",
    "UnfoldTimed",
    "UnfoldTimeD",
    "UnfoldTimeDict",
]

FRAMES_KEY = "folded_frames"  # where a folded MetaTensor remembers T


class FoldTime(InvertibleTransform):
    """(C, X, Y, T) to (C * T, X, Y): a clip becomes a 2-D picture with many channels.

    Stock 2-D transforms (Resized, RandAffined, RandFlipd, Spacingd ...) then apply with the same random
    parameters to all frames, also with ``lazy=True``. The affine stays that of (x, y, t); 2-D transforms
    change its x and y.

    Example::

        >>> import torch
        >>> from monai.transforms import Compose, Resize
        >>> from monai_i2v.transforms.fold_time import FoldTime, UnfoldTime
        >>> Compose([FoldTime(), Resize((8, 6)), UnfoldTime()])(torch.rand(3, 16, 12, 5)).shape
        torch.Size([3, 8, 6, 5])
    """

    def __call__(self, clip: Tensor) -> Tensor:
        """Fold a clip (C, X, Y, T).

        Raises:
            ValueError: When it has another number of axes.
        """
        if clip.ndim != 4:
            raise ValueError(f"clip must be (C, X, Y, T), got {tuple(clip.shape)}; add the axes that are missing.")
        frames = clip.shape[-1]
        return self.push_transform(_fold(clip), orig_size=clip.shape[1:], extra_info={"frames": frames})

    def inverse(self, data: Tensor) -> Tensor:
        """Unfold (C * T, X, Y), with the T that was folded; C may have changed."""
        return _unfold(data, self.pop_transform(data)["extra_info"]["frames"])


class UnfoldTime(InvertibleTransform):
    """(C * T, X, Y) back to (C, X, Y, T).

    Args:
        frames: T; the number that `FoldTime` stored in ``meta["folded_frames"]`` when None.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.fold_time import UnfoldTime
        >>> UnfoldTime(frames=5)(torch.rand(15, 8, 6)).shape
        torch.Size([3, 8, 6, 5])
    """

    def __init__(self, frames: int | None = None) -> None:
        self.frames = frames

    def __call__(self, folded: Tensor) -> Tensor:
        """Unfold (C * T, X, Y).

        Raises:
            ValueError: When T is not known or does not divide the number of channels.
        """
        frames = getattr(folded, "meta", {}).get(FRAMES_KEY) if self.frames is None else self.frames
        if frames is None:
            raise ValueError(
                "the number of frames is unknown (meta['folded_frames'] is missing); fold with FoldTime "
                "first, or give frames to UnfoldTime."
            )
        return self.push_transform(_unfold(folded, int(frames)), orig_size=folded.shape[1:])

    def inverse(self, data: Tensor) -> Tensor:
        """Fold (C, X, Y, T) again."""
        self.pop_transform(data)
        return _fold(data)


class FoldTimed(InvertibleDictionaryForm):
    """Dictionary form of `FoldTime`.

    Args:
        keys: clips (C, X, Y, T).
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.fold_time import FoldTimed
        >>> FoldTimed(keys="image")({"image": torch.rand(3, 16, 12, 5)})["image"].shape
        torch.Size([15, 16, 12])
    """

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, FoldTime(), allow_missing_keys)


class UnfoldTimed(InvertibleDictionaryForm):
    """Dictionary form of `UnfoldTime`.

    Args:
        keys: folded clips (C * T, X, Y).
        frames: as in `UnfoldTime`.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.fold_time import FoldTimed, UnfoldTimed
        >>> clip = torch.rand(3, 16, 12, 5)
        >>> bool((UnfoldTimed(keys="image")(FoldTimed(keys="image")({"image": clip}))["image"] == clip).all())
        True
    """

    def __init__(self, keys: KeysCollection, frames: int | None = None, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, UnfoldTime(frames), allow_missing_keys)


def _fold(clip: Tensor) -> Tensor:
    folded = convert_to_tensor(clip, track_meta=False).movedim(-1, 1).flatten(0, 1)  # (C * T, X, Y)
    folded = with_meta_of(clip, folded.contiguous())
    if isinstance(folded, MetaTensor):
        folded.meta[FRAMES_KEY] = clip.shape[-1]
        folded.spatial_ndim = 3  # of the affine; with 2, MONAI 1.6 cannot skip a random transform when lazy
    return folded


def _unfold(folded: Tensor, frames: int) -> Tensor:
    channels = folded.shape[0]
    if channels % frames:
        raise ValueError(
            f"{channels} channels cannot be unfolded into {frames} frames; between FoldTime and "
            "UnfoldTime, the number of channels may change only by whole clips."
        )
    plain = convert_to_tensor(folded, track_meta=False).unflatten(0, (channels // frames, frames))  # (C, T, X, Y)
    clip = with_meta_of(folded, plain.movedim(1, -1).contiguous())  # (C, X, Y, T)
    if isinstance(clip, MetaTensor):
        clip.meta.pop(FRAMES_KEY, None)
    return clip


FoldTimeD = FoldTimeDict = FoldTimed
UnfoldTimeD = UnfoldTimeDict = UnfoldTimed
