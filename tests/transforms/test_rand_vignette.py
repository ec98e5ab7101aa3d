# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from monai_i2v.transforms import RandVignette, RandVignetted


def test_light_falls_with_the_square_of_the_distance() -> None:
    picture = RandVignette((0.6, 0.6), shift=0.0, prob=1)(torch.ones(1, 121, 91))[0]
    assert picture[60, 45] == pytest.approx(1)
    half_diagonal = (121**2 + 91**2) / 4
    assert picture[10, 45] == pytest.approx(1 - 0.6 * 50**2 / half_diagonal, abs=1e-3)
    assert picture[60, 85] == pytest.approx(1 - 0.6 * 40**2 / half_diagonal, abs=1e-3)


def test_the_brightest_place_is_off_the_middle_by_no_more_than_asked() -> None:
    vignette = RandVignette(shift=0.1, prob=1).set_random_state(0)
    places = []
    for _ in range(50):
        picture = vignette(torch.ones(1, 100, 60))[0]
        places.append((picture == picture.max()).nonzero()[0].tolist())
    x, y = torch.tensor(places).T
    assert (x.min() >= 39, x.max() <= 60, y.min() >= 23, y.max() <= 36) == (True, True, True, True)
    assert x.float().std() > 3


def test_frames_share_it_and_keep_type_and_range() -> None:
    clip = torch.full((3, 40, 30, 4), 200, dtype=torch.uint8)
    dark = RandVignette(prob=1).set_random_state(0)(clip)
    assert (dark.dtype, torch.equal(dark[..., 0], dark[..., 3])) == (torch.uint8, True)
    assert 60 < dark.min() < dark.max() <= 200


def test_dictionary_form_repeats_by_seed() -> None:
    data = {"image": torch.ones(3, 20, 20), "label": torch.ones(1, 20, 20)}
    first, again = (RandVignetted("image", prob=1.0).set_random_state(7)(data) for _ in range(2))
    assert torch.equal(first["image"], again["image"])
    assert first["label"] is data["label"]
    assert torch.equal(RandVignetted("image", prob=0.0)(data)["image"], data["image"])
