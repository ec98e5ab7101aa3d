# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import (
    CenterSpatialCrop,
    Compose,
    Flip,
    RandAffined,
    RandFlipd,
    RandZoomd,
    Resize,
    Rotate,
    Rotate90,
    Spacing,
    SpatialPad,
    Transform,
)
from torch import Tensor

from monai_i2v.transforms.fold_time import FoldTime, FoldTimed, UnfoldTime, UnfoldTimed

AFFINE = torch.tensor([[-0.5, 0, 0, 3], [0, 0.6, 0, 4], [0, 0, 0.04, 1], [0, 0, 0, 1]], dtype=torch.float64)


def make_clip(channels: int = 2) -> MetaTensor:
    values = torch.rand(channels, 12, 10, 3, generator=torch.Generator().manual_seed(0))
    pixdim = torch.tensor([1.0, 0.5, 0.6, 0.04])
    return MetaTensor(values, meta={"affine": AFFINE, "pixdim": pixdim, "original_channel_dim": "no_channel"})


def test_channel_c_of_frame_t_becomes_channel_c_times_3_plus_t() -> None:
    clip = make_clip()
    folded = FoldTime()(clip)
    assert torch.equal(folded[4], clip[1, ..., 1])
    assert torch.equal(folded[2], clip[0, ..., 2])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Resize((6, 5), mode="bilinear"),
        lambda: Flip(spatial_axis=0),
        lambda: Rotate90(),
        lambda: Rotate(0.3, padding_mode="border"),
        lambda: SpatialPad((16, 16)),
        lambda: CenterSpatialCrop((8, 8)),
    ],
)
def test_stock_2d_transforms_treat_every_frame_as_they_treat_a_picture(make: Callable[[], Transform]) -> None:
    clip = make_clip()
    result = Compose([FoldTime(), make(), UnfoldTime()])(clip)
    for t in range(3):
        assert torch.allclose(result[..., t].as_tensor(), make()(clip[..., t].as_tensor()).as_tensor(), atol=1e-5)


def test_affine_and_pixdim_change_in_x_and_y_and_stay_in_t() -> None:
    resized = Compose([FoldTime(), Resize((6, 5)), UnfoldTime()])(make_clip())
    assert resized.pixdim.tolist() == pytest.approx([1.0, 1.2, 0.04])
    assert resized.meta["pixdim"][1:].tolist() == pytest.approx([1.0, 1.2, 0.04])
    assert resized.affine[:, 2].tolist() == AFFINE[:, 2].tolist()
    assert resized.affine[0, 3] == pytest.approx(3 - 0.25)  # the first pixel's center moved by half a pixel
    turned = Compose([FoldTime(), Rotate90(), UnfoldTime()])(make_clip())
    assert turned.pixdim.tolist() == pytest.approx([0.6, 0.5, 0.04])
    spaced = Compose([FoldTime(), Spacing((1.0, 1.0)), UnfoldTime()])(make_clip())
    assert spaced.pixdim.tolist() == pytest.approx([1.0, 1.0, 0.04])
    assert spaced.spatial_ndim == 3


@pytest.mark.parametrize("lazy", [False, True])
def test_random_parameters_are_those_of_the_label_and_of_every_frame(lazy: bool) -> None:
    frame = torch.rand(1, 12, 10, generator=torch.Generator().manual_seed(0))
    clip = MetaTensor(frame.unsqueeze(-1).repeat(1, 1, 1, 3))
    keys = ["image", "label"]
    affine = RandAffined(keys, prob=1.0, rotate_range=0.5, translate_range=2, padding_mode="border")
    pipeline = Compose([FoldTimed(keys), affine, RandFlipd(keys, prob=0.5), UnfoldTimed(keys)], lazy=lazy)
    pipeline.set_random_state(0)
    first = pipeline({"image": clip, "label": clip})
    pipeline.set_random_state(0)
    again = pipeline({"image": clip, "label": clip})
    assert torch.equal(first["image"][..., 0], first["image"][..., 2])
    assert torch.equal(first["image"], first["label"])
    assert torch.equal(first["image"], again["image"])
    assert (first["image"] - clip).abs().mean() > 0.05


def test_unfold_undoes_fold_exactly() -> None:
    clip = make_clip()
    back = UnfoldTime()(FoldTime()(clip))
    assert torch.equal(back, clip)
    assert torch.equal(back.affine, clip.affine)
    assert back.spatial_ndim == clip.spatial_ndim
    assert "folded_frames" not in back.meta
    assert clip.applied_operations == []


def test_pipeline_can_be_inverted_for_a_prediction_with_other_channels() -> None:
    clip = make_clip()
    zoom = RandZoomd("image", prob=1.0, min_zoom=0.8, max_zoom=0.8, padding_mode="constant")
    pipeline = Compose([FoldTimed("image"), zoom, RandFlipd("image", prob=1.0, spatial_axis=1), UnfoldTimed("image")])
    data = pipeline({"image": clip})
    prediction = MetaTensor(torch.ones(4, *data["image"].shape[1:]), meta=data["image"].meta)
    prediction.applied_operations = data["image"].applied_operations
    back = pipeline.inverse({"image": prediction})["image"]
    assert back.shape == (4, 12, 10, 3)
    assert torch.allclose(back.affine, AFFINE)
    assert back.applied_operations == []


def test_inverse_restores_values() -> None:
    clip = make_clip()
    pipeline = Compose([FoldTime(), Flip(spatial_axis=1), UnfoldTime()])
    assert torch.equal(pipeline.inverse(pipeline(clip)), clip)


def test_fold_does_not_share_metadata_with_its_input() -> None:
    clip = make_clip()
    FoldTime()(clip).meta["pixdim"][1] = 99.0
    assert clip.meta["pixdim"][1] == 0.5


def test_channels_may_be_reduced_between_fold_and_unfold() -> None:
    def gray(folded: Tensor) -> Tensor:
        return folded[:3]

    assert Compose([FoldTime(), gray, UnfoldTime()])(make_clip()).shape == (1, 12, 10, 3)


def test_errors_tell_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"clip must be \(C, X, Y, T\), got \(2, 3, 4\)"):
        FoldTime()(torch.rand(2, 3, 4))
    with pytest.raises(ValueError, match=r"number of frames is unknown .* fold with FoldTime first"):
        UnfoldTime()(torch.rand(2, 3, 4))
    with pytest.raises(ValueError, match="5 channels cannot be unfolded into 3 frames"):
        UnfoldTime(frames=3)(torch.rand(5, 3, 4))
