# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from monai_i2v.errors import UsageError
from monai_i2v.transforms import RandColorCast, RandColorCastd


def test_channels_get_one_factor_each_with_a_mean_of_one() -> None:
    clip = 0.5 * torch.rand(3, 20, 10, 4, generator=torch.Generator().manual_seed(0)) + 0.1
    cast = RandColorCast(strength=0.3, prob=1).set_random_state(0)
    for _ in range(20):
        ratio = cast(clip) / clip
        assert ratio.flatten(1).std(dim=1).max() < 1e-5
        assert ratio.mean().item() == pytest.approx(1, abs=1e-4)
        factors = ratio[:, 0, 0, 0]
        assert 1 < factors.max() / factors.min() < 2.718**0.6


def test_bright_pixels_are_clamped_and_whole_numbers_stay() -> None:
    cast = RandColorCast(prob=1).set_random_state(0)(torch.full((3, 4, 4), 250, dtype=torch.uint8))
    assert (cast.dtype, cast.max()) == (torch.uint8, 255)


def test_dictionary_form_repeats_by_seed_and_leaves_labels() -> None:
    data = {"image": torch.rand(3, 8, 8), "label": torch.ones(1, 8, 8)}
    first, again = (RandColorCastd("image", prob=1.0).set_random_state(7)(data) for _ in range(2))
    assert torch.equal(first["image"], again["image"])
    assert first["label"] is data["label"]
    assert torch.equal(RandColorCast(prob=0)(data["image"]), data["image"])


def test_gray_pictures_are_refused() -> None:
    with pytest.raises(UsageError, match="the clip has 1 channels, expected red, green and blue"):
        RandColorCast(prob=1)(torch.rand(1, 4, 4))
