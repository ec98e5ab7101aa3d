# SPDX-License-Identifier: Apache-2.0
import copy

import pytest
import torch

from monai_i2v.optimizers import AdamThenSGD


def train(weight, optimizer, steps):
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
        path.append(weight.item())
    return path


def test_it_is_adam_and_then_sgd():
    weight, adam_weight = (torch.nn.Parameter(torch.tensor(1.0)) for _ in range(2))
    path = train(weight, AdamThenSGD([weight], switch_step=3, adam_lr=0.1, sgd_lr=0.01, momentum=0, weight_decay=0), 5)
    adam = train(adam_weight, torch.optim.Adam([adam_weight], lr=0.1), 3)
    assert path[:3] == adam
    assert path[3] == pytest.approx(path[2] * (1 - 0.02))
    assert path[4] == pytest.approx(path[3] * (1 - 0.02))


@pytest.mark.parametrize("stop", [2, 4])
def test_resuming_repeats_an_undisturbed_training(stop):
    def make():
        weight = torch.nn.Parameter(torch.tensor(1.0))
        return weight, AdamThenSGD([weight], switch_step=3, adam_lr=0.1, sgd_lr=0.01)

    weight, optimizer = make()
    whole = train(weight, optimizer, 6)
    weight, optimizer = make()
    train(weight, optimizer, stop)
    saved = copy.deepcopy((weight.data, optimizer.state_dict()))
    weight, optimizer = make()
    weight.data = saved[0]
    optimizer.load_state_dict(saved[1])
    assert train(weight, optimizer, 6 - stop) == whole[stop:]


def test_frozen_parameters_are_left_out():
    frozen = torch.nn.Parameter(torch.ones(1), requires_grad=False)
    trained = torch.nn.Parameter(torch.ones(1))
    assert AdamThenSGD([frozen, trained]).param_groups[0]["params"] == [trained]


def test_a_schedule_goes_on_after_the_switch():
    weight = torch.nn.Parameter(torch.tensor(1.0))
    optimizer = AdamThenSGD([weight], switch_step=2, adam_lr=0.1, sgd_lr=0.2, momentum=0, weight_decay=0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    moved = []
    for _ in range(4):
        before = weight.item()
        optimizer.zero_grad()
        weight.backward()
        optimizer.step()
        schedule.step()
        moved.append(before - weight.item())
    assert moved == pytest.approx([0.1, 0.05, 0.2 / 4, 0.2 / 8], rel=1e-3)


def test_a_copy_goes_on_as_the_original_would():
    weight = torch.nn.Parameter(torch.tensor(1.0))
    optimizer = AdamThenSGD([weight], switch_step=1)
    weight.backward()
    optimizer.step()
    copied = copy.deepcopy(optimizer)
    assert copied.steps == 1
    assert copied.param_groups is copied.adam.param_groups
    copied.step()
    torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=3)
