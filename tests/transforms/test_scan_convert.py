# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Compose, Invertd
from phantoms import AFFINE, phantom_clip
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.transforms import (
    Fan,
    InverseScanConvert,
    InverseScanConvertd,
    Rectangle,
    ScanConvert,
    ScanConvertd,
    find_sector,
)
from monai_i2v.transforms.sector import sector_mask

FAN = Fan(apex=(63.5, 2.0), radii=(10.0, 90.0), angles=(-40.0, 40.0))
KEYS = ("image", "label")


def smooth_clip() -> MetaTensor:
    """A clip (1, X, Y, T) without detail."""
    x, y = torch.meshgrid(torch.linspace(0, 3, 128), torch.linspace(0, 2, 96), indexing="ij")
    picture = 0.5 + 0.25 * x.sin() + 0.2 * (2 * y).cos()
    return MetaTensor(picture[None, ..., None] * torch.tensor([1.0, 0.8, 0.6]), affine=AFFINE)


def test_a_ring_around_the_apex_becomes_a_row_and_a_ray_a_column() -> None:
    x, y = torch.meshgrid(torch.arange(128.0), torch.arange(96.0), indexing="ij")
    beam, depth = FAN.beams(x, y)
    ring, ray = ((depth - 0.75).abs() < 0.02), ((beam - 0.25).abs() < 0.02)
    beams = InverseScanConvert(FAN, spatial_size=(100, 80))(torch.stack([ring, ray]).float())
    assert beams[0].mean(dim=0).argmax() in (59, 60)
    assert (beams[0, :, :55].max(), beams[0, :, 65:].max()) == (0, 0)
    assert beams[1].mean(dim=1).argmax() in (24, 25)
    assert (beams[1, :20, 20:].max(), beams[1, 30:, 20:].max()) == (0, 0)  # deep enough to be wider than a pixel


def test_beams_have_degrees_and_mm_from_the_apex_as_affine_and_time_stays() -> None:
    beams = InverseScanConvert(FAN, spatial_size=(80, 40))(smooth_clip())
    assert beams.shape == (1, 80, 40, 3)
    assert beams.pixdim.tolist() == pytest.approx([1.0, 1.0, 0.04])  # 80 degrees; 80 px of 0.5 mm
    first = beams.affine @ torch.tensor([0.0, 0, 0, 1], dtype=torch.float64)
    assert first[:3].tolist() == pytest.approx([-39.5, 5.5, 1.0])  # the center of the first cell


def test_there_and_back_restores_shape_affine_and_what_is_in_the_sector() -> None:
    clip = smooth_clip()
    convert = InverseScanConvert(FAN)
    back = convert.inverse(convert(clip))
    mask = sector_mask(FAN, clip.shape[1:3])
    assert back.shape == clip.shape
    assert torch.equal(back.affine, clip.affine)
    assert (back - clip)[:, mask].abs().max() < 0.01
    assert (back[:, ~mask] == 0).all()
    assert back.applied_operations == []


def test_scan_conversion_is_inverted_too() -> None:
    beams = InverseScanConvert(FAN)(smooth_clip())
    beams.applied_operations.clear()
    convert = ScanConvert(FAN, spatial_size=(128, 96))
    picture = convert(beams)
    assert picture.shape == (1, 128, 96, 3)
    assert picture.pixdim.tolist() == pytest.approx([0.5, 0.5, 0.04])
    back = convert.inverse(picture)
    assert torch.equal(back.affine, beams.affine)
    assert (back - beams)[:, 10:-10, 20:-2].abs().max() < 0.01  # not where 0 from outside is interpolated


def test_a_rectangle_is_a_crop() -> None:
    clip = torch.rand(2, 40, 30, 4)
    beams = InverseScanConvert(Rectangle((9.5, 4.5), (29.5, 24.5)))(clip)
    torch.testing.assert_close(beams.as_tensor(), clip[:, 10:30, 5:25])


def test_the_sector_of_the_image_counts_for_its_label_which_keeps_its_values() -> None:
    data = phantom_clip()
    data["label"] = MetaTensor(7 * data["label"].as_tensor(), affine=AFFINE)
    converted = InverseScanConvertd(KEYS, mode=("bilinear", "nearest"))(data)
    assert converted["image"].shape[1:] == converted["label"].shape[1:]
    assert converted["label"].unique().tolist() == [0, 7, 14]
    assert converted["label"].dtype == torch.uint8
    one_by_one = InverseScanConvert(find_sector(data["image"]), mode="nearest")(data["label"])
    assert torch.equal(one_by_one.as_tensor(), converted["label"].as_tensor())
    dark, bright = (converted["image"][0, ..., 0][converted["label"][0, ..., 0] == value].mean() for value in (7, 0))
    assert dark < 0.7 * bright  # the chamber is under its mask


def test_a_prediction_of_a_batch_is_inverted() -> None:
    pipeline = Compose([InverseScanConvertd(KEYS, spatial_size=(64, 64), mode=("bilinear", "nearest"))])
    batch = next(iter(DataLoader(Dataset([phantom_clip(), phantom_clip(seed=1)], pipeline), batch_size=2)))
    batch["pred"] = batch["label"].clone()
    invert = Invertd("pred", pipeline, orig_keys="image", nearest_interp=True)
    for seed, item in enumerate(decollate_batch(batch)):
        back, truth = invert(item)["pred"], phantom_clip(seed=seed)["label"]
        assert back.shape == truth.shape
        assert torch.equal(back.affine, truth.affine)
        assert (back.as_tensor() == truth.as_tensor()).float().mean() > 0.97
        assert set(back.unique().tolist()) <= {0, 1, 2}


def test_dictionary_form_of_the_conversion_to_a_picture_is_inverted() -> None:
    data = {"image": torch.rand(1, 20, 30, 2)}
    convert = ScanConvertd("image", Rectangle((9.5, -0.5), (29.5, 29.5)), (40, 30))
    picture = convert(data)
    torch.testing.assert_close(picture["image"][:, 10:30].as_tensor(), data["image"])
    assert picture["image"][:, :10].max() == 0
    torch.testing.assert_close(convert.inverse(picture)["image"].as_tensor(), data["image"])


def test_whole_numbers_stay_whole() -> None:
    clip = torch.randint(0, 255, (1, 128, 96), dtype=torch.uint8)
    assert InverseScanConvert(FAN)(clip).dtype == torch.uint8


def test_pixels_that_are_no_squares_are_refused_for_a_fan() -> None:
    affine: Tensor = torch.diag(torch.tensor([0.5, 0.7, 1.0, 1.0], dtype=torch.float64))
    with pytest.raises(UsageError, match=r"pixels are 0\.5 x 0\.7, expected squares, .* resample with Spacingd before"):
        InverseScanConvert(FAN)(MetaTensor(torch.rand(1, 128, 96, 2), affine=affine))
    InverseScanConvert(Rectangle((0, 0), (50, 50)))(MetaTensor(torch.rand(1, 128, 96, 2), affine=affine))
