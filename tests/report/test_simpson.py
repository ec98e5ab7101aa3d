# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest

from monai_i2v.report import simpson_volume

ANGLES = range(0, 180, 15)  # degrees


def ellipse(
    half_length: float, half_width: float, angle: float = 0, *, spacing: tuple[float, float] = (1, 1), cut: bool = False
) -> np.ndarray:
    """Pixels of a (half) ellipse around a place that is no pixel's center; all lengths in mm."""
    rows, columns = (1.2 * half_length * np.arange(-1, 1, step / (1.2 * half_length)) for step in spacing)
    y, x = np.meshgrid(rows + 0.3 * spacing[0], columns - 0.2 * spacing[1], indexing="ij")
    turn = math.radians(angle)
    along, across = math.cos(turn) * x + math.sin(turn) * y, math.cos(turn) * y - math.sin(turn) * x
    mask = (along / half_length) ** 2 + (across / half_width) ** 2 <= 1
    return mask & (along >= 0) if cut else mask


def spheroid(half_length: float, half_width: float) -> float:
    return 4 / 3 * math.pi * half_length * half_width**2


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize(("half_length", "half_width"), [(60, 30), (45, 25), (100, 30)])
def test_an_ellipse_is_a_spheroid_in_any_direction(half_length, half_width, angle):
    volume = simpson_volume(ellipse(half_length, half_width, angle))
    assert volume == pytest.approx(spheroid(half_length, half_width), rel=0.01)


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize(("length", "half_width"), [(90, 25), (120, 40), (200, 60)])
def test_a_ventricle_with_an_even_base_is_half_a_spheroid(length, half_width, angle):
    volume = simpson_volume(ellipse(length, half_width, angle, cut=True))
    assert volume == pytest.approx(spheroid(length, half_width) / 2, rel=0.02)


@pytest.mark.parametrize("radius", [12, 30, 80])
def test_a_circle_is_a_sphere(radius):
    assert simpson_volume(ellipse(radius, radius)) == pytest.approx(spheroid(radius, radius), rel=0.02)


def test_twice_the_lengths_are_eight_times_the_volume():
    mask = ellipse(50, 20, 25)
    assert simpson_volume(mask, (0.6, 0.4)) == pytest.approx(8 * simpson_volume(mask, (0.3, 0.2)), rel=1e-12)


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("spacing", [(0.5, 1.0), (1.0, 0.5), (1.0, 0.3)])
def test_pixels_that_are_not_square_give_the_same_volume(spacing, angle):
    shape = {"half_length": 90, "half_width": 25, "angle": angle, "cut": True}
    square = simpson_volume(ellipse(**shape))
    assert simpson_volume(ellipse(**shape, spacing=spacing), spacing) == pytest.approx(square, rel=0.02)


def test_the_axis_is_found_in_mm_not_in_pixels():
    mask = np.ones((20, 30), dtype=bool)  # 40 mm high and 15 mm wide
    assert simpson_volume(mask, (2.0, 0.5)) == pytest.approx(math.pi / 4 * 15**2 * 40)


def test_a_diamond_is_two_cones():
    rows, columns = np.ogrid[-59.5:60, -59.5:60]
    mask = abs(rows) + 2 * abs(columns) <= 60  # 120 px high, 60 px wide
    assert simpson_volume(mask) == pytest.approx(2 * math.pi / 3 * 30**2 * 60, rel=0.02)


def test_specks_are_left_out_and_holes_belong_to_the_chamber():
    mask = ellipse(60, 30, 20)
    volume = simpson_volume(mask)
    middle = mask.shape[0] // 2
    mask[0, :3] = mask[-2:, -2:] = True
    mask[middle - 5 : middle + 5, middle - 3 : middle + 3] = False
    assert simpson_volume(mask) == volume


def test_ragged_edges_change_the_volume_little():
    mask = ellipse(60, 30, 40)
    around = np.roll(mask, (2, 2), (0, 1)) | np.roll(mask, (-2, -2), (0, 1))
    ragged = mask | (around & (np.random.default_rng(0).random(mask.shape) < 0.5))
    assert simpson_volume(ragged) == pytest.approx(simpson_volume(mask), rel=0.06)


def test_one_pixel_is_a_cylinder_and_no_pixel_is_nothing():
    mask = np.zeros((5, 7), dtype=bool)
    assert simpson_volume(mask) == 0.0
    mask[2, 3] = True
    assert simpson_volume(mask) == pytest.approx(math.pi / 4)
    assert simpson_volume(mask, (3.0, 2.0)) == pytest.approx(math.pi / 4 * 2**2 * 3)  # the longer side is its axis


def test_the_mask_is_left_as_it_was():
    mask = ellipse(30, 15)
    before = mask.copy()
    simpson_volume(mask)
    assert np.array_equal(mask, before)
