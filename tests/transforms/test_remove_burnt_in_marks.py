# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor
from phantoms import phantom_clip

from monai_i2v.transforms import RemoveBurntInMarks, RemoveBurntInMarksd


def marked(clip: MetaTensor) -> tuple[MetaTensor, torch.Tensor]:
    """The clip (3, X, Y, T) with a white caliper, a yellow letter, a green line that moves; where these are."""
    clip, where = clip.clone(), torch.zeros(*clip.shape[1:], dtype=torch.bool)
    where[60:69, 50] = where[64, 46:55] = True
    where[50:52, 62:74] = True
    for t in range(clip.shape[-1]):
        where[10 + 3 * t : 40 + 3 * t, 80, t] = True
    clip[:, 60:69, 50] = clip[:, 64, 46:55] = 1.0
    clip[:, 50:52, 62:74] = torch.tensor([1.0, 0.9, 0.2]).view(3, 1, 1, 1)
    for t in range(clip.shape[-1]):
        clip[:, 10 + 3 * t : 40 + 3 * t, 80, t] = torch.tensor([0.1, 0.9, 0.3]).view(3, 1)
    return clip, where


def test_marks_are_found_and_what_is_behind_comes_near() -> None:
    clean = phantom_clip()["image"]
    clip, where = marked(clean)
    result, mask = RemoveBurntInMarks().find_and_fill(clip)
    assert mask.shape == (1, *clip.shape[1:])
    assert mask[0][where].all()
    assert mask.float().mean() < 0.08
    before, after = ((one - clean)[:, where].abs().mean() for one in (clip, result))
    assert after < 0.2 * before
    assert torch.equal(result[~mask.expand_as(clip)], clip[~mask.expand_as(clip)])
    assert torch.equal(result.affine, clip.affine)


def test_a_thick_box_a_moving_dot_and_a_faint_line_stay() -> None:
    clip = torch.zeros(1, 60, 60, 6)
    clip[:, 5:20, 5:20] = 1.0
    for t in range(6):
        clip[:, 30 + 4 * t : 33 + 4 * t, 30:33, t] = 1.0
    clip[:, 10:50, 50] = 0.3
    assert torch.equal(RemoveBurntInMarks()(clip).as_tensor(), clip)


def test_colors_of_flow_stay_when_color_is_off() -> None:
    clip = torch.zeros(3, 60, 60, 4)
    clip[0, 20:23, 20:40] = torch.tensor([0.9, 0.3, 0.7, 0.4])
    assert torch.equal(RemoveBurntInMarks(color=False)(clip).as_tensor(), clip)
    assert RemoveBurntInMarks()(clip).max() < 0.01


@pytest.mark.parametrize("scale", [1, 255])
def test_a_still_keeps_its_range_and_type(scale: int) -> None:
    still = torch.zeros(1, 50, 50)
    still[:, 10:40, 20] = 0.8
    data = (scale * still).to(torch.float32 if scale == 1 else torch.uint8)
    result = RemoveBurntInMarks()(data)
    assert (result.dtype, result.max()) == (data.dtype, 0)


def test_thickness_is_that_of_the_thickest_stroke() -> None:
    for width in (4, 5):
        clip = torch.zeros(1, 60, 60, 3)
        clip[:, 10:50, 20 : 20 + width] = 0.9
        assert bool(RemoveBurntInMarks(thickness=4)(clip).max() == 0) == (width == 4)


def test_dictionary_form_gives_the_mask_by_the_images_name() -> None:
    clip, _ = marked(phantom_clip()["image"])
    data = RemoveBurntInMarksd("image", mask_key="{}_marks")({"image": clip, "label": clip})
    result, mask = RemoveBurntInMarks().find_and_fill(clip)
    assert torch.equal(data["image"].as_tensor(), result.as_tensor())
    assert torch.equal(data["image_marks"].as_tensor(), mask.as_tensor())
    assert data["label"] is clip
    assert sorted(RemoveBurntInMarksd("image")({"image": clip})) == ["image"]
