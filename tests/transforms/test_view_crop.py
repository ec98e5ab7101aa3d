# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Flipd, Invertd
from phantoms import AFFINE, phantom_clip

from monai_i2v.transforms import (
    EndoscopeViewCrop,
    EndoscopeViewCropd,
    UltrasoundSectorCrop,
    UltrasoundSectorCropd,
    find_sector,
)
from monai_i2v.transforms.sector import sector_mask
from monai_i2v.transforms.view_crop import ViewCrop, ViewCropd

KEYS = ("image", "label")


def wide_clip() -> dict[str, MetaTensor]:
    """A phantom on a screen that is 40 px wider on the left and 10 px on the right."""
    return {
        key: MetaTensor(torch.nn.functional.pad(clip.as_tensor(), (0, 0, 0, 0, 40, 10)), affine=AFFINE)
        for key, clip in phantom_clip().items()
    }


def place_of(clip: MetaTensor) -> torch.Tensor:
    """Where in the world the brightest pixel is."""
    index = (clip[0] == clip[0].max()).nonzero()[0]
    return clip.affine @ torch.tensor([*index.tolist(), 1.0], dtype=torch.float64)


@pytest.mark.parametrize("crop", [UltrasoundSectorCrop(), UltrasoundSectorCrop(margin=3)])
def test_a_marked_pixel_stays_where_it_is_in_the_world(crop: UltrasoundSectorCrop) -> None:
    clip = wide_clip()["image"]
    clip[:, 100, 50, 3] = 1.1
    assert torch.equal(place_of(crop(clip)), place_of(clip))
    assert crop(clip).shape[1] < clip.shape[1] - 30


def test_the_inverse_restores_shape_affine_and_content() -> None:
    clip = wide_clip()["image"]
    crop = UltrasoundSectorCrop()
    back = crop.inverse(crop(clip))
    assert back.shape == clip.shape
    assert torch.equal(back.affine, clip.affine)
    assert torch.equal(back.as_tensor(), clip.as_tensor())  # there is nothing around the sector
    assert back.applied_operations == []


def test_margin_ends_at_the_border_of_the_picture() -> None:
    clip = wide_clip()["image"]
    tight, wide = UltrasoundSectorCrop()(clip), UltrasoundSectorCrop(margin=5)(clip)
    assert wide.shape[1] == tight.shape[1] + 10
    assert wide.shape[2] == 96


def test_label_and_image_are_cropped_alike_and_the_view_comes_along() -> None:
    data = wide_clip()
    cropped = UltrasoundSectorCropd(KEYS, mask_key="sector")(data)
    assert cropped["sector"].shape == cropped["label"].shape == (1, *cropped["image"].shape[1:])
    assert torch.equal(cropped["sector"].affine, cropped["image"].affine)
    assert cropped["label"].sum() == data["label"].sum()
    assert (cropped["image"][:, ~cropped["sector"][0]] > 0.1).float().mean() < 0.01  # at most the very border
    mask = sector_mask(find_sector(cropped["image"]), cropped["image"].shape[1:3])
    assert (mask != cropped["sector"][0, ..., 0]).float().mean() < 0.02


def test_the_mask_of_one_frame_goes_with_a_clip() -> None:
    data = wide_clip()
    data["label"] = data["label"][..., 0]
    crop = UltrasoundSectorCropd(KEYS)
    cropped = crop(data)
    assert cropped["label"].shape == (1, *cropped["image"].shape[1:3])
    assert torch.equal(crop.inverse(cropped)["label"].as_tensor(), data["label"].as_tensor())


def test_a_lazy_pipeline_does_the_same() -> None:
    data = wide_clip()
    pipeline = Compose([Flipd(KEYS, spatial_axis=0), UltrasoundSectorCropd(KEYS), Flipd(KEYS, spatial_axis=1)])
    eager, lazy = pipeline(data), pipeline(data, lazy=True)
    assert torch.allclose(eager["image"].as_tensor(), lazy["image"].as_tensor(), atol=1e-5)
    assert torch.allclose(eager["image"].affine, lazy["image"].affine)


def test_a_prediction_is_inverted_in_a_pipeline() -> None:
    data = wide_clip()
    pipeline = Compose([Flipd(KEYS, spatial_axis=0), UltrasoundSectorCropd(KEYS)])
    cropped = pipeline(data)
    cropped["pred"] = MetaTensor(cropped["label"].as_tensor().clone())
    back = Invertd("pred", pipeline, orig_keys="label", nearest_interp=True)(cropped)["pred"]
    assert torch.equal(back.as_tensor(), data["label"].as_tensor())
    assert torch.allclose(back.affine, AFFINE)


def test_a_plain_still_is_cropped() -> None:
    still = wide_clip()["image"][..., 0].as_tensor()
    assert UltrasoundSectorCrop()(still).shape[2] == UltrasoundSectorCrop()(still[:1]).shape[2]


def test_all_keys_are_cropped_to_the_view_of_the_first() -> None:
    view = torch.zeros(9, 9, dtype=torch.bool)
    view[3:5, 2:8] = True
    crop = ViewCropd(("a", "b"), ViewCrop(lambda clip: view if clip.max() > 0 else ~view))
    cropped = crop({"a": torch.ones(1, 9, 9), "b": torch.zeros(1, 9, 9), "c": torch.zeros(1, 9, 9)})
    assert [tuple(cropped[key].shape) for key in "abc"] == [(1, 2, 6), (1, 2, 6), (1, 9, 9)]


def test_a_missing_label_may_be_allowed() -> None:
    image = {"image": wide_clip()["image"]}
    with pytest.raises(KeyError):
        UltrasoundSectorCropd(KEYS)(image)
    assert UltrasoundSectorCropd(KEYS, allow_missing_keys=True)(image)["image"].shape[1] < 178


def test_the_endoscopes_crop_does_the_same() -> None:
    data = phantom_clip("endoscope")
    crop = EndoscopeViewCropd(KEYS, mask_key="view")
    cropped = crop(data)
    assert torch.equal(cropped["image"].as_tensor(), EndoscopeViewCrop()(data["image"]).as_tensor())
    assert cropped["view"].shape == cropped["label"].shape
    assert torch.equal(crop.inverse(cropped)["label"].as_tensor(), data["label"].as_tensor())
