# SPDX-License-Identifier: Apache-2.0
"""Some frames of a clip, at a random place and speed.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, RandomizableTransform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.transforms.dictionary_form import InvertibleDictionaryForm, RandomDictionaryForm
from monai_i2v.transforms.keep_meta import affine_of, with_affine, with_meta_of

__all__ = ["RandClipSample", "RandClipSampled", "RandClipSampleD", "RandClipSampleDict"]


class RandClipSample(RandomizableTransform, InvertibleTransform):
    """Take so many frames, a random stride apart, from a random place on.

    At stride 1 that is MONAI's ``RandSpatialCrop((-1, -1, frames))``. The affine's time axis gets the new first time
    and step. ``meta["frames"]`` says which frames were taken. The inverse puts frames back where they were, among
    zeros.

    Args:
        frames: T of the result.
        stride: smallest and largest distance between frames; larger ones than the clip has room for are not drawn.
        jitter: take a random one of each stride's frames, not its first (as temporal segment networks do: Wang et al.,
            ECCV 2016, 3.1); times in the affine are then those of the strides' middles.

    Raises:
        UsageError: When the clip is a still, or too short for the smallest stride.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandClipSample
        >>> sample = RandClipSample(frames=3, stride=(2, 2)).set_random_state(0)
        >>> sample(torch.arange(8.0).expand(1, 4, 4, 8))[0, 0, 0].tolist()
        [1.0, 3.0, 5.0]
    """

    def __init__(self, frames: int, stride: Sequence[int] = (1, 4), jitter: bool = False) -> None:
        RandomizableTransform.__init__(self, 1.0)
        self.frames, self.strides, self.jitter = frames, (int(stride[0]), int(stride[1])), jitter
        self.length, self.step, self.start, self.taken = frames, 1, 0.0, torch.arange(frames)  # of the last draw

    def randomize(self, data: Tensor) -> None:
        """Draw frames of a clip (C, X, Y, T)."""
        super().randomize(None)
        self.length = data.shape[-1]
        smallest, largest = self.strides
        least = self._span(smallest)
        if data.ndim != 4 or self.length < least:
            raise UsageError(
                f"the clip is {tuple(data.shape)}, expected (C, X, Y, T) with T of at least {least}; ask for fewer "
                "frames or a smaller stride, or leave it out."
            )
        fitting = [stride for stride in range(smallest, largest + 1) if self._span(stride) <= self.length]
        self.step = int(self.R.choice(fitting))
        start = int(self.R.randint(self.length - self._span(self.step) + 1))
        self.taken = start + self.step * torch.arange(self.frames)
        self.start = float(start)
        if self.jitter:
            self.taken += torch.from_numpy(self.R.randint(0, self.step, self.frames))
            self.start += (self.step - 1) / 2

    def __call__(self, data: Tensor, randomize: bool = True) -> Tensor:
        """Take frames of a clip (C, X, Y, T)."""
        if randomize:
            self.randomize(data)
        if data.ndim != 4 or data.shape[-1] != self.length:
            raise UsageError(
                f"an entry is {tuple(data.shape)}, expected (C, X, Y, T) with {self.length} frames as the first key "
                "has; leave it out."
            )
        plain = convert_to_tensor(data, track_meta=False)
        clip = with_meta_of(data, plain.index_select(-1, self.taken.to(plain.device)))
        affine = affine_of(data)
        if isinstance(clip, MetaTensor):
            clip.meta["frames"] = self.taken.tolist()
            times = torch.eye(4, dtype=torch.float64)
            times[2, 2], times[2, 3] = self.step, self.start
            clip = with_affine(clip, affine @ times)
        extra = {"frames": self.taken.tolist(), "affine": affine}
        return self.push_transform(clip, orig_size=data.shape[1:], extra_info=extra)

    def inverse(self, data: Tensor) -> Tensor:
        """Put the frames back."""
        info = self.pop_transform(data)
        extra, length = info["extra_info"], int(info["orig_size"][-1])
        plain = convert_to_tensor(data, track_meta=False)
        taken = torch.tensor([int(frame) for frame in extra["frames"]], device=plain.device)
        clip = with_meta_of(data, plain.new_zeros(*plain.shape[:-1], length).index_copy(-1, taken, plain))
        return with_affine(clip, extra["affine"])

    def _span(self, stride: int) -> int:
        """Frames from the first that may be taken to the last."""
        return self.frames * stride if self.jitter else (self.frames - 1) * stride + 1


class RandClipSampled(RandomDictionaryForm, InvertibleDictionaryForm):
    """Dictionary form of `RandClipSample`: the same frames of all keys.

    Args:
        keys: images and label maps (C, X, Y, T) of equal T.
        frames: as in `RandClipSample`.
        stride: as in `RandClipSample`.
        jitter: as in `RandClipSample`.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandClipSampled
        >>> clip = torch.rand(1, 4, 4, 30)
        >>> data = RandClipSampled(("image", "label"), frames=8, jitter=True)({"image": clip, "label": clip})
        >>> data["image"].shape, bool((data["image"] == data["label"]).all())
        (torch.Size([1, 4, 4, 8]), True)
    """

    def __init__(
        self,
        keys: KeysCollection,
        frames: int,
        stride: Sequence[int] = (1, 4),
        jitter: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RandClipSample(frames, stride, jitter), allow_missing_keys)


RandClipSampleD = RandClipSampleDict = RandClipSampled
