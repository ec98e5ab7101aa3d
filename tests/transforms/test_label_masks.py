# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from monai_i2v.transforms.label_masks import labels_to_masks, masks_to_labels, occurring_labels


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.uint16, torch.int64, torch.float32])
def test_each_object_gets_its_mask(dtype: torch.dtype) -> None:
    label_map = torch.tensor([[0, 7, 2], [7, 7, 0]]).to(dtype)
    masks = labels_to_masks(label_map, [2, 5, 7])
    assert masks.tolist() == [[[0, 0, 1], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]], [[0, 1, 0], [1, 1, 0]]]
    assert masks.dtype == torch.float32


def test_leading_axes_are_kept() -> None:
    label_map = torch.randint(0, 3, (4, 5, 8, 6), generator=torch.Generator().manual_seed(0))
    masks = labels_to_masks(label_map)
    assert masks.shape == (4, 5, 2, 8, 6)
    assert torch.equal(masks[1, 2, 1], (label_map[1, 2] == 2).float())


def test_label_values_survive_the_way_there_and_back() -> None:
    label_map = torch.tensor([[[0, 1, 2], [7, 70000, 0]]])
    labels = occurring_labels(label_map)
    assert labels == [1, 2, 7, 70000]
    back = masks_to_labels(labels_to_masks(label_map, labels), labels)
    assert torch.equal(back, label_map.int())
    assert back.dtype == torch.int32


def test_most_probable_of_background_and_objects_wins() -> None:
    prob = torch.tensor([[0.5, 0.51, 0.3, 0.4, 0.2], [0.0, 0.0, 0.3, 0.35, 0.1]])  # (K, 5 pixels)
    # backgrounds 0.5 (a tie), 0.49, 0.4, 0.25 and 0.7
    assert masks_to_labels(prob.unsqueeze(1), [3, 9]).tolist() == [[0, 3, 0, 3, 0]]


def test_video_without_objects_is_background() -> None:
    assert labels_to_masks(torch.zeros(4, 5)).shape == (0, 4, 5)
    assert masks_to_labels(torch.zeros(0, 4, 5), []).sum() == 0


def test_errors_tell_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"fractions such as 0\.5, .* resample label maps with mode 'nearest'"):
        labels_to_masks(torch.tensor([[0.0, 0.5]]))
    for labels in ([1, 1], [0, 1], [-3], [2**31]):
        with pytest.raises(ValueError, match="labels must be distinct whole numbers from 1 to 2147483647"):
            labels_to_masks(torch.zeros(2, 2), labels)
    with pytest.raises(ValueError, match="prob has 2 channels, but 1 labels were given"):
        masks_to_labels(torch.zeros(2, 4, 4), [1])
