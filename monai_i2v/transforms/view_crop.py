# SPDX-License-Identifier: Apache-2.0
"""Crop to the view that a device shows, for images and their label maps alike.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import Crop, Cropd
from monai.utils import ensure_tuple
from torch import Tensor

from monai_i2v.transforms.keep_meta import with_meta_of
from monai_i2v.transforms.picture_region import box_of

__all__ = ["ViewCrop", "ViewCropd"]


class ViewCrop(Crop):
    """MONAI's `Crop` to the box around a mask that a function finds.

    Args:
        find: function of a clip (C, X, Y, T) or a still (C, X, Y), which gives the mask (X, Y), bool, of its view.
        margin: px to keep around the view, as far as the picture reaches.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.view_crop import ViewCrop
        >>> picture = torch.zeros(1, 9, 9, 2)
        >>> picture[:, 3:7, 2:4] = 1
        >>> crop = ViewCrop(lambda clip: clip.amax(dim=(0, -1)) > 0, margin=1)
        >>> crop(picture).shape, crop.inverse(crop(picture)).shape
        (torch.Size([1, 6, 4, 2]), torch.Size([1, 9, 9, 2]))
    """

    def __init__(self, find: Callable[[Tensor], Tensor], margin: int = 0) -> None:
        super().__init__()
        self.find, self.margin = find, margin

    @property
    def requires_current_data(self) -> bool:
        """The view is found in the data: MONAI applies what is pending before."""
        return True

    def __call__(self, img: Tensor, lazy: bool | None = None) -> Tensor:
        """Crop a clip or a still to its view."""
        return self.crop(img, self.find(img), lazy)

    def crop(self, img: Tensor, view: Tensor, lazy: bool | None = None) -> Tensor:
        """Crop it to the box around a given view (X, Y)."""
        boxes = zip(box_of(view), view.shape, strict=True)
        slices = tuple(
            slice(max(box.start - self.margin, 0), min(box.stop + self.margin, length)) for box, length in boxes
        )
        return super().__call__(img, slices, lazy)


class ViewCropd(Cropd):
    """Dictionary form of `ViewCrop`: all entries are cropped to the view of the first.

    Args:
        keys: the image first, then label maps of the same size in x and y, stills or clips.
        cropper: the array form.
        mask_key: name of a new entry for the view itself, (1, X, Y, T) or (1, X, Y) as the image, bool; none if None.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.view_crop import ViewCrop, ViewCropd
        >>> crop = ViewCropd("image", ViewCrop(lambda clip: clip[0] > 0), mask_key="view")
        >>> crop({"image": torch.eye(9)[None, 3:7, :]})["view"].shape
        torch.Size([1, 4, 4])
    """

    cropper: ViewCrop

    def __init__(
        self, keys: KeysCollection, cropper: ViewCrop, mask_key: str | None = None, allow_missing_keys: bool = False
    ) -> None:
        self.image_key, self.mask_key = ensure_tuple(keys)[0], mask_key
        super().__init__((*ensure_tuple(keys), *([mask_key] if mask_key else ())), cropper, allow_missing_keys)

    @property
    def requires_current_data(self) -> bool:
        """As in `ViewCrop`."""
        return True

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> dict[Hashable, Any]:
        """Crop every key."""
        d = dict(data)
        image = d[self.image_key]
        view = self.cropper.find(image)
        if self.mask_key:
            mask = view[None] if image.ndim == 3 else view[None, ..., None].repeat(1, 1, 1, image.shape[-1])
            d[self.mask_key] = with_meta_of(image, mask)
        for key in self.key_iterator(d):
            d[key] = self.cropper.crop(d[key], view, self.lazy if lazy is None else lazy)
        return d
