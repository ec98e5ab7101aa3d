# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import torch
from monai.data import MetaTensor, set_track_meta

from monai_i2v.transforms.keep_meta import with_meta_of


def test_metadata_are_copied_and_axes_counted_anew() -> None:
    source = MetaTensor(torch.zeros(1, 4, 4, 4), meta={"list": [1]}, applied_operations=[{"class": "Flip"}])
    result = with_meta_of(source, torch.ones(2, 4, 4))
    result.meta["list"].append(2)
    result.applied_operations.clear()
    assert source.meta["list"] == [1]
    assert source.applied_operations == [{"class": "Flip"}]
    assert (source.spatial_ndim, result.spatial_ndim) == (3, 2)


def test_plain_source_gives_default_metadata() -> None:
    assert torch.equal(with_meta_of(torch.zeros(1), torch.ones(1, 2, 2)).affine, torch.eye(4, dtype=torch.float64))


def test_tracking_off_gives_the_data_themselves() -> None:
    data = torch.ones(1, 2, 2)
    set_track_meta(False)
    try:
        assert with_meta_of(torch.zeros(1), data) is data
    finally:
        set_track_meta(True)
