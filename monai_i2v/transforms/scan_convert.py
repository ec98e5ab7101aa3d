# SPDX-License-Identifier: Apache-2.0
"""From the beams of an ultrasound probe to the picture, and back.

Axes: `C` image channels, `B` beams, `S` samples along a beam, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.config import KeysCollection
from monai.data.utils import affine_to_spacing
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import ensure_tuple, ensure_tuple_rep
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.transforms.beam_sampling import beams_to_picture, picture_to_beams
from monai_i2v.transforms.find_sector import find_sector
from monai_i2v.transforms.keep_meta import affine_of, with_affine, with_meta_of
from monai_i2v.transforms.sector import Fan, Sector, numbers_of, sector_of

__all__ = [
    "InverseScanConvert",
    "InverseScanConvertd",
    "InverseScanConvertD",
    "InverseScanConvertDict",
    "ScanConvert",
    "ScanConvertd",
    "ScanConvertD",
    "ScanConvertDict",
]

SQUARE = 0.01  # how much the sides of a pixel may differ


class ScanConvert(InvertibleTransform):
    """Beams (C, B, S, T) or (C, B, S) to the picture (C, X, Y, T) or (C, X, Y); 0 outside of the sector.

    The picture's affine has its origin in the first pixel and square pixels, in the unit in which that of the beams
    has the spacing of samples; time is kept. The inverse gives the beams back: shape, affine, and, interpolated, their
    values.

    Args:
        sector: where the beams run in the picture; the first beam has the smallest x.
        spatial_size: X, Y of the picture.
        mode: ``"bilinear"``, or ``"nearest"`` for label maps.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Fan, ScanConvert
        >>> fan = Fan(apex=(31.5, 0.0), radii=(4.0, 60.0), angles=(-30.0, 30.0))
        >>> picture = ScanConvert(fan, spatial_size=(64, 64))(torch.ones(1, 50, 56, 8))
        >>> picture.shape, float(picture[0, 31, 40, 0]), float(picture[0, 2, 2, 0])
        (torch.Size([1, 64, 64, 8]), 1.0, 0.0)
    """

    def __init__(self, sector: Sector, spatial_size: Sequence[int], mode: str = "bilinear") -> None:
        self.sector, self.spatial_size, self.mode = sector, (int(spatial_size[0]), int(spatial_size[1])), mode

    def __call__(self, data: Tensor) -> Tensor:
        """Convert beams to a picture."""
        picture = with_meta_of(data, beams_to_picture(data, self.sector, self.spatial_size, self.mode))
        affine = affine_of(data)
        pixel = float(affine_to_spacing(affine)[1]) * data.shape[2] / self.sector.extent[1]
        picture = with_affine(picture, _grid_affine(affine, (pixel, pixel), (0.0, 0.0)))
        return self.push_transform(picture, orig_size=data.shape[1:], extra_info={"mode": self.mode, "affine": affine})

    def inverse(self, data: Tensor) -> Tensor:
        """Convert the picture back to beams."""
        info = self.pop_transform(data)
        extra, (beams, samples) = info["extra_info"], info["orig_size"][:2]
        back = picture_to_beams(data, self.sector, (int(beams), int(samples)), extra["mode"])
        return with_affine(with_meta_of(data, back), extra["affine"])


class InverseScanConvert(InvertibleTransform):
    """The picture (C, X, Y, T) or (C, X, Y) to the beams (C, B, S, T) or (C, B, S) that it was made of.

    What is at equal depth is then in one row, and a probe's speckle is alike everywhere. Beams are no affine image of
    the picture: their affine says degrees (of a fan; else the picture's unit) along the first axis and the picture's
    unit, such as mm, from the apex along the second, each at the centers of the cells; time is kept. The inverse gives
    the picture back: shape, affine, and, interpolated twice, what lies in the sector; 0 elsewhere.

    Args:
        sector: where the beams run in the picture; what `find_sector` finds in each clip if None.
        spatial_size: B, S; if None as many as the sector needs to be sampled as densely as by pixels, which differs
            from one recording to another.
        mode: ``"bilinear"``, or ``"nearest"`` for label maps.

    Raises:
        UsageError: When no sector is found, or when a fan has pixels that are no squares.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Fan, InverseScanConvert
        >>> fan = Fan(apex=(31.5, 0.0), radii=(4.0, 60.0), angles=(-30.0, 30.0))
        >>> InverseScanConvert(fan)(torch.rand(1, 64, 64, 8)).shape
        torch.Size([1, 63, 56, 8])
    """

    def __init__(
        self, sector: Sector | None = None, spatial_size: Sequence[int] | None = None, mode: str = "bilinear"
    ) -> None:
        self.sector, self.spatial_size, self.mode = sector, spatial_size, mode

    def __call__(self, data: Tensor, sector: Sector | None = None) -> Tensor:
        """Convert a picture to beams; those of `sector` if neither this nor the constructor's is None."""
        sector = self.sector or sector or find_sector(data)
        size = sector.size if self.spatial_size is None else self.spatial_size
        beams = with_meta_of(data, picture_to_beams(data, sector, (int(size[0]), int(size[1])), self.mode))
        affine = affine_of(data)
        beams = with_affine(beams, _beam_affine(affine, sector, beams.shape[1:3]))
        extra = {"mode": self.mode, "affine": affine, "sector": numbers_of(sector)}
        return self.push_transform(beams, orig_size=data.shape[1:], extra_info=extra)

    def inverse(self, data: Tensor) -> Tensor:
        """Convert the beams back to the picture."""
        info = self.pop_transform(data)
        extra, (width, height) = info["extra_info"], info["orig_size"][:2]
        back = beams_to_picture(data, sector_of(extra["sector"]), (int(width), int(height)), extra["mode"])
        return with_affine(with_meta_of(data, back), extra["affine"])


class _Conversiond(InvertibleTransform, MapTransform):
    """Dictionary form with a transform for each key."""

    def __init__(
        self, keys: KeysCollection, transforms: Sequence[ScanConvert | InverseScanConvert], allow_missing_keys: bool
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transforms = transforms

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Convert every key."""
        d = dict(data)
        for key, transform in self.key_iterator(d, self.transforms):
            d[key] = transform(d[key])
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Undo it for every key."""
        d = dict(data)
        for key, transform in self.key_iterator(d, self.transforms):
            d[key] = transform.inverse(d[key])
        return d


class ScanConvertd(_Conversiond):
    """Dictionary form of `ScanConvert`.

    Args:
        keys: beams (C, B, S, T) or (C, B, S).
        sector: as in `ScanConvert`.
        spatial_size: as in `ScanConvert`.
        mode: as in `ScanConvert`, for each key or for all.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Rectangle, ScanConvertd
        >>> linear = Rectangle((9.5, -0.5), (29.5, 39.5))
        >>> ScanConvertd("image", linear, (40, 50))({"image": torch.rand(1, 20, 30)})["image"].shape
        torch.Size([1, 40, 50])
    """

    def __init__(
        self,
        keys: KeysCollection,
        sector: Sector,
        spatial_size: Sequence[int],
        mode: str | Sequence[str] = "bilinear",
        allow_missing_keys: bool = False,
    ) -> None:
        modes = ensure_tuple_rep(mode, len(ensure_tuple(keys)))
        super().__init__(keys, [ScanConvert(sector, spatial_size, one) for one in modes], allow_missing_keys)


class InverseScanConvertd(_Conversiond):
    """Dictionary form of `InverseScanConvert`: the sector of the first key counts for all.

    Args:
        keys: the image first, then label maps of the same size in x and y, stills or clips.
        sector: as in `InverseScanConvert`.
        spatial_size: as in `InverseScanConvert`.
        mode: as in `InverseScanConvert`, for each key or for all.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Fan, InverseScanConvertd
        >>> fan = Fan(apex=(31.5, 0.0), radii=(4.0, 60.0), angles=(-30.0, 30.0))
        >>> data = {"image": torch.rand(1, 64, 64, 8), "label": torch.ones(1, 64, 64)}
        >>> convert = InverseScanConvertd(("image", "label"), fan, mode=("bilinear", "nearest"))
        >>> convert(data)["label"].shape
        torch.Size([1, 63, 56])
    """

    def __init__(
        self,
        keys: KeysCollection,
        sector: Sector | None = None,
        spatial_size: Sequence[int] | None = None,
        mode: str | Sequence[str] = "bilinear",
        allow_missing_keys: bool = False,
    ) -> None:
        modes = ensure_tuple_rep(mode, len(ensure_tuple(keys)))
        transforms = [InverseScanConvert(sector, spatial_size, one) for one in modes]
        super().__init__(keys, transforms, allow_missing_keys)
        self.sector = sector

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Convert every key."""
        d = dict(data)
        sector = self.sector or find_sector(d[self.keys[0]])
        for key, transform in self.key_iterator(d, self.transforms):
            d[key] = transform(d[key], sector)
        return d


def _grid_affine(affine: Tensor, steps: Sequence[float], start: Sequence[float]) -> Tensor:
    """An affine with these steps along its first two axes, from this start; the others are kept."""
    grid = affine.clone()
    grid[:2, :] = 0
    grid[:, :2] = 0
    grid[0, 0], grid[1, 1] = steps
    grid[0, -1], grid[1, -1] = start
    return grid


def _beam_affine(affine: Tensor, sector: Sector, size: Sequence[int]) -> Tensor:
    """The affine of beams, see `InverseScanConvert`."""
    unit_x, unit_y = affine_to_spacing(affine)[:2].tolist()
    if isinstance(sector, Fan):
        if abs(unit_x / unit_y - 1) > SQUARE:
            raise UsageError(
                f"pixels are {unit_x:g} x {unit_y:g}, expected squares, of which a fan has straight beams of equal "
                "length; resample with Spacingd before."
            )
        unit_x = 1.0  # degrees
    steps = [unit * extent / n for unit, extent, n in zip((unit_x, unit_y), sector.extent, size, strict=True)]
    first = (unit_x * sector.origin[0], unit_y * sector.origin[1])
    return _grid_affine(affine, steps, [begin + step / 2 for begin, step in zip(first, steps, strict=True)])


ScanConvertD = ScanConvertDict = ScanConvertd
InverseScanConvertD = InverseScanConvertDict = InverseScanConvertd
