# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import torch
from phantoms import phantom_clip

from monai_i2v.transforms import FillSpecularHighlights, FillSpecularHighlightsd

MUCOSA = torch.tensor([0.8, 0.4, 0.35]).view(3, 1, 1, 1)


def test_a_glint_is_filled_with_mucosa_in_the_frame_where_it_is() -> None:
    clean = MUCOSA.repeat(1, 96, 80, 3)
    clip = clean.clone()
    clip[:, 40:46, 30:33, 1] = 0.95
    result, mask = FillSpecularHighlights().find_and_fill(clip)
    torch.testing.assert_close(result.as_tensor(), clean)
    assert mask.any(dim=1).any(dim=1).flatten().tolist() == [False, True, False]


def test_a_white_area_a_red_spot_and_a_faint_one_stay() -> None:
    clip = MUCOSA.repeat(1, 96, 80, 1)
    clip[:, 10:40, 10:40] = 0.9  # a swab
    clip[:, 60:63, 60:63] = torch.tensor([1.0, 0.5, 0.4]).view(3, 1, 1, 1)
    clip[:, 80:83, 20:23] = 0.6
    assert torch.equal(FillSpecularHighlights()(clip).as_tensor(), clip)


def test_the_phantoms_glints_go_and_its_border_stays() -> None:
    clip = phantom_clip("endoscope", (160, 160), length=2)["image"]
    result, mask = FillSpecularHighlights().find_and_fill(clip)
    white, left = (one.amin(dim=0) > 0.7 for one in (clip, result))
    assert white.sum() > 50
    assert left.sum() < 0.02 * white.sum()
    assert (result[:, clip.amax(dim=0) < 0.02] == clip[:, clip.amax(dim=0) < 0.02]).all()
    assert mask.float().mean() < 0.15


def test_lumen_and_border_are_no_source() -> None:
    clip = MUCOSA.repeat(1, 96, 80, 1)
    clip[:, :40] = 0
    clip[:, 40:43, 30:33] = 1.0
    filled = FillSpecularHighlights()(clip)
    torch.testing.assert_close(filled[:, 40:43, 30:33].as_tensor(), MUCOSA.repeat(1, 3, 3, 1))
    assert filled[:, :40].max() == 0


def test_whole_numbers_stay_whole_and_the_dictionary_form_gives_the_mask() -> None:
    still = (255 * MUCOSA[..., 0].repeat(1, 64, 64)).to(torch.uint8)
    still[:, 30:32, 30:32] = 255
    data = FillSpecularHighlightsd("image", mask_key="glints")({"image": still})
    assert data["image"].dtype == torch.uint8
    assert data["image"].unique().tolist() == [89, 102, 204]
    assert data["glints"].shape == (1, 64, 64)
