# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.losses import TemporalConsistencyLoss

loss = TemporalConsistencyLoss()


def window(*frames):
    """One window of 1 x 1 features."""
    return torch.tensor(frames, dtype=torch.float32).view(1, len(frames), -1, 1, 1)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (([1, 0], [1, 0]), 0.0),
        (([1, 0], [5, 0]), 0.0),  # direction counts, not length
        (([1, 0], [0, 1]), 1.0),
        (([1, 0], [-1, 0]), 2.0),
        (([1, 0], [1, 0], [0, 1]), 0.5),  # mean of two pairs
        (([1, 0], [1, 1]), 1 - 0.5**0.5),
    ],
)
def test_pairs_by_hand(frames, expected):
    assert loss(window(*frames)).item() == pytest.approx(expected, abs=1e-6)


def test_only_neighbors_are_compared():
    assert loss(window([1, 0], [0, 1], [1, 0])).item() == pytest.approx(1)


def test_a_single_frame_has_nothing_to_agree_with_and_a_gradient_of_zero():
    single = window([1.0, 2.0]).requires_grad_()
    value = loss(single)
    value.backward()
    assert value.item() == 0
    assert single.grad.abs().sum() == 0
