# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor

from monai_i2v.errors import UsageError
from monai_i2v.transforms.unit_frames import on_unit_frames, unit_frames, white_level


@pytest.mark.parametrize(
    ("values", "white"),
    [
        (torch.tensor([0.0, 0.4]), 1.0),
        (torch.tensor([0.0, 1.02]), 1.02),
        (torch.tensor([0.0, 90.0]), 255.0),
        (torch.tensor([0, 1], dtype=torch.uint8), 255.0),
        (torch.tensor([0, 1023], dtype=torch.int16), 1023.0),
        (torch.tensor([0, 65535], dtype=torch.uint16), 65535.0),
        (torch.tensor([0, 0], dtype=torch.int16), 1.0),
    ],
)
def test_white_follows_from_type_and_largest_value(values: torch.Tensor, white: float) -> None:
    assert white_level(values) == pytest.approx(white)


def test_frame_t_of_channel_c_is_where_it_should_be() -> None:
    clip = torch.rand(3, 5, 4, 2)
    assert torch.equal(unit_frames(clip)[1, 2], clip[2, ..., 1])
    assert torch.equal(unit_frames(clip[..., 0])[0], clip[..., 0])


@pytest.mark.parametrize("shape", [(3, 5, 4), (3, 5, 4, 2)])
def test_type_and_metadata_stay_and_values_are_clamped(shape: tuple[int, ...]) -> None:
    affine = torch.diag(torch.tensor([0.5, 0.6, 0.04, 1.0], dtype=torch.float64))
    clip = MetaTensor(torch.full(shape, 200, dtype=torch.uint8), affine=affine, meta={"name": "a"})
    brighter = on_unit_frames(clip, lambda frames: frames * 2)
    assert (brighter.dtype, brighter.unique().tolist(), brighter.shape) == (torch.uint8, [255], shape)
    assert torch.equal(brighter.affine, affine)
    assert on_unit_frames(clip.half(), lambda frames: frames / 2).unique().tolist() == [100]
    assert clip.unique().tolist() == [200]


@pytest.mark.parametrize("value", [-1.5, float("nan")])
def test_what_is_no_intensity_is_refused(value: float) -> None:
    with pytest.raises(UsageError, match=r"the darkest value is (-1\.5|nan), expected intensities from 0"):
        unit_frames(torch.full((1, 4, 4), value))


def test_other_axes_are_refused() -> None:
    with pytest.raises(UsageError, match=r"clip must be \(C, X, Y, T\) or \(C, X, Y\), got \(4, 4\)"):
        unit_frames(torch.rand(4, 4))
