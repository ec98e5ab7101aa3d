# SPDX-License-Identifier: Apache-2.0
import logging
import math

import pytest
import torch

from monai_i2v.losses import TemporalContrastiveLoss


def on_circle(*degrees, length=1.0):
    """Values (1, 1, T, 1, 2) of one cell: vectors of this length at these angles."""
    angles = torch.tensor(degrees).deg2rad()
    return length * torch.stack([angles.cos(), angles.sin()], dim=-1).view(1, 1, -1, 1, 2)


def random_values(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_equation_one_by_hand():
    # 1 - cos 60 = 0.5 twice, over 1 - cos 120 = 1.5
    assert TemporalContrastiveLoss()(on_circle(0.0, 60.0, 120.0)).item() == pytest.approx(1 / 1.5, rel=1e-5)
    # 1 - cos 90 = 1 and 1 - cos 30, over 1 - cos 60 = 0.5: the middle value lies beyond the last one
    expected = (1 + 1 - math.cos(math.pi / 6)) / 0.5
    assert TemporalContrastiveLoss()(on_circle(0.0, 90.0, 60.0)).item() == pytest.approx(expected, rel=1e-5)


def test_half_way_is_one_half_for_near_values_and_a_little_more_for_others():
    loss = TemporalContrastiveLoss(eps=1e-12)
    assert loss(on_circle(0.0, 1.0, 2.0)).item() == pytest.approx(0.5, abs=1e-4)
    assert loss(on_circle(0.0, 60.0, 120.0)).item() == pytest.approx(1 / (1 + 0.5), rel=1e-5)  # 1 / (1 + cos 60)


def test_no_triple_is_below_one_half():
    loss, values = TemporalContrastiveLoss(eps=1e-12), random_values(1, 1000, 3, 1, 3)
    least = min(loss(values[:, k : k + 1]).item() for k in range(1000))
    assert 0.5 - 1e-4 <= least < 0.6


def test_rounding_does_not_take_values_that_are_all_but_equal_below_one_half():
    values = random_values(1, 1, 1, 1, 64) + 1e-4 * random_values(1, 200, 3, 1, 64, seed=1)
    loss = TemporalContrastiveLoss(eps=1e-12)
    assert min(loss(values[:, k : k + 1]).item() for k in range(200)) >= 0.5 - 1e-2
    assert TemporalContrastiveLoss()(values).item() >= 0


def test_time_runs_either_way():
    values = random_values(2, 3, 5, 4, 8)
    forward, backward = (TemporalContrastiveLoss()(v).item() for v in (values, values.flip(2)))
    assert forward == pytest.approx(backward, rel=1e-5)


def test_longer_clips_give_the_mean_over_their_inner_frames():
    four = on_circle(0.0, 60.0, 120.0, 90.0)
    loss = TemporalContrastiveLoss()
    inner = [loss(four[:, :, :3]).item(), loss(four[:, :, 1:]).item()]
    assert inner[0] != pytest.approx(inner[1], rel=0.1)
    assert loss(four).item() == pytest.approx(sum(inner) / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("compare", "expected"),
    [
        ("cells", (1.0 + 1.0) / 1.5),  # numerators and denominators of both cells, each with the same weight
        ("flat", (4 * 1.0 + 1.0) / (4 * 1.5)),  # the long cell counts by the square of its length
        ("pooled", (0.5 + 1 - math.cos(math.pi / 6)) / 1.0),  # the sums stand at 0, 60 and 90 degrees
    ],
)
def test_cells_are_pooled_compared_one_by_one_or_taken_as_one_vector(compare, expected):
    turning, there_and_back = on_circle(0.0, 60.0, 120.0, length=2.0), on_circle(0.0, 60.0, 0.0)
    values = torch.cat([turning, there_and_back], dim=3)
    assert TemporalContrastiveLoss(compare)(values).item() == pytest.approx(expected, rel=1e-5)


def test_pooled_values_do_not_depend_on_the_cell_where_an_object_is():
    values = random_values(1, 1, 3, 6, 8)
    moved = torch.cat([values[:, :, :1].roll(2, dims=3), values[:, :, 1:]], dim=2)
    first, second = (TemporalContrastiveLoss("pooled")(v).item() for v in (values, moved))
    assert first == pytest.approx(second, rel=1e-5)
    first, second = (TemporalContrastiveLoss("cells")(v).item() for v in (values, moved))
    assert first != pytest.approx(second, rel=1e-3)


def test_absent_objects_do_not_count():
    one, other = on_circle(0.0, 60.0, 120.0), on_circle(0.0, 60.0, 0.0)
    values = torch.cat([one, other], dim=1).requires_grad_()
    loss = TemporalContrastiveLoss()(values, torch.tensor([[True, False]]))
    assert loss.item() == pytest.approx(1 / 1.5, rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, values)
    assert gradient[:, 0].abs().max() > 0.1
    assert gradient[:, 1].abs().max() == 0


def test_nobody_present_gives_zero_and_no_gradient():
    values = torch.zeros(1, 2, 3, 4, 8).requires_grad_()
    loss = TemporalContrastiveLoss()(values, torch.tensor([[False, False]]))
    loss.backward()
    assert loss.item() == 0
    assert values.grad.abs().max() == 0


def test_collapse_is_warned_about_once(caplog):
    loss = TemporalContrastiveLoss()
    with caplog.at_level(logging.WARNING):
        loss(on_circle(0.0, 60.0, 120.0))
        loss(on_circle(0.0, 60.0, 0.0), torch.tensor([[False]]))
        assert caplog.records == []
        for _ in range(2):
            assert loss(torch.ones(1, 1, 3, 4, 8)).item() < 0.5  # the trivial solution
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "values of first and last frame are all but equal (1 - cosine below 0.0001)"
    ]


def test_a_smallest_distance_bounds_the_loss():
    there_and_back = on_circle(0.0, 90.0, 0.0)
    assert TemporalContrastiveLoss()(there_and_back).item() > 1e5
    assert TemporalContrastiveLoss(min_distance=0.05)(there_and_back).item() == pytest.approx(2 / 0.05, rel=1e-3)


@pytest.mark.parametrize(
    ("detached", "slope"),
    [
        (True, -math.sin(math.pi / 3) / 1.5),  # toward the second value only
        (False, -math.sin(math.pi / 3) / 1.5 + math.sin(math.pi / 3) / 1.5**2),  # and away from the third
    ],
)
def test_a_detached_denominator_pushes_nothing_apart(detached, slope):
    values = on_circle(0.0, 60.0, 120.0).requires_grad_()
    loss = TemporalContrastiveLoss(detach_denominator=detached)(values)
    (gradient,) = torch.autograd.grad(loss, values)
    assert gradient[0, 0, 0, 0, 1].item() == pytest.approx(slope, rel=1e-4)  # at 0 degrees, up is along the circle
    assert loss.item() == pytest.approx(1 / 1.5, rel=1e-5)


def test_autocast_does_not_lower_the_precision():
    values = random_values(1, 2, 3, 16, 8).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        loss = TemporalContrastiveLoss()(values)
    assert loss.dtype == torch.float32
    assert loss.item() == TemporalContrastiveLoss()(values.float()).item()


def test_errors_tell_what_to_do():
    with pytest.raises(ValueError, match="one of 'pooled', 'cells', 'flat', got 'pixels'"):
        TemporalContrastiveLoss("pixels")
    with pytest.raises(ValueError, match="3 frames or more, got 2; train on longer clips"):
        TemporalContrastiveLoss()(torch.rand(1, 1, 2, 4, 8))
