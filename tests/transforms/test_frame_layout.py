# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor

from monai_i2v.transforms.frame_layout import FromFrames, FromFramesd, ToFrames, ToFramesd


def test_asymmetric_picture_lands_where_it_should() -> None:
    clip = torch.zeros(3, 6, 4, 2)  # C, X = 6 columns, Y = 4 rows, T
    clip[1, 5, 0, 1] = 1  # green, rightmost column, top row, second frame
    frames = ToFrames()(clip)
    assert frames.shape == (2, 3, 4, 6)
    assert frames.nonzero().tolist() == [[1, 1, 0, 5]]  # second frame, green, top row, rightmost column


def test_still_lands_where_it_should() -> None:
    still = torch.zeros(3, 6, 4)
    still[2, 5, 1] = 1
    assert ToFrames()(still).nonzero().tolist() == [[2, 1, 5]]
    assert torch.equal(FromFrames()(ToFrames()(still)), still)


def test_back_and_forth_is_exact_with_affine() -> None:
    affine = torch.diag(torch.tensor([0.5, 0.6, 0.04, 1.0], dtype=torch.float64))
    clip = MetaTensor(torch.rand(3, 6, 4, 2), affine=affine)
    back = FromFrames()(ToFrames()(clip))
    assert torch.equal(back, clip)
    assert torch.equal(back.affine, affine)
    assert back.spatial_ndim == 3


def test_dictionary_form_is_inverted_for_a_prediction() -> None:
    layout = ToFramesd(keys=["image"])
    clip = torch.rand(3, 6, 4, 2)
    data = layout({"image": clip, "name": "a"})
    assert torch.equal(layout.inverse(data)["image"], clip)
    prediction = FromFramesd(keys="pred")({"pred": torch.rand(2, 1, 4, 6)})
    assert prediction["pred"].shape == (1, 6, 4, 2)
    assert FromFramesd(keys="pred").inverse is not None


def test_from_frames_is_inverted() -> None:
    layout = FromFrames()
    frames = torch.rand(2, 1, 4, 6)
    assert torch.equal(layout.inverse(layout(frames)), frames)


def test_error_names_the_expected_axes() -> None:
    with pytest.raises(ValueError, match=r"data must be \(C, X, Y, T\) or \(C, X, Y\), got \(4, 6\)"):
        ToFrames()(torch.rand(4, 6))
    with pytest.raises(ValueError, match=r"data must be \(T, C, H, W\) or \(C, H, W\), got \(1, 2, 1, 4, 6\)"):
        FromFrames()(torch.rand(1, 2, 1, 4, 6))
