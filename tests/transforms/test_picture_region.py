# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from monai_i2v.transforms.picture_region import box_of, convex_hull, few_frames, grow, largest_around, picture_region


def test_the_largest_dense_part_is_the_picture() -> None:
    active = torch.zeros(128, 96, dtype=torch.bool)
    active[40:110, 30:90] = True
    active[60:70, 50:70] = False  # a chamber
    active[2:30, 2:12] = True  # a logo
    active[2:120:3, 14:28] = True  # letters
    region = picture_region(active)
    assert box_of(region) == (slice(40, 110), slice(30, 90))
    assert not region[:38].any()
    assert not region[:, :28].any()


def test_a_picture_with_nothing_active_has_no_region() -> None:
    assert not picture_region(torch.zeros(64, 64, dtype=torch.bool)).any()


@pytest.mark.parametrize("size", [3, 5, 33])
def test_largest_around_is_what_pooling_gives(size: int) -> None:
    frames = torch.randn(2, 3, 40, 50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(largest_around(frames, size), F.max_pool2d(frames, size, stride=1, padding=size // 2))


def test_grow_reaches_radius_pixels_in_x_and_y() -> None:
    mask = torch.zeros(1, 9, 9, dtype=torch.bool)
    mask[0, 4, 8] = True
    assert grow(mask, 2).nonzero().tolist() == [[0, x, y] for x in range(2, 7) for y in (6, 7, 8)]


def test_the_hull_of_a_disc_with_a_hole_is_the_disc() -> None:
    x, y = torch.meshgrid(torch.arange(90.0), torch.arange(70.0), indexing="ij")
    disc = (x - 50).square() + (y - 30).square() <= 25**2
    hollow = disc & ((x - 60).square() + (y - 30).square() > 14**2)
    hollow[50:, 28:33] = False  # open on one side
    hull = convex_hull(hollow)
    assert (hull & ~disc).sum() == 0
    assert (disc & ~hull).sum() < 0.02 * disc.sum()


def test_few_frames_of_a_long_clip_are_kept() -> None:
    assert few_frames(torch.arange(100).expand(1, 2, 2, 100))[0, 0, 0].tolist() == list(range(0, 100, 4))
    assert few_frames(torch.zeros(1, 2, 2, 8)).shape[-1] == 8
    assert few_frames(torch.zeros(1, 2, 64)).shape == (1, 2, 64)
