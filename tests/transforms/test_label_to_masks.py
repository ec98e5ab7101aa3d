# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor, set_track_meta

from monai_i2v.transforms.label_to_masks import LabelToMasks, LabelToMasksd, MasksToLabel, MasksToLabeld


@pytest.mark.parametrize("shape", [(1, 5, 4), (1, 5, 4, 3)])
def test_masks_remember_labels_and_affine(shape: tuple[int, ...]) -> None:
    affine = torch.diag(torch.tensor([0.5, 0.6, 0.04, 1.0], dtype=torch.float64))
    values = torch.tensor([0.0, 7.0, 70000.0])[torch.arange(5 * 4 * (3 if len(shape) == 4 else 1)) % 3]
    label_map = MetaTensor(values.reshape(shape), affine=affine)
    masks = LabelToMasks()(label_map)
    assert masks.shape == (2, *shape[1:])
    assert torch.equal(masks[1], (label_map[0] == 70000).float())
    assert masks.meta["labels"] == [7, 70000]
    back = MasksToLabel()(masks)
    assert torch.equal(back.float(), label_map)
    assert torch.equal(back.affine, affine)
    assert back.dtype == torch.int32


def test_given_labels_make_a_channel_for_an_absent_object() -> None:
    data = LabelToMasksd(keys="label", labels=[1, 2])({"label": torch.ones(1, 3, 3)})
    assert data["label"].flatten(1).sum(dim=1).tolist() == [9, 0]
    assert MasksToLabeld(keys="label")(data)["label"].unique().tolist() == [1]


def test_without_tracking_labels_must_be_given() -> None:
    set_track_meta(False)
    try:
        masks = LabelToMasks()(torch.tensor([[[0, 5]]]))
        assert not isinstance(masks, MetaTensor)
        with pytest.raises(ValueError, match="give labels to MasksToLabel"):
            MasksToLabel()(masks)
        assert MasksToLabel([5])(masks).tolist() == [[[0, 5]]]
    finally:
        set_track_meta(True)


def test_several_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"label map must have one channel, .* got \(2, 3, 3\)"):
        LabelToMasks()(torch.zeros(2, 3, 3))
