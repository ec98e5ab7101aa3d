# SPDX-License-Identifier: Apache-2.0
"""Glints of the lamp on wet tissue.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from monai.config import KeysCollection
from torch import Tensor

from monai_i2v.transforms.filling import Filling, Fillingd, narrow_parts
from monai_i2v.transforms.picture_region import grow

__all__ = [
    "FillSpecularHighlights",
    "FillSpecularHighlightsd",
    "FillSpecularHighlightsD",
    "FillSpecularHighlightsDict",
]

CONTRAST = 0.2  # of a glint with what is around it
LARGEST = 8  # a glint is narrower than this part of the picture's shorter side
DARK = 0.1  # the frame around the view and the lumen, which show no tissue
HALO = 1 / 128  # of that side, around a glint: it is brightened, and sharpening has made its rim dark


class FillSpecularHighlights(Filling):
    """Find small spots that are whiter than what surrounds them, and fill them from tissue there.

    White is what is bright in all channels: their smallest value. The filling is smooth and has no vessels. Narrow
    white things that are no glints on tissue, such as thread, the gleam of an instrument and letters, are filled too; a
    white area wider than an eighth of the picture stays, and so do glints fainter than `white`.

    Args:
        white: of the least white glint, in [0, 1]; mucosa under a lamp seldom has more than half of it.

    Raises:
        UsageError: When the clip has negative values or other axes.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import FillSpecularHighlights
        >>> mucosa = torch.tensor([0.7, 0.3, 0.3]).view(3, 1, 1, 1).repeat(1, 64, 64, 2)
        >>> glinting = mucosa.clone()
        >>> glinting[:, 30:34, 30:33] = 1.0
        >>> bool((FillSpecularHighlights()(glinting) - mucosa).abs().max() < 1e-6)
        True
    """

    darkest = DARK

    def __init__(self, white: float = 0.7) -> None:
        self.white = white

    def find(self, frames: Tensor) -> Tensor:
        """Glints (T, 1, X, Y) in frames (T, C, X, Y) in [0, 1], bool."""
        whiteness = frames.amin(dim=1, keepdim=True)
        side = min(frames.shape[-2:])
        size = 2 * (side // (2 * LARGEST)) + 1
        lit = frames.amax(dim=1, keepdim=True) >= DARK
        return grow((whiteness > self.white) & (narrow_parts(whiteness, size) > CONTRAST), 1 + round(HALO * side)) & lit


class FillSpecularHighlightsd(Fillingd):
    """Dictionary form of `FillSpecularHighlights`.

    Args:
        keys: images.
        white: as in `FillSpecularHighlights`.
        mask_key: name of new entries for what was filled, bool, with the image's own name for ``{}``, such as for a
            loss that leaves glints out; none if None.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import FillSpecularHighlightsd
        >>> picture = torch.zeros(3, 64, 64)
        >>> picture[0] = 0.6
        >>> picture[:, 30, 30] = 1
        >>> data = FillSpecularHighlightsd("image", mask_key="glints")({"image": picture})
        >>> int(data["glints"].sum())
        9
    """

    def __init__(
        self,
        keys: KeysCollection,
        white: float = 0.7,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, FillSpecularHighlights(white), mask_key, allow_missing_keys)


FillSpecularHighlightsD = FillSpecularHighlightsDict = FillSpecularHighlightsd
