# SPDX-License-Identifier: Apache-2.0
import logging

import pytest
import torch
from torch import nn

from monai_i2v.adaptation import Guard


def network(value):
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


def set_weight(layer, value):
    with torch.no_grad():
        layer.weight.fill_(value)


def step(video=0, loss=1.0, ref_dice=0.9, area=0.1, teacher_area=0.1):
    return {"video": video, "loss": loss, "ref_dice": ref_dice, "area": area, "teacher_area": teacher_area}


def test_weights_that_keep_the_reference_are_accepted():
    layer = network(1.0)
    guarded = Guard().watch(layer)
    set_weight(layer, 2.0)
    assert guarded.check([step()], {0: 0.89})
    assert layer.weight.item() == 2


def test_a_fall_of_the_reference_restores_the_last_good_weights(caplog):
    layer = network(1.0)
    guarded = Guard(max_dice_loss=0.02).watch(layer)
    set_weight(layer, 2.0)
    assert guarded.check([step()], {0: 0.9})
    set_weight(layer, 3.0)
    with caplog.at_level(logging.WARNING):
        assert not guarded.check([step()], {0: 0.87})
    assert layer.weight.item() == 2
    assert "reference Dice fell by 0.030" in caplog.text


@pytest.mark.parametrize("area", [0.31, 0.03])
def test_foreground_that_grows_or_shrinks_threefold_is_drift(area):
    layer = network(1.0)
    guarded = Guard().watch(layer)
    assert guarded.check([step()], {0: 0.9})
    set_weight(layer, 2.0)
    assert not guarded.check([step(area=area)], {0: 1.0})
    assert layer.weight.item() == 1


def test_a_student_that_began_with_another_area_than_its_teacher_has_not_drifted():
    guarded = Guard().watch(network(1.0))
    assert guarded.check([step(area=0.01), step(area=0.012)], {0: 0.9})


def test_each_video_is_compared_with_itself():
    guarded = Guard().watch(network(1.0))
    assert guarded.check([step(0, ref_dice=0.9), step(1, ref_dice=0.5)], {0: 0.9, 1: 0.5})
    assert guarded.check([step(1, ref_dice=0.5)], {1: 0.49})
    assert not guarded.check([step(1, ref_dice=0.5)], {1: 0.4})


def test_a_loss_that_is_no_number_is_drift():
    layer = network(1.0)
    guarded = Guard().watch(layer)
    set_weight(layer, float("nan"))
    assert not guarded.check([step(loss=float("nan"))], {0: 0.9})
    assert layer.weight.item() == 1
