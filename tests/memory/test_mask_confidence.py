# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.memory import mask_confidence


def test_sureness_is_the_mean_distance_from_one_half_inside_the_mask():
    prob = torch.zeros(1, 2, 2, 2)
    prob[0, 0] = torch.tensor([[0.9, 0.7], [0.4, 0.0]])
    assert mask_confidence(prob).tolist() == [[pytest.approx((0.8 + 0.4) / 2), 0]]
    assert mask_confidence(torch.ones(3, 1, 4, 4)).tolist() == [[1.0]] * 3
