# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from monai_i2v.losses import BootstrappedCrossEntropy, hard_share


def logits_of(*probabilities):
    """Logits (1, 2, 1, N) with these probabilities of class 1."""
    prob = torch.tensor(probabilities)
    return torch.stack([torch.zeros_like(prob), prob.logit()]).view(1, 2, 1, -1)


def test_only_pixels_below_the_threshold_count_and_get_gradient():
    logits = logits_of(0.5, 0.8, 0.95).requires_grad_()
    loss = BootstrappedCrossEntropy(0.9)(logits, torch.ones(1, 1, 3, dtype=torch.long))
    loss.backward()
    assert loss.item() == pytest.approx(-(math.log(0.5) + math.log(0.8)) / 2, rel=1e-5)
    assert (logits.grad[0, 1, 0] != 0).tolist() == [True, True, False]


def test_no_hard_pixel_gives_zero_not_nan():
    loss = BootstrappedCrossEntropy(0.9)(logits_of(0.95, 0.99), torch.ones(1, 1, 2, dtype=torch.long))
    assert loss.item() == 0


def test_soft_targets_count_by_their_likeliest_class():
    target = torch.tensor([[[[0.3]], [[0.7]]]])
    loss = BootstrappedCrossEntropy(0.9)(logits_of(0.6), target)
    assert loss.item() == pytest.approx(-(0.3 * math.log(0.4) + 0.7 * math.log(0.6)), rel=1e-5)


def test_top_p_takes_the_hardest_share():
    loss = BootstrappedCrossEntropy(top_p=0.5)(logits_of(0.9, 0.5, 0.2, 0.99), torch.ones(1, 1, 4, dtype=torch.long))
    assert loss.item() == pytest.approx(-(math.log(0.2) + math.log(0.5)) / 2, rel=1e-5)


def test_threshold_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"threshold must lie in \(0, 1\], got 0"):
        BootstrappedCrossEntropy(0)


@pytest.mark.parametrize(
    ("steps", "share"),
    [(0, 1.0), (20, 1.0), (45, 0.575), (60, 0.32), (70, 0.15), (150, 0.15)],
)
def test_the_share_of_hard_pixels_falls_between_20_and_70_of_150_steps(steps, share):
    assert hard_share(steps / 150) == pytest.approx(share)


def test_the_share_of_hard_pixels_is_a_valid_top_p_at_any_time():
    logits, target = logits_of(0.9, 0.5, 0.2, 0.99), torch.ones(1, 1, 4, dtype=torch.long)
    first, last = (BootstrappedCrossEntropy(top_p=hard_share(end))(logits, target).item() for end in (-0.1, 1.1))
    assert first == pytest.approx(-sum(map(math.log, (0.9, 0.5, 0.2, 0.99))) / 4, rel=1e-5)
    assert last == pytest.approx(-math.log(0.2), rel=1e-5)
