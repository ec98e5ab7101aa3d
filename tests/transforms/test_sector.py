# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from monai_i2v.transforms import Fan, Rectangle, Sector
from monai_i2v.transforms.sector import numbers_of, sector_mask, sector_of

FAN = Fan(apex=(40.0, -10.0), radii=(20.0, 80.0), angles=(-30.0, 45.0))
RECTANGLE = Rectangle(start=(4.5, 9.5), stop=(24.5, 49.5))


@pytest.mark.parametrize("sector", [FAN, RECTANGLE])
def test_places_and_beams_are_each_others_inverse(sector: Sector) -> None:
    beam, depth = torch.rand(2, 50, generator=torch.Generator().manual_seed(0))
    back = sector.beams(*sector.places(beam, depth))
    torch.testing.assert_close(torch.stack(back), torch.stack([beam, depth]), atol=1e-5, rtol=0)


def test_corners_of_a_fan_are_where_trigonometry_says() -> None:
    x, y = FAN.places(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]))
    assert x.tolist() == pytest.approx([40 - 80 * 0.5, 40 + 20 * 0.70711], abs=1e-3)
    assert y.tolist() == pytest.approx([-10 + 80 * 0.86603, -10 + 20 * 0.70711], abs=1e-3)


def test_the_mask_has_the_sectors_area() -> None:
    assert int(sector_mask(RECTANGLE, (100, 100)).sum()) == 20 * 40
    ring = torch.pi * (80**2 - 20**2) * 75 / 360
    assert int(sector_mask(FAN, (120, 100)).sum()) == pytest.approx(ring, rel=0.01)


def test_beams_and_samples_are_as_dense_as_pixels() -> None:
    assert FAN.size == (105, 60)  # 75 degrees of a circle of radius 80, and 80 - 20
    assert RECTANGLE.size == (20, 40)


@pytest.mark.parametrize("sector", [FAN, RECTANGLE])
def test_numbers_hold_all_of_a_sector(sector: Sector) -> None:
    assert sector_of(numbers_of(sector)) == sector
