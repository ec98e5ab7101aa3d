# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest
import torch

from monai_i2v.transforms import Motion
from monai_i2v.transforms.clip_motion import random_motion

NONE = {"rotate": 0, "scale": 0, "zoom": 1, "shear": 0, "shift": 0, "bend": 0, "swell": 0, "push": 0}
STILL = torch.stack(
    [
        torch.tensor([-0.75, -0.25, 0.25, 0.75]).expand(2, 4),  # x of four columns
        torch.tensor([[-0.5], [0.5]]).expand(2, 4),  # y of two rows
    ],
    dim=-1,
)


def places(size=(2, 4), frames=500, center=(0.0, 0.0), seed=0, **motion):
    random = np.random.RandomState(seed)
    return random_motion(Motion(**{**NONE, **motion}), size, frames, center, random)


def test_without_motion_every_pixel_shows_its_own_center():
    assert places(frames=3).shape == (3, 2, 4, 2)
    torch.testing.assert_close(places(frames=3), STILL.expand(3, -1, -1, -1))


def test_a_shift_is_the_same_for_all_pixels_and_reaches_its_limit():
    shift = places(shift=0.2) - STILL  # (T, 2, 4, 2)
    torch.testing.assert_close(shift, shift[:, :1, :1].expand_as(shift))
    assert shift.amax(dim=(0, 1, 2)).tolist() == pytest.approx([0.2, 0.2], abs=0.005)
    assert shift.amin(dim=(0, 1, 2)).tolist() == pytest.approx([-0.2, -0.2], abs=0.005)


def test_a_rotation_keeps_distances_and_stays_within_its_limit():
    turned = places(rotate=30)
    torch.testing.assert_close(turned.norm(dim=-1), STILL.norm(dim=-1).expand(500, -1, -1))
    cosines = (turned * STILL).sum(dim=-1) / STILL.square().sum(dim=-1)
    assert math.degrees(math.acos(cosines.min())) == pytest.approx(30, abs=0.5)


def test_scale_stretches_both_axes_independently():
    ratio = places(scale=0.1) / STILL
    torch.testing.assert_close(ratio, ratio[:, :1, :1].expand_as(ratio))
    assert ratio.amax(dim=(0, 1, 2)).tolist() == pytest.approx([1.1, 1.1], abs=0.005)
    assert ratio.amin(dim=(0, 1, 2)).tolist() == pytest.approx([0.9, 0.9], abs=0.005)
    assert abs(np.corrcoef(ratio[:, 0, 0].T)[0, 1]) < 0.2


def test_zoom_is_as_often_near_as_far_and_stretches_both_axes_alike():
    ratio = places(zoom=1.25) / STILL
    torch.testing.assert_close(ratio, ratio[:, :1, :1, :1].expand_as(ratio))
    assert ratio.max().item() == pytest.approx(1.25, abs=0.01)
    assert ratio.min().item() == pytest.approx(0.8, abs=0.01)
    assert (ratio[:, 0, 0, 0] > 1).float().mean().item() == pytest.approx(0.5, abs=0.07)


def test_motion_may_be_made_stronger_or_weaker():
    strong = Motion(rotate=10, zoom=1.2, push=0.1).times(2)
    assert (strong.rotate, strong.push) == (20, 0.2)
    assert strong.zoom == pytest.approx(1.44)
    assert set(vars(Motion().times(0)).values()) == {0, 1}


def test_shear_moves_rows_along_themselves():
    moved = places(shear=45) - STILL
    assert moved[..., 1].abs().max() < 1e-6
    torch.testing.assert_close(moved[:, 0], -moved[:, 1])  # rows at y = -0.5 and 0.5
    assert moved[..., 0].max() == pytest.approx(0.5, abs=0.01)  # tan 45 of half a unit


def test_the_object_swells_around_its_center():
    center = torch.tensor([0.25, 0.5])  # a pixel's own center
    toward = places(center=tuple(center.tolist()), swell=0.3) - STILL
    assert toward[:, 1, 2].abs().max() == 0
    offset = STILL[1, 3] - center
    away = (toward[:, 1, 3] @ offset) / offset.square().sum()  # 0.5 to the right of the center
    sideways = toward[:, 1, 3, 1]
    assert sideways.abs().max() == 0
    assert 0.15 < away.max() < 0.3
    assert -0.3 < away.min() < -0.15


def test_the_object_is_pushed_against_surroundings_that_stay():
    pushed = places(size=(31, 31), center=(-0.8, 0.0), push=0.1) - places(size=(31, 31))
    assert pushed[:, 15, 3].abs().amax(dim=0).tolist() == pytest.approx([0.1, 0.1], abs=0.005)
    assert pushed[:, 15, -1].abs().max() < 0.1 * math.exp(-0.5 * (1.76 / 0.6) ** 2) + 1e-6


def test_the_bend_has_its_standard_deviation_and_is_smooth():
    bent = places(size=(64, 64), frames=1000, bend=0.03) - places(size=(64, 64), frames=1)
    assert bent[:, 0, 0].std(dim=0).tolist() == pytest.approx([0.03, 0.03], rel=0.1)
    assert bent.mean(dim=0).abs().max() < 0.005
    assert bent.diff(dim=1).abs().max() < 0.2 * bent.abs().max()


def test_frames_move_independently_and_the_seed_decides():
    motion = vars(Motion())
    first, again, other = (places(seed=seed, frames=3, **motion) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    for one, another in ((first, other), (first[0], first[1]), (first[1], first[2])):
        assert (one - another).abs().mean() > 0.01
