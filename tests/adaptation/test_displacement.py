# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
import torch.nn.functional as F

from monai_i2v.adaptation import affinity, at_rest, registration
from monai_i2v.adaptation.displacement import RADIUS, FramePair, trusted, warp

SIDE = 24  # cells
INNER = (..., slice(6, 18), slice(6, 18))


def texture(shift=(0, 0), seed=0):
    """A smooth random picture (1, 16, 24, 24), moved down and to the right."""
    coarse = torch.rand(1, 16, 10, 10, generator=torch.Generator().manual_seed(seed))
    wide = F.interpolate(coarse, size=2 * SIDE, mode="bicubic", align_corners=False).clamp(0, 1)
    top, left = SIDE // 2 - shift[0], SIDE // 2 - shift[1]
    return wide[..., top : top + SIDE, left : left + SIDE]


def pair_of(earlier, later):
    return FramePair(earlier[:, :3], later[:, :3], 2 * earlier - 1, 2 * later - 1)


def test_warp_takes_what_was_at_the_displaced_place():
    picture = torch.zeros(1, 1, 5, 6)
    picture[0, 0, 1, 4] = 1
    displacement = torch.tensor([-1.0, 2.0]).view(1, 2, 1, 1).expand(1, 2, 5, 6)  # one up, two to the right
    expected = torch.zeros(5, 6)
    expected[2, 2] = 1
    torch.testing.assert_close(warp(picture, displacement)[0, 0], expected)
    assert warp(picture, 0 * displacement).equal(picture)


@pytest.mark.parametrize("displacement", [affinity, registration])
@pytest.mark.parametrize("shift", [(2, 0), (0, -3), (-1, 2)])
def test_a_moved_picture_is_found_where_it_was(displacement, shift):
    pair = pair_of(texture(), texture(shift))
    found = displacement(pair)
    assert found.shape == (1, 2, SIDE, SIDE)
    middle = found[INNER].flatten(2).median(dim=2).values[0]
    torch.testing.assert_close(middle, -torch.tensor(shift, dtype=torch.float32), atol=0.5, rtol=0)
    before = (pair.earlier - pair.later)[INNER].abs().mean()
    assert (warp(pair.earlier, found) - pair.later)[INNER].abs().mean() < 0.5 * before


@pytest.mark.parametrize("displacement", [affinity, registration])
def test_nothing_moves_between_equal_frames(displacement):
    found = displacement(pair_of(texture(), texture()))
    assert found[INNER].abs().mean() < 0.3
    assert at_rest(pair_of(texture(), texture((3, 3)))).abs().max() == 0


def test_the_affinity_looks_no_further_than_its_radius():
    found = affinity(pair_of(texture(), texture((2 * RADIUS, 0))))
    assert found.abs().max() <= RADIUS


def test_a_way_there_that_does_not_lead_back_is_not_trusted():
    there = torch.full((1, 2, 8, 8), 1.0)
    assert trusted(there, -there).all()
    assert not trusted(there, there)[..., 2:6, 2:6].any()


def test_what_comes_into_view_is_not_trusted():
    later = texture()
    earlier = later.clone()
    earlier[..., 8:16, 8:16] = texture(seed=5)[..., 8:16, 8:16]  # something else was there
    pair = pair_of(earlier, later)
    valid = trusted(affinity(pair), affinity(pair.turned()))
    inside, outside = valid[..., 9:15, 9:15].float().mean(), valid[..., :6, :].float().mean()
    assert outside > 0.9
    assert inside < outside
