# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor
from phantoms import AFFINE

from monai_i2v.errors import UsageError
from monai_i2v.transforms import Deinterlace, Deinterlaced


@pytest.mark.parametrize("rows", [8, 9])
@pytest.mark.parametrize(("field", "first"), [("top", 0), ("bottom", 1)])
def test_one_field_is_kept_and_the_other_interpolated(field: str, first: int, rows: int) -> None:
    clip = torch.rand(3, 5, rows, 2, generator=torch.Generator().manual_seed(0))
    result = Deinterlace(field)(clip)
    assert torch.equal(result[:, :, first::2].as_tensor(), clip[:, :, first::2])
    for row in range(1 - first, rows, 2):
        near = [clip[:, :, other] for other in (row - 1, row + 1) if 0 <= other < rows]
        torch.testing.assert_close(result[:, :, row].as_tensor(), sum(near) / len(near))


def test_combs_of_a_moving_edge_go_away() -> None:
    x = torch.arange(20.0).view(1, 20, 1, 1)
    early, late = ((x < edge).float().expand(1, 20, 16, 1) for edge in (8, 12))
    woven = early.clone()
    woven[:, :, 1::2] = late[:, :, 1::2]
    assert torch.equal(Deinterlace()(woven).as_tensor(), early)
    assert torch.equal(Deinterlace("bottom")(woven).as_tensor(), late)


def test_type_affine_and_the_input_stay() -> None:
    clip = MetaTensor(torch.tensor([[[10, 0, 13, 0]]], dtype=torch.uint8).unsqueeze(-1), affine=AFFINE)
    result = Deinterlaced("image")({"image": clip, "label": clip})
    assert result["image"].flatten().tolist() == [10, 12, 13, 13]
    assert torch.equal(result["image"].affine, AFFINE)
    assert result["label"].flatten().tolist() == [10, 0, 13, 0]


def test_errors_tell_what_to_do() -> None:
    with pytest.raises(UsageError, match="field must be one of top, bottom, got 'odd'; choose one of these"):
        Deinterlace("odd")
    with pytest.raises(UsageError, match=r"with 2 rows or more, got \(1, 4, 1\)"):
        Deinterlace()(torch.rand(1, 4, 1))
