# SPDX-License-Identifier: Apache-2.0
import logging

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


def test_weights_that_keep_the_reference_are_accepted():
    layer = network(1.0)
    guarded = Guard().watch(layer, dice=0.9)
    set_weight(layer, 2.0)
    assert guarded.check(loss=1.0, dice=0.89, area=0.1, teacher_area=0.1)
    assert layer.weight.item() == 2


def test_a_fall_of_the_reference_restores_the_last_good_weights(caplog):
    layer = network(1.0)
    guarded = Guard(max_dice_loss=0.02).watch(layer, dice=0.9)
    set_weight(layer, 2.0)
    assert guarded.check(loss=1.0, dice=0.9, area=0.1, teacher_area=0.1)
    set_weight(layer, 3.0)
    with caplog.at_level(logging.WARNING):
        assert not guarded.check(loss=1.0, dice=0.87, area=0.1, teacher_area=0.1)
    assert layer.weight.item() == 2
    assert "reference Dice 0.870 (0.900 before)" in caplog.text


def test_foreground_that_grows_or_shrinks_threefold_is_drift():
    for area in (0.31, 0.03):
        layer = network(1.0)
        guarded = Guard().watch(layer, dice=0.9)
        set_weight(layer, 2.0)
        assert not guarded.check(loss=1.0, dice=1.0, area=area, teacher_area=0.1)
        assert layer.weight.item() == 1


def test_a_loss_that_is_no_number_is_drift():
    layer = network(1.0)
    guarded = Guard().watch(layer, dice=0.0)
    set_weight(layer, float("nan"))
    assert not guarded.check(loss=float("nan"), dice=0.0, area=0.0, teacher_area=0.0)
    assert layer.weight.item() == 1
