# SPDX-License-Identifier: Apache-2.0
"""Crop an endoscopy to its round, octagonal or rectangular view.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from monai.config import KeysCollection
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.transforms.picture_region import convex_hull, few_frames, picture_region
from monai_i2v.transforms.unit_frames import unit_frames
from monai_i2v.transforms.view_crop import ViewCrop, ViewCropd

__all__ = [
    "EndoscopeViewCrop",
    "EndoscopeViewCropd",
    "EndoscopeViewCropD",
    "EndoscopeViewCropDict",
    "find_endoscope_view",
]

DARK = 16 / 255  # the brightest that the frame around a view is: black in video levels


def find_endoscope_view(clip: Tensor) -> Tensor:
    """Find the view of an endoscope: the convex hull of the largest region that is lit in any frame.

    Texts and small pictures beside it are left out, and a dark lumen belongs to it.

    Args:
        clip: (C, X, Y, T) or a still (C, X, Y), dark around the view.

    Returns:
        Mask (X, Y), bool.

    Raises:
        UsageError: When nothing is lit.

    Example::

        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.transforms import find_endoscope_view
        >>> view = find_endoscope_view(Phantom("endoscope", size=(100, 160))[0].permute(0, 2, 1))
        >>> radius = 48.7  # px
        >>> abs(int(view.sum()) - 3.1416 * radius**2) < 0.02 * 3.1416 * radius**2
        True
    """
    brightest = unit_frames(few_frames(clip)).amax(dim=(0, 1))  # (X, Y)
    region = picture_region((brightest > DARK).cpu())
    if not region.any():
        raise UsageError(
            f"nothing is lit in a clip of shape {tuple(clip.shape)}, expected a bright view on black; remove the clip."
        )
    return convex_hull(region)


class EndoscopeViewCrop(ViewCrop):
    """Crop to the view that `find_endoscope_view` finds; its affine and inverse are those of MONAI's `Crop`.

    Args:
        margin: px to keep around the view, as far as the picture reaches.

    Raises:
        UsageError: When nothing is lit.

    Example::

        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.transforms import EndoscopeViewCrop
        >>> picture = Phantom("endoscope", size=(100, 160))[0].permute(0, 2, 1)
        >>> EndoscopeViewCrop()(picture).shape
        torch.Size([3, 98, 98])
    """

    def __init__(self, margin: int = 0) -> None:
        super().__init__(find_endoscope_view, margin)


class EndoscopeViewCropd(ViewCropd):
    """Dictionary form of `EndoscopeViewCrop`: the view of the first key counts for all.

    Args:
        keys: the image first, then label maps of the same size in x and y, stills or clips.
        margin: as in `EndoscopeViewCrop`.
        mask_key: name of a new entry for the mask of the view, as large as the cropped image, bool; none if None.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.transforms import EndoscopeViewCropd
        >>> picture = Phantom("endoscope", size=(100, 160))[0].permute(0, 2, 1)
        >>> EndoscopeViewCropd("image", mask_key="view")({"image": picture})["view"].dtype
        torch.bool
    """

    def __init__(
        self, keys: KeysCollection, margin: int = 0, mask_key: str | None = None, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, EndoscopeViewCrop(margin), mask_key, allow_missing_keys)


EndoscopeViewCropD = EndoscopeViewCropDict = EndoscopeViewCropd
