# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
import torch.nn.functional as F
from monai.data import MetaTensor

from monai_i2v.transforms import Regions, Regionsd


def boxes():
    """A wide, a tall and a small box, of 256, 360 and 36 px, on a background (1, 64, 48)."""
    image = torch.zeros(1, 64, 48)
    image[:, 4:20, 4:20] = 1
    image[:, 30:60, 8:20] = 1
    image[:, 40:46, 36:42] = 1
    return image


def texture():
    """Smooth noise (3, 96, 64): hundreds of regions."""
    noise = torch.rand(3, 96, 64, generator=torch.Generator().manual_seed(0))
    return F.avg_pool2d(noise, 5, stride=1, padding=2)


def sizes(regions):
    """Pixels of region 1, 2, ..."""
    return regions.long().flatten().bincount()[1:].tolist()


def test_boxes_are_found_where_they_are_and_numbered_from_the_largest():
    regions = Regions(sigma=1)(boxes())
    assert (regions[0, 45, 14], regions[0, 12, 12], regions[0, 43, 39], regions[0, 25, 30]) == (1, 2, 3, 0)
    for number, true_size in ((1, 360), (2, 256), (3, 36)):
        assert sizes(regions)[number - 1] == pytest.approx(true_size, rel=0.15)


@pytest.mark.parametrize(
    ("limits", "least", "most"),
    [({"min_share": 0.02}, 0.02 * 6144, 0.4 * 6144), ({"min_share": 0.005, "max_share": 0.02}, 31, 0.02 * 6144)],
)
def test_regions_are_neither_tiny_nor_most_of_the_image(limits, least, most):
    texture_sizes = sizes(Regions(sigma=1.5, level=0.05, **limits)(texture()))
    assert len(texture_sizes) >= 3
    assert least <= min(texture_sizes)
    assert max(texture_sizes) <= most


def test_the_largest_are_kept_when_there_are_too_many():
    every, three = (Regions(sigma=1.5, level=0.05, max_regions=count)(texture()) for count in (100, 3))
    assert sizes(every) == sorted(sizes(every), reverse=True)
    assert len(sizes(every)) > 30
    assert sizes(three) == sizes(every)[:3]
    assert torch.equal(three, torch.where(every <= 3, every, 0))


def test_an_image_without_edges_has_no_regions():
    assert not Regions()(torch.full((3, 32, 32), 0.5)).any()


def test_the_same_image_has_the_same_regions():
    assert torch.equal(Regions()(texture()), Regions()(texture().clone()))


def test_regions_lie_where_the_image_lies():
    affine = torch.diag(torch.tensor([0.5, 0.6, 1.0, 1.0], dtype=torch.float64))
    regions = Regions(sigma=1)(MetaTensor(boxes(), affine=affine))
    assert torch.equal(regions.affine, affine)


def test_dictionary_form_adds_an_entry_and_keeps_the_others():
    data = {"image": boxes(), "label": torch.ones(1)}
    result = Regionsd("image", name="parts_of_{}", sigma=1)(data)
    assert set(data) == {"image", "label"}
    assert set(result) == {"image", "label", "parts_of_image"}
    assert torch.equal(result["parts_of_image"], Regions(sigma=1)(boxes()))
    assert torch.equal(result["image"], boxes())


def test_a_clip_gets_no_regions():
    clip = boxes().unsqueeze(-1).expand(-1, -1, -1, 3)
    assert set(Regionsd("image")({"image": clip})) == {"image"}
