# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest
import torch

from monai_i2v.metrics.boundary import boundary_f, boundary_map, tolerance_px


def square(top: int, left: int, side: int, size: int = 20) -> torch.Tensor:
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[top : top + side, left : left + side] = True
    return mask


def slow_outline(mask: list[list[bool]]) -> set[tuple[int, int]]:
    """The definition, pixel by pixel."""
    height, width = len(mask), len(mask[0])
    return {
        (y, x)
        for y in range(height)
        for x in range(width)
        for dy, dx in ((0, 1), (1, 0), (1, 1))
        if y + dy < height and x + dx < width and mask[y][x] != mask[y + dy][x + dx]
    }


def slow_f(prediction: list[list[bool]], truth: list[list[bool]], radius: float) -> float:
    found, real = slow_outline(prediction), slow_outline(truth)
    if not found or not real:
        return float(not found and not real)
    near = [
        sum(any(math.dist(a, b) <= radius for b in other) for a in own) for own, other in ((found, real), (real, found))
    ]
    precision, recall = near[0] / len(found), near[1] / len(real)
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def test_tolerances_of_common_sizes() -> None:
    sizes = [(256, 256), (384, 384), (288, 384), (480, 854)]
    assert [tolerance_px(*size) for size in sizes] == [3, 5, 4, 8]


def test_outline_by_hand() -> None:
    mask = torch.tensor([[0, 0, 0, 1], [0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 1]]).bool()
    by_hand = [[0, 0, 1, 0], [1, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
    assert boundary_map(mask).int().tolist() == by_hand


def test_border_of_the_picture_is_no_outline() -> None:
    assert not boundary_map(torch.ones(5, 5, dtype=torch.bool)).any()


def test_shift_beyond_the_tolerance_costs_what_a_hand_count_says() -> None:
    truth, prediction = square(5, 5, 6), square(5, 7, 6)  # outlines: 7 x 7 rings of 24 px, two columns apart
    assert boundary_map(truth).sum() == 24
    # Within 1 px of the true ring are 6 of the 7 px of the predicted top, 6 of its bottom, the 2 ends of its
    # left side next to the true top and bottom, and nothing of its right side.
    assert slow_f(prediction.tolist(), truth.tolist(), 1) == pytest.approx(14 / 24)
    assert boundary_f(prediction, truth, tolerance=1).item() == pytest.approx(14 / 24)
    assert boundary_f(prediction, truth, tolerance=2).item() == 1.0


@pytest.mark.parametrize("radius", [0, 1, 3, 5])
def test_agrees_with_the_definition_on_random_blobs(radius: int) -> None:
    generator = torch.Generator().manual_seed(radius)
    noise = torch.nn.functional.avg_pool2d(torch.rand(6, 1, 24, 31, generator=generator), 5, 1, 2)[:, 0]
    prediction, truth = noise[:3] > 0.5, noise[3:] > 0.48
    fast = boundary_f(prediction, truth, tolerance=radius)
    slow = [slow_f(p.tolist(), t.tolist(), radius) for p, t in zip(prediction, truth, strict=True)]
    assert fast.tolist() == pytest.approx(slow)
    assert 0 < min(slow) < 1


def test_empty_masks() -> None:
    empty, mask = torch.zeros(20, 20, dtype=torch.bool), square(5, 5, 6)
    stack = boundary_f(torch.stack([empty, mask, empty]), torch.stack([mask, empty, empty]))
    assert stack.tolist() == [0, 0, 1]


def test_far_apart_is_zero() -> None:
    assert boundary_f(square(0, 0, 3), square(14, 14, 4), tolerance=1).item() == 0


def test_tolerance_larger_than_the_picture_is_fine() -> None:
    assert boundary_f(square(0, 0, 1, size=4), square(2, 2, 1, size=4), tolerance=9).item() == 1


def test_a_mask_that_fills_the_picture_is_not_an_empty_one():
    empty, full = torch.zeros(8, 8, dtype=torch.bool), torch.ones(8, 8, dtype=torch.bool)
    assert boundary_f(torch.stack([empty, full, full]), torch.stack([empty, full, empty])).tolist() == [1, 1, 0]
