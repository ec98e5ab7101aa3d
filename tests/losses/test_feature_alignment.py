# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.losses import FeatureAlignmentLoss


def features(seed):
    return torch.randn(2, 8, 3, 3, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("direction", ["teacher||student", "student||teacher"])
def test_divergence_is_zero_at_equality_and_positive_elsewhere(direction):
    loss = FeatureAlignmentLoss(direction)
    assert loss(features(0), features(0)).item() == pytest.approx(0, abs=1e-7)
    assert loss(features(0), features(1)).item() > 0.1


def test_a_step_down_the_loss_comes_nearer_and_the_papers_minus_sign_drives_away():
    loss, teacher = FeatureAlignmentLoss(), features(1)
    for sign, nearer in ((1, True), (-1, False)):
        student = features(0).requires_grad_()
        before = loss(student, teacher)
        (gradient,) = torch.autograd.grad(sign * before, student)
        assert (loss(student - 1.0 * gradient, teacher) < before) == nearer


def test_teacher_gets_no_gradient():
    teacher = features(1).requires_grad_()
    FeatureAlignmentLoss()(features(0).requires_grad_(), teacher).backward()
    assert teacher.grad is None


def test_unknown_direction_names_the_choices():
    with pytest.raises(ValueError, match="got 'sideways'"):
        FeatureAlignmentLoss("sideways")
