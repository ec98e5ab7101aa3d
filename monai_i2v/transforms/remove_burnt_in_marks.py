# SPDX-License-Identifier: Apache-2.0
"""Texts, rulers and calipers that a device has written into its picture.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from monai.config import KeysCollection
from torch import Tensor

from monai_i2v.transforms.filling import Filling, Fillingd, narrow_parts
from monai_i2v.transforms.picture_region import grow

__all__ = ["RemoveBurntInMarks", "RemoveBurntInMarksd", "RemoveBurntInMarksD", "RemoveBurntInMarksDict"]

BRIGHT = 0.35  # the darkest mark without a color
CONTRAST = 0.25  # of such a mark with what is behind it, more than of most speckle
STEADY = 0.5  # how much it may change over time, as a share of that contrast: compression makes it tremble
COLORED = 0.15  # difference of channels, more than that of what is beside it
HALO = 1  # px around a stroke, which compression has smeared


class RemoveBurntInMarks(Filling):
    """Find thin marks by their brightness and color, and fill them from their surroundings.

    A mark is a stroke, at most so many px thick, of one of two kinds: brighter than what is around and the same in all
    frames (letters, rulers, calipers); or colored, in any single frame (an ECG line, which moves). What is behind it is
    not known: the filling is smooth and has no speckle. Thick things such as logos, color bars and boxes stay, and so
    do strokes that are darker than 0.35 of white; a thin bright echo that never moves is taken for a mark, and in a
    still each one is. It is meant for marks in the sector: `UltrasoundSectorCropd` with ``mask_key``, and MONAI's
    ``MaskIntensityd``, take away all that is outside of it.
    This is **no de-identification**: names may stay readable, and the header of a file is another matter altogether.

    Args:
        thickness: px, of the thickest stroke.
        color: take colored strokes for marks; turn it off where colors mean flow.

    Raises:
        UsageError: When the clip has negative values or other axes.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RemoveBurntInMarks
        >>> clip = torch.full((1, 40, 40, 5), 0.2)
        >>> clip[:, 10:30, 20:22] = 1.0  # a ruler
        >>> torch.unique((RemoveBurntInMarks()(clip) * 10).round()).tolist()
        [2.0]
    """

    def __init__(self, thickness: int = 5, color: bool = True) -> None:
        self.thickness, self.color = thickness, color

    def find(self, frames: Tensor) -> Tensor:
        """Marks (T, 1, X, Y) in frames (T, C, X, Y) in [0, 1], bool."""
        size = self.thickness + 1 + self.thickness % 2  # odd, and wider than any stroke
        darkest, brightest = frames.mean(dim=1, keepdim=True).aminmax(dim=0, keepdim=True)  # (1, 1, X, Y)
        contrast = narrow_parts(darkest, size)
        steady = brightest - darkest < STEADY * contrast
        marks = steady & (contrast > CONTRAST) & (darkest > BRIGHT)
        marks = marks.expand(len(frames), -1, -1, -1)
        if self.color and frames.shape[1] > 1:
            color = frames.amax(dim=1, keepdim=True) - frames.amin(dim=1, keepdim=True)
            marks = marks | (narrow_parts(color, size) > COLORED)
        return grow(marks, HALO)


class RemoveBurntInMarksd(Fillingd):
    """Dictionary form of `RemoveBurntInMarks`.

    Args:
        keys: images.
        thickness: as in `RemoveBurntInMarks`.
        color: as in `RemoveBurntInMarks`.
        mask_key: name of new entries for what was filled, bool, with the image's own name for ``{}``; none if None.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RemoveBurntInMarksd
        >>> clip = torch.zeros(1, 40, 40, 5)
        >>> clip[:, 10:30, 20:22] = 1.0
        >>> data = RemoveBurntInMarksd("image", mask_key="{}_marks")({"image": clip})
        >>> float(data["image"].max()), int(data["image_marks"][..., 0].sum())
        (0.0, 88)
    """

    def __init__(
        self,
        keys: KeysCollection,
        thickness: int = 5,
        color: bool = True,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RemoveBurntInMarks(thickness, color), mask_key, allow_missing_keys)


RemoveBurntInMarksD = RemoveBurntInMarksDict = RemoveBurntInMarksd
