# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from math import degrees

import pytest
import torch
from monai.transforms import LoadImage
from phantoms import framed, phantom_clip
from pydicom.examples import get_path

from monai_i2v.data import VideoReader
from monai_i2v.errors import UsageError
from monai_i2v.phantoms.ultrasound import APEX, sector
from monai_i2v.transforms import Fan, Rectangle, find_sector


def assert_fan(found: object, truth: Fan, px: float = 2.0, angle: float = 1.5) -> None:
    assert isinstance(found, Fan)
    assert found.apex == pytest.approx(truth.apex, abs=px)
    assert found.radii == pytest.approx(truth.radii, abs=px)
    assert found.angles == pytest.approx(truth.angles, abs=angle)


def truth_of(size: tuple[int, int], left: int = 0, top: int = 0) -> Fan:
    """The sector that the phantom draws; pixels' centers are at whole numbers."""
    height, width = size
    half_angle, depth = sector(size)
    apex = (width / 2 - 0.5 + left, APEX * height - 0.5 + top)
    return Fan(apex, (0.012 * height, depth * height), (-degrees(half_angle), degrees(half_angle)))


@pytest.mark.parametrize("size", [(96, 128), (128, 80), (200, 200)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_phantoms_sector_is_found_within_pixels(size: tuple[int, int], seed: int) -> None:
    assert_fan(find_sector(phantom_clip(size=size, seed=seed)["image"]), truth_of(size))


def test_a_still_is_enough() -> None:
    assert_fan(find_sector(phantom_clip(size=(200, 200))["image"][..., 0]), truth_of((200, 200)))


def test_letters_and_rulers_around_it_make_no_difference() -> None:
    clip = framed(phantom_clip(size=(128, 128))["image"])
    assert_fan(find_sector(clip), truth_of((128, 128), left=20, top=10))
    assert_fan(find_sector(clip[..., 0]), truth_of((128, 128), left=20, top=10))


@pytest.mark.parametrize("deviation", [1, 4])
def test_noise_all_over_the_recording_makes_no_difference(deviation: float) -> None:
    clip = phantom_clip(size=(200, 200))["image"]
    noise = torch.randn(clip.shape, generator=torch.Generator().manual_seed(0)) * deviation / 255
    assert_fan(find_sector((clip + noise).clamp(0, 1)), truth_of((200, 200)))


def test_a_fan_whose_sides_the_picture_cuts_is_still_a_fan() -> None:
    clip = phantom_clip(size=(200, 200))["image"]
    assert_fan(find_sector(clip[:, 30:-30]), truth_of((200, 200), left=-30))


def test_a_picture_from_within_the_sector_is_a_rectangle() -> None:
    clip = phantom_clip(size=(200, 200))["image"]
    assert find_sector(clip[:, 70:130, 80:160]) == Rectangle((-0.5, -0.5), (59.5, 79.5))


@pytest.mark.parametrize("scale", [255, 4095])
def test_the_range_of_values_makes_no_difference(scale: int) -> None:
    image = phantom_clip()["image"]
    fan = find_sector(image)
    assert isinstance(fan, Fan)
    assert_fan(find_sector((image * scale).round().to(torch.int16)), fan, px=0.5, angle=0.5)


def test_a_curved_array_has_its_apex_above_the_picture() -> None:
    truth = Fan(apex=(80.0, -60.0), radii=(70.0, 170.0), angles=(-25.0, 25.0))
    x, y = torch.meshgrid(torch.arange(160.0), torch.arange(130.0), indexing="ij")
    beam, depth = truth.beams(x, y)
    inside = (beam > 0) & (beam < 1) & (depth > 0) & (depth < 1)
    noise = torch.rand(1, 160, 130, 6, generator=torch.Generator().manual_seed(0))
    assert_fan(find_sector(noise * inside[None, ..., None]), truth, px=3)


def test_a_linear_array_is_a_rectangle() -> None:
    clip = torch.zeros(1, 120, 100, 6)
    clip[:, 15:105, 20:80] = torch.rand(1, 90, 60, 6, generator=torch.Generator().manual_seed(0))
    assert find_sector(clip) == Rectangle((14.5, 19.5), (104.5, 79.5))


def test_a_real_recordings_sector_is_where_a_person_sees_it() -> None:
    """The tip of its fan is at (169, 7); it ends at y = 201 in the middle, with corners at (38, 149) and (300, 149)."""
    cine = LoadImage(reader=VideoReader(), ensure_channel_first=True)(get_path("ybr_color"))
    fan = find_sector(cine)
    assert isinstance(fan, Fan)
    assert fan.apex == pytest.approx((169, 7), abs=2)
    x, y = fan.places(torch.tensor([0.0, 0.5, 1.0]), torch.ones(3))
    assert y[1].item() == pytest.approx(201, abs=2)
    assert (x[0].item(), y[0].item(), x[2].item(), y[2].item()) == pytest.approx((38, 149, 300, 149), abs=3)


def test_without_echo_there_is_no_sector() -> None:
    with pytest.raises(UsageError, match=r"no echo was found in a clip of shape \(1, 64, 64, 4\)"):
        find_sector(torch.zeros(1, 64, 64, 4))
