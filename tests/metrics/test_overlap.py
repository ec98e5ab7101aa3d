# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from monai_i2v.metrics.overlap import dice, iou

EMPTY = torch.zeros(2, 3, dtype=torch.bool)
LEFT = torch.tensor([[1, 1, 0], [1, 1, 0]]).bool()
RIGHT = torch.tensor([[0, 1, 1], [0, 1, 1]]).bool()


@pytest.mark.parametrize(
    ("prediction", "truth", "expected_dice", "expected_iou"),
    [
        (LEFT, LEFT, 1.0, 1.0),
        (LEFT, RIGHT, 2 * 2 / (4 + 4), 2 / 6),
        (LEFT, ~LEFT, 0.0, 0.0),
        (EMPTY, EMPTY, 1.0, 1.0),
        (LEFT, EMPTY, 0.0, 0.0),
        (EMPTY, LEFT, 0.0, 0.0),
    ],
)
def test_values(prediction: torch.Tensor, truth: torch.Tensor, expected_dice: float, expected_iou: float) -> None:
    assert dice(prediction, truth).item() == pytest.approx(expected_dice)
    assert iou(prediction, truth).item() == pytest.approx(expected_iou)


def test_every_picture_of_a_stack_is_scored_alone() -> None:
    prediction, truth = torch.stack([LEFT, EMPTY, LEFT]), torch.stack([RIGHT, EMPTY, LEFT])
    assert iou(prediction, truth).tolist() == pytest.approx([1 / 3, 1, 1])
    assert dice(prediction[None], truth[None]).shape == (1, 3)


def test_errors_tell_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"masks must be bool, got torch\.float32 and torch\.bool"):
        dice(LEFT.float(), LEFT)
    with pytest.raises(ValueError, match=r"share one shape \(\.\.\., H, W\), got \(2, 3\) and \(1, 3\)"):
        iou(LEFT, LEFT[:1])
