# SPDX-License-Identifier: Apache-2.0
"""Regions of an image, found without labels: stand-ins for objects that nobody has drawn.

Axes: `C` image channels, `X Y` pixels as MONAI loads them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.transforms.keep_meta import with_meta_of

__all__ = ["Regions", "Regionsd", "RegionsD", "RegionsDict"]


class Regions(Transform):
    """Cut an image along its edges into regions, and number those that are neither tiny nor most of the image.

    A network that learns to follow any such region learns about far more kinds of objects than the labels show (the
    idea of superpixel pseudo-labels: Ouyang et al., ECCV 2020). The cut is SimpleITK's morphological watershed of the
    smoothed gradient's magnitude.

    Args:
        sigma: smoothing of the gradient, px.
        level: depth of a basin that still joins its neighbor, as a share of the image's strong gradients.
        min_share: smallest region, as a share of the image.
        max_share: largest region.
        max_regions: how many of the largest regions are numbered.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Regions
        >>> image = torch.zeros(1, 64, 64)
        >>> image[:, 16:32, 16:32] = 1  # a square on a background that is too large to be a region
        >>> regions = Regions(sigma=1)(image)
        >>> regions.unique().tolist(), int(regions[0, 24, 24]), int(regions[0, 50, 50])
        ([0, 1], 1, 0)
    """

    def __init__(
        self,
        sigma: float = 3.0,
        level: float = 0.15,
        *,
        min_share: float = 0.005,
        max_share: float = 0.4,
        max_regions: int = 100,
    ) -> None:
        self.sigma, self.level = sigma, level
        self.min_share, self.max_share, self.max_regions = min_share, max_share, max_regions

    def __call__(self, image: Tensor) -> Tensor:
        """Regions (1, X, Y) of an image (C, X, Y), int16; 0 where there is none."""
        import SimpleITK as sitk  # noqa: N813

        gray = convert_to_tensor(image, track_meta=False, dtype=torch.float32).mean(dim=0).cpu().numpy()
        if gray.min() == gray.max():  # rounding would be taken for edges
            return with_meta_of(image, torch.zeros(1, *gray.shape, dtype=torch.int16))
        edges = sitk.GradientMagnitudeRecursiveGaussian(sitk.GetImageFromArray(gray), sigma=self.sigma)
        strong = float(np.percentile(sitk.GetArrayViewFromImage(edges), 98))
        basins = sitk.MorphologicalWatershed(edges, level=self.level * strong, markWatershedLine=False)
        cells = sitk.GetArrayFromImage(basins)
        sizes = np.bincount(cells.ravel())
        share = sizes / cells.size
        kept = np.flatnonzero((share >= self.min_share) & (share <= self.max_share))
        kept = kept[np.argsort(-sizes[kept], kind="stable")][: self.max_regions]
        numbers = np.zeros(len(sizes), np.int16)
        numbers[kept] = np.arange(1, len(kept) + 1)
        return with_meta_of(image, torch.from_numpy(numbers[cells]).unsqueeze(0))


class Regionsd(MapTransform):
    """Dictionary form of `Regions`: the regions become a further entry.

    Args:
        keys: stills (C, X, Y); a clip (C, X, Y, T) gets none.
        name: name of the new entry, with the image's own for ``{}``.
        allow_missing_keys: do not complain about keys that are absent.
        settings: arguments of `Regions`.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Regionsd
        >>> sorted(Regionsd("image")({"image": torch.rand(3, 32, 32)}))
        ['image', 'image_regions']
    """

    def __init__(
        self, keys: KeysCollection, name: str = "{}_regions", allow_missing_keys: bool = False, **settings: Any
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.name, self.regions = name, Regions(**settings)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the regions of every key."""
        d = dict(data)
        for key in self.key_iterator(data):
            if d[key].ndim == 3:
                d[self.name.format(key)] = self.regions(d[key])
        return d


RegionsD = RegionsDict = Regionsd
