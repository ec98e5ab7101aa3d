# SPDX-License-Identifier: Apache-2.0
"""Crop an ultrasound recording to its sector.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from monai.config import KeysCollection
from torch import Tensor

from monai_i2v.transforms.find_sector import find_sector
from monai_i2v.transforms.sector import sector_mask
from monai_i2v.transforms.view_crop import ViewCrop, ViewCropd

__all__ = ["UltrasoundSectorCrop", "UltrasoundSectorCropd", "UltrasoundSectorCropD", "UltrasoundSectorCropDict"]


class UltrasoundSectorCrop(ViewCrop):
    """Crop to the fan or rectangle that `find_sector` finds; its affine and inverse are those of MONAI's `Crop`.

    `find_sector` of the result gives the geometry in the new pixels.

    Args:
        margin: px to keep around the sector, as far as the picture reaches.

    Raises:
        UsageError: When there is no echo.

    Example::

        >>> import torch
        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.transforms import UltrasoundSectorCrop
        >>> frames = torch.stack(list(Phantom("ultrasound", length=8, size=(128, 300))))
        >>> UltrasoundSectorCrop()(frames.permute(1, 3, 2, 0)).shape
        torch.Size([3, 162, 119, 8])
    """

    def __init__(self, margin: int = 0) -> None:
        super().__init__(_view, margin)


class UltrasoundSectorCropd(ViewCropd):
    """Dictionary form of `UltrasoundSectorCrop`: the sector of the first key counts for all.

    Args:
        keys: the image first, then label maps of the same size in x and y, stills or clips.
        margin: as in `UltrasoundSectorCrop`.
        mask_key: name of a new entry for the mask of the sector, as large as the cropped image, bool; none if None.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.transforms import UltrasoundSectorCropd
        >>> data = {"image": Phantom("ultrasound", size=(96, 200))[0].permute(0, 2, 1)}
        >>> cropped = UltrasoundSectorCropd("image", mask_key="sector")(data)
        >>> cropped["sector"].shape == cropped["image"][:1].shape
        True
    """

    def __init__(
        self, keys: KeysCollection, margin: int = 0, mask_key: str | None = None, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, UltrasoundSectorCrop(margin), mask_key, allow_missing_keys)


def _view(clip: Tensor) -> Tensor:
    return sector_mask(find_sector(clip), clip.shape[1:3])


UltrasoundSectorCropD = UltrasoundSectorCropDict = UltrasoundSectorCropd
