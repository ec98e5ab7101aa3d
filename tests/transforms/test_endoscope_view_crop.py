# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from phantoms import framed, phantom_clip

from monai_i2v.errors import UsageError
from monai_i2v.phantoms.endoscope import rim
from monai_i2v.transforms import EndoscopeViewCrop, find_endoscope_view


def assert_disc(view: torch.Tensor, center: tuple[float, float], radius: float) -> None:
    """That a mask (X, Y) is a disc, within a pixel."""
    x, y = torch.meshgrid(*(torch.arange(float(length)) for length in view.shape), indexing="ij")
    distance = torch.hypot(x - center[0], y - center[1])
    assert view[distance < radius - 1].all()
    assert not view[distance > radius + 1].any()


@pytest.mark.parametrize("size", [(96, 128), (128, 80)])
def test_the_phantoms_view_is_found_within_a_pixel(size: tuple[int, int]) -> None:
    view = find_endoscope_view(phantom_clip("endoscope", size)["image"])
    assert_disc(view, (size[1] / 2 - 0.5, size[0] / 2 - 0.5), rim(size) * size[0])


def test_letters_beside_it_are_left_out() -> None:
    clip = framed(phantom_clip("endoscope", (128, 128))["image"])
    assert_disc(find_endoscope_view(clip), (63.5 + 20, 63.5 + 10), 0.487 * 128)
    assert EndoscopeViewCrop()(clip).shape[1:3] == pytest.approx((125, 125), abs=1)


def test_an_octagon_is_found() -> None:
    x, y = torch.meshgrid(torch.arange(100.0), torch.arange(80.0), indexing="ij")
    off = torch.stack([(x - 50).abs() / 35, (y - 40).abs() / 30, ((x - 50).abs() + (y - 40).abs()) / 50])
    octagon = off.amax(dim=0) <= 1
    view = find_endoscope_view(0.5 * octagon[None])
    assert (view != octagon).sum() < 30  # px, at its eight corners


def test_a_view_that_fills_the_picture_stays() -> None:
    assert find_endoscope_view(torch.full((3, 60, 50, 2), 0.4)).all()


def test_a_black_picture_is_refused() -> None:
    with pytest.raises(UsageError, match=r"nothing is lit in a clip of shape \(3, 60, 50\)"):
        find_endoscope_view(torch.full((3, 60, 50), 0.02))
