# SPDX-License-Identifier: Apache-2.0
import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from monai_i2v.losses import (
    BootstrappedCrossEntropy,
    ClipSegmentationLoss,
    TemporalContrastiveLoss,
    soft_mask_loss,
)


class Prediction(NamedTuple):
    prob: Tensor  # (B, T, K, H, W)
    values: Tensor  # (B, K, T, M, V)
    further: Tensor = torch.zeros(())


def clip_of(*frames):
    """(1, T, K, 1, W) from nested lists: frames of objects of pixels."""
    return torch.tensor(frames).unsqueeze(0).unsqueeze(3)


def values_like(masks, seed=0):
    b, t, k = masks.shape[:3]
    return torch.randn(b, k, t, 4, 8, generator=torch.Generator().manual_seed(seed))


PROB = clip_of([[1.0, 0.0]], [[0.8, 0.1]], [[0.5, 0.3]])  # one object, two pixels
MASKS = clip_of([[1.0, 0.0]], [[1.0, 0.0]], [[1.0, 0.0]])


def loss_of(prob, masks, **settings):
    return ClipSegmentationLoss(**settings)(Prediction(prob, values_like(masks)), masks).item()


def test_cross_entropy_of_the_predicted_frames_by_hand():
    expected = -(math.log(0.8) + math.log(0.9) + math.log(0.5) + math.log(0.7)) / 4
    assert loss_of(PROB, MASKS, contrast_weight=0) == pytest.approx(expected, rel=1e-4)


def test_the_given_frame_costs_nothing():
    wrong = torch.cat([1 - MASKS[:, :1], PROB[:, 1:]], dim=1)
    settings = {"contrast_weight": 0, "dice_weight": 1.0}
    assert loss_of(wrong, MASKS, **settings) == loss_of(PROB, MASKS, **settings)


def test_each_object_is_a_class_of_its_own():
    prob = clip_of([[1.0, 0.0], [0.0, 1.0]], [[0.7, 0.2], [0.1, 0.6]])
    masks = prob[:, :1].expand(-1, 2, -1, -1, -1)
    expected = -(math.log(0.7) + math.log(0.6)) / 2
    assert loss_of(prob, masks, contrast_weight=0) == pytest.approx(expected, rel=1e-4)


def test_objects_that_the_first_frame_does_not_show_are_background():
    prob = clip_of([[1.0, 0.0], [0.0, 0.0]], [[0.8, 0.1], [0.0, 0.0]])
    masks = clip_of([[1.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]])  # the second comes later
    expected = -(math.log(0.8) + math.log(0.9)) / 2
    assert loss_of(prob, masks, contrast_weight=0) == pytest.approx(expected, rel=1e-4)
    dice = 1 - (2 * 0.8 + 1) / (0.9 + 1 + 1)
    with_dice = loss_of(prob, masks, contrast_weight=0, dice_weight=1.0)
    assert with_dice == pytest.approx(expected + dice, rel=1e-4)


def test_soft_dice_by_hand():
    without, with_dice = (loss_of(PROB, MASKS, contrast_weight=0, dice_weight=weight) for weight in (0.0, 0.5))
    dice = [1 - (2 * 0.8 + 1) / (0.9 + 1 + 1), 1 - (2 * 0.5 + 1) / (0.8 + 1 + 1)]
    assert with_dice - without == pytest.approx(0.5 * sum(dice) / 2, rel=1e-4)


def test_an_object_that_leaves_and_is_not_found_costs_nothing():
    prob = clip_of([[1.0, 0.0]], [[0.0, 0.0]])
    assert loss_of(prob, prob, contrast_weight=0, dice_weight=1.0) == pytest.approx(0, abs=1e-6)


def test_contrast_is_added_with_its_weight_for_objects_that_are_there():
    prob = torch.cat([PROB, torch.zeros_like(PROB)], dim=2)
    masks = torch.cat([MASKS, torch.zeros_like(MASKS)], dim=2)
    contrast = TemporalContrastiveLoss()(values_like(masks)[:, :1]).item()
    without, with_contrast = (loss_of(prob, masks, contrast_weight=weight) for weight in (0.0, 0.05))
    assert with_contrast - without == pytest.approx(0.05 * contrast, rel=1e-4)


def test_hardest_pixels_may_be_all_that_counts():
    loss = loss_of(PROB, MASKS, cross_entropy=BootstrappedCrossEntropy(top_p=0.5), contrast_weight=0)
    assert loss == pytest.approx(-(math.log(0.8) + math.log(0.5)) / 2, rel=1e-4)  # the harder pixel of each frame


@pytest.mark.parametrize("truth", [0.0, 1.0])
@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_certain_predictions_have_finite_losses_and_gradients(truth, probability):
    masks = torch.full((1, 3, 2, 4, 4), truth)
    masks[:, 1:, 1] = 0
    prob = torch.full((1, 3, 2, 4, 4), probability)
    prob[:, :, 1] = 0
    prob, values = prob.requires_grad_(), torch.zeros(1, 2, 3, 4, 8).requires_grad_()
    loss = ClipSegmentationLoss(dice_weight=1.0)(Prediction(prob, values), masks)
    loss.backward()
    assert 0 <= loss.item() < 20  # a certain and wrong pixel costs -log 1e-7, about 16
    assert prob.grad.isfinite().all()
    assert values.grad.isfinite().all()


def test_soft_masks_are_compared_with_background_and_objects():
    prob = torch.tensor([0.7, 0.2]).view(1, 2, 1, 1).expand(1, 2, 3, 3)
    other = torch.tensor([0.6, 0.1]).view(1, 2, 1, 1).expand(1, 2, 3, 3)
    entropy = -(0.6 * math.log(0.7) + 0.1 * math.log(0.2) + 0.3 * math.log(0.1))
    overlaps = [(2 * 9 * 0.42 + 1) / (9 * 1.3 + 1), (2 * 9 * 0.02 + 1) / (9 * 0.3 + 1)]
    expected = entropy + 1 - sum(overlaps) / 2
    assert soft_mask_loss(prob, other).item() == pytest.approx(expected, rel=1e-5)
