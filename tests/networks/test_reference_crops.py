# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.networks.reference_crops import crops_that_cover


@pytest.mark.parametrize(("zoom", "parts"), [(1.5, 4), (2, 4), (2.2, 9)])
def test_enlarged_parts_cover_the_picture_and_nothing_twice_more_than_needed(zoom, parts):
    rows, columns = torch.meshgrid(torch.arange(60.0), torch.arange(90.0), indexing="ij")
    found = list(crops_that_cover(torch.stack([rows, columns])[None], zoom))
    assert len(found) == parts
    assert all(part.shape == (1, 2, 60, 90) for part in found)
    seen = torch.zeros(60, 90)
    for part in found:
        low, high = (part[0].flatten(1).amin(1).round().long(), part[0].flatten(1).amax(1).round().long())
        assert (high - low + 1).tolist() == [round(60 / zoom), round(90 / zoom)]
        seen[low[0] : high[0] + 1, low[1] : high[1] + 1] += 1
    assert seen.min() == 1
