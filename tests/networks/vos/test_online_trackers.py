# SPDX-License-Identifier: Apache-2.0
"""JOINT and RPCM: numbers that can be checked by hand or against a plain form."""

import math
from itertools import pairwise

import pytest
import torch
from tiny_trackers import halves, make_tracker, noise
from torch import nn

from monai_i2v.networks.vos.annotated_cells import reliable_cells
from monai_i2v.networks.vos.distance_maps import FAR, DistanceMaps, cells_in_reach, mean_squares
from monai_i2v.networks.vos.filter_learner import filter_loss, fit_filter
from monai_i2v.networks.vos.joint import frame_weights
from monai_i2v.networks.vos.transduction import Transduction


def random(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def problem():
    """Rows, codes of two objects, weights, decay, and the best filter of the first code."""
    rows, codes, weights = random(1, 40, 6), random(1, 40, 4, seed=1), 0.5 + random(1, 40, 4, seed=2).sigmoid()
    decay = torch.tensor(0.5)
    squared = weights[0, :, :1].square()
    x, y = rows[0], codes[0, :, :1]
    best = torch.linalg.solve(x.T @ (squared * x) + 0.25 * torch.eye(6), x.T @ (squared * y))
    return rows, codes, weights, decay, best


def test_the_filter_never_gets_worse_and_becomes_the_best_one():
    rows, codes, weights, decay, best = problem()
    filters, losses = torch.zeros(1, 6, 4), []
    for _ in range(8):
        losses.append(filter_loss(filters, rows, codes, weights, decay=decay).item())
        filters = fit_filter(filters, rows, codes, weights, decay=decay, objects=2, steps=1)
    assert all(after <= before + 1e-5 * losses[0] for before, after in pairwise(losses))
    filters = fit_filter(filters, rows, codes, weights, decay=decay, objects=2, steps=300)
    torch.testing.assert_close(filters[0, :, :1], best, atol=1e-4, rtol=0)
    least = filter_loss(filters, rows, codes, weights, decay=decay).item()
    assert losses[0] - losses[5] > 0.99 * (losses[0] - least)


def test_objects_are_fitted_each_for_itself_and_without_weight_a_frame_is_not_there():
    rows, codes, weights, decay, _ = problem()
    options = {"decay": decay, "steps": 3}
    together = fit_filter(torch.zeros(1, 6, 4), rows, codes, weights, objects=2, **options)
    alone = fit_filter(torch.zeros(1, 6, 2), rows, codes[..., :2], weights[..., :2], objects=1, **options)
    torch.testing.assert_close(together[..., :2], alone, atol=1e-6, rtol=0)
    weights[:, 20:] = 0
    some = fit_filter(torch.zeros(1, 6, 4), rows, codes, weights, objects=2, **options)
    never = fit_filter(torch.zeros(1, 6, 4), *(x[:, :20] for x in (rows, codes, weights)), objects=2, **options)
    torch.testing.assert_close(some, never, atol=1e-6, rtol=0)


def test_gradients_reach_codes_and_decay_through_the_steps():
    rows, codes, weights, decay, _ = problem()
    codes, decay = codes.requires_grad_(), decay.requires_grad_()

    def total(by):
        return fit_filter(torch.zeros(1, 6, 4), rows, codes, weights, decay=by, objects=2, steps=5).square().sum()

    total(decay).backward()
    numeric = (total(decay.detach() + 0.01) - total(decay.detach() - 0.01)) / 0.02
    assert decay.grad.item() == pytest.approx(numeric.item(), rel=2e-2)
    assert codes.grad.abs().max() > 0


@torch.no_grad()
def test_without_codes_the_filter_of_joint_stays_0():
    net = make_tracker("joint")
    for parameter in net.to_code.parameters():
        nn.init.zeros_(parameter)
    state = net.start(noise()[:, 0], halves())
    for frame in noise(frames=4, seed=1).unbind(1):
        _, state = net.step(frame, state)
    assert len(state.rows) == 2
    assert not state.filters.any()


@torch.no_grad()
def test_attention_that_is_sharp_returns_the_codes_of_the_frame_itself():
    transduce, cells, labels = Transduction(8, temperature=1e-4), random(1, 12, 8), random(1, 12, 6, seed=1)
    found = transduce(cells, transduce.exchange(cells), labels)
    torch.testing.assert_close(found, labels, atol=1e-4, rtol=0)


def test_the_reference_always_counts_for_a_quarter_or_more():
    shares = [1.0]
    for _ in range(30):
        shares = frame_weights(shares)
    assert shares[0] == 0.25
    assert sum(shares) == pytest.approx(1)
    assert shares[-1] > shares[1]


def test_distances_are_0_to_the_own_object_and_more_to_all_else():
    embedding = random(1, 8, 2, 3)
    inside = torch.tensor([1, 1, 0, 0, 1, 0]).bool().view(1, 1, 6)
    distances = mean_squares(embedding, embedding)
    expected = torch.cdist(embedding.flatten(2).mT, embedding.flatten(2).mT).square() / 8
    torch.testing.assert_close(distances, expected, atol=1e-4, rtol=0)
    maps = DistanceMaps()
    found = maps(distances, inside, ~inside)[0, 0]  # to the object, to its complement
    own, other = inside[0, 0], ~inside[0, 0]
    assert found[0, own].abs().max() < 1e-5
    assert found[1, own].min() > 0
    assert found[1, other].abs().max() < 1e-5
    windowed = maps(distances.masked_fill(~cells_in_reach((2, 3), 3, embedding.device), FAR), inside, ~inside)
    assert torch.equal(windowed[0, 0], found)
    assert (maps(distances, torch.zeros_like(inside), ~inside)[0, 0, 0] == 1).all()


def test_a_window_holds_the_neighbors():
    near = cells_in_reach((2, 3), 1, torch.device("cpu"))
    assert near.int().tolist()[0] == [1, 1, 0, 1, 1, 0]
    assert near.int().tolist()[4] == [1, 1, 1, 1, 1, 1]


def test_only_cells_that_are_sure_become_references():
    present = torch.ones(1, 3, 1, 1, dtype=torch.bool)
    assert not reliable_cells(torch.full((1, 2, 2, 2), 1 / 3), present).any()
    assert reliable_cells(halves(), present).all()
    # The released rule, more than 1.0 nats, says of no cell of a single object that it is unsure.
    assert -2 * 0.5 * math.log(0.5) < 1.0


@torch.no_grad()
def test_rpcm_without_gates_and_own_classifiers_does_not_look_at_means():
    net = make_tracker("rpcm")
    for name, parameter in net.named_parameters():
        if ".gate." in name or name == "classify.weight":
            nn.init.zeros_(parameter)
    clip, state = noise(), net.start(noise()[:, 0], halves())
    before = net.step(clip[:, 1], state)[0]
    head_of = net.head_of
    net.head_of = lambda state: head_of(state) + 5
    assert torch.equal(net.step(clip[:, 1], net.start(clip[:, 0], halves()))[0], before)


@torch.no_grad()
def test_the_first_segmented_frame_corrects_all_later_ones():
    net, clip = make_tracker("rpcm"), noise()
    state = net.start(clip[:, 0], halves())
    assert state.corrected is None
    _, state = net.step(clip[:, 1], state)
    first = state.corrected
    _, state = net.step(clip[:, 2], state)
    assert state.corrected is first
