# SPDX-License-Identifier: Apache-2.0
"""Where the beams of an ultrasound probe run in the picture: in a fan, or side by side.

Places are indices of pixels (x, y) along MONAI's first two axes, with centers at whole numbers; y points away from the
probe. A place on the beams is (beam, depth), from 0 to 1 over the sector.

Axes: `X Y` pixels, `B` beams, `S` samples along a beam.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from math import pi, radians
from typing import TypeAlias

import torch
from torch import Tensor

__all__ = ["Fan", "Rectangle", "Sector", "beams_of_pixels", "numbers_of", "sector_mask", "sector_of"]


@dataclass(frozen=True)
class Fan:
    """The sector of a phased or a curved array.

    Args:
        apex: place (x, y) where all beams would meet, px; it may lie outside of the picture.
        radii: where echoes begin and end, px from the apex.
        angles: the outermost beams, degrees from straight down, positive toward larger x.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import Fan
        >>> fan = Fan(apex=(50.0, 0.0), radii=(10.0, 90.0), angles=(-45.0, 45.0))
        >>> [round(float(value), 3) for value in fan.beams(torch.tensor(50.0), torch.tensor(50.0))]
        [0.5, 0.5]
    """

    apex: tuple[float, float]
    radii: tuple[float, float]
    angles: tuple[float, float]

    @property
    def origin(self) -> tuple[float, float]:
        """First beam, degrees, and first radius, px."""
        return self.angles[0], self.radii[0]

    @property
    def extent(self) -> tuple[float, float]:
        """Opening angle, degrees, and depth, px."""
        return self.angles[1] - self.angles[0], self.radii[1] - self.radii[0]

    @property
    def size(self) -> tuple[int, int]:
        """Beams and samples (B, S) that are nowhere farther apart than pixels."""
        opening, depth = self.extent
        return max(round(radians(opening) * self.radii[1]), 1), max(round(depth), 1)

    def beams(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Where places in the picture are on the beams."""
        right, down = x - self.apex[0], y - self.apex[1]
        (left, near), (opening, depth) = self.origin, self.extent
        return (torch.rad2deg(torch.atan2(right, down)) - left) / opening, (torch.hypot(right, down) - near) / depth

    def places(self, beam: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Where places on the beams are in the picture."""
        angle = (self.origin[0] + beam * self.extent[0]) * (pi / 180)
        radius = self.origin[1] + depth * self.extent[1]
        return self.apex[0] + radius * angle.sin(), self.apex[1] + radius * angle.cos()


@dataclass(frozen=True)
class Rectangle:
    """The sector of a linear array, whose beams are columns; also the box around a view of another shape.

    Args:
        start: its corner (x, y) with the smallest indices, px; half a pixel before the center of the first.
        stop: the opposite corner, half a pixel behind the center of the last.

    Example::

        >>> from monai_i2v.transforms import Rectangle
        >>> Rectangle(start=(9.5, -0.5), stop=(109.5, 49.5)).size
        (100, 50)
    """

    start: tuple[float, float]
    stop: tuple[float, float]

    @property
    def origin(self) -> tuple[float, float]:
        """Left border and top, px."""
        return self.start

    @property
    def extent(self) -> tuple[float, float]:
        """Width and depth, px."""
        return self.stop[0] - self.start[0], self.stop[1] - self.start[1]

    @property
    def size(self) -> tuple[int, int]:
        """Beams and samples (B, S): columns and rows."""
        return max(round(self.extent[0]), 1), max(round(self.extent[1]), 1)

    def beams(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Where places in the picture are on the beams."""
        return (x - self.start[0]) / self.extent[0], (y - self.start[1]) / self.extent[1]

    def places(self, beam: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Where places on the beams are in the picture."""
        return self.start[0] + beam * self.extent[0], self.start[1] + depth * self.extent[1]


Sector: TypeAlias = Fan | Rectangle


def beams_of_pixels(sector: Sector, size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Beam and depth (X, Y) of all pixels of a picture of this size."""
    x, y = torch.meshgrid(*(torch.arange(length, dtype=torch.float32) for length in size), indexing="ij")
    return sector.beams(x, y)


def sector_mask(sector: Sector, size: Sequence[int]) -> Tensor:
    """Which pixels (X, Y) of a picture of this size lie in the sector, bool.

    Example::

        >>> from monai_i2v.transforms import Rectangle
        >>> from monai_i2v.transforms.sector import sector_mask
        >>> int(sector_mask(Rectangle(start=(9.5, -0.5), stop=(109.5, 49.5)), (200, 100)).sum())
        5000
    """
    beam, depth = beams_of_pixels(sector, size)
    return (beam >= 0) & (beam <= 1) & (depth >= 0) & (depth <= 1)


def numbers_of(sector: Sector) -> list[float]:
    """A sector as plain numbers, which MONAI can keep with the data and put into batches."""
    return [float(number) for pair in astuple(sector) for number in pair]


def sector_of(numbers: Sequence[float]) -> Sector:
    """The sector that these numbers are."""
    pairs = [(float(a), float(b)) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    return Fan(*pairs) if len(pairs) == 3 else Rectangle(*pairs)
