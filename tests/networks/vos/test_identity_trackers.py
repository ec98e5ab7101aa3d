# SPDX-License-Identifier: Apache-2.0
"""AOT and DeAOT: numbers that can be checked by hand or against a plain form."""

import pytest
import torch
from test_tracker_contract import elements
from tiny_trackers import halves, make_tracker, noise
from torch import nn

from monai_i2v.errors import UsageError
from monai_i2v.networks.vos.deaot import GatedPropagation
from monai_i2v.networks.vos.window_attention import WindowAttention, attend

both = pytest.mark.parametrize("method", ["aot", "deaot"])


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@both
@torch.no_grad()
def test_memory_does_not_depend_on_the_number_of_objects(method):
    net, sizes = make_tracker(method), []
    for objects in (1, 10):
        state = net.start(noise()[:, 0], torch.rand(1, objects, 64, 64) / objects)
        sizes.append(elements([state.long, state.short]))
    assert sizes[0] == sizes[1]
    with pytest.raises(UsageError, match="there are 11 masks, expected at most 10, the number of identities of"):
        net.start(noise()[:, 0], torch.zeros(1, 11, 64, 64))


@both
@torch.no_grad()
def test_order_of_objects_and_identities_changes_nothing(method):
    net, clip, masks = make_tracker(method), noise(), halves()
    before = net(clip, masks)
    order = [0, 2, 1, *range(3, 11)]  # background first
    net.identity.weight.data = net.identity.weight.data[:, order]
    for parameter in (net.decoder.classify.weight, net.decoder.classify.bias):
        parameter.data = parameter.data[order]
    torch.testing.assert_close(net(clip, masks.flip(1)).flip(2), before, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_window_that_covers_all_is_plain_attention():
    query, key, value = (random(2, 12, 8, seed=seed) for seed in range(3))
    near = WindowAttention(8, 8, heads=2, window=9)
    torch.testing.assert_close(near(query, key, value, (3, 4)), attend(query, key, value, 2), atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_window_reads_what_lies_in_it_and_knows_where():
    key, value = torch.zeros(1, 5, 2), torch.arange(5.0).view(1, 5, 1).expand(-1, -1, 2).contiguous()
    near = WindowAttention(2, 2, heads=1, window=3)
    assert near(key, key, value, (1, 5))[0, :, 0].tolist() == pytest.approx([0.5, 1.0, 2.0, 3.0, 3.5])
    near.addend[:, 3] = 6.0  # the left neighbor's, a third of which an inner cell reads
    assert near(key, key, value, (1, 5))[0, :, 0].tolist() == pytest.approx([0.5, 3.0, 4.0, 5.0, 6.5])
    near.bias.bias[5] = 50.0  # all look to the right, where there is something
    assert near(key, key, value, (1, 5))[0, :4, 0].tolist() == pytest.approx([1.0, 2.0, 3.0, 4.0], abs=1e-4)


@both
def test_the_second_prediction_trains_the_first_through_its_identities(method):
    net, maps = make_tracker(method).train(), []
    net.identity.register_forward_hook(lambda module, inputs, output: maps.append(output))
    prob = net(noise(frames=3), halves()).prob
    (gradient,) = torch.autograd.grad(prob[:, 2, 0].sum(), maps[1])
    assert gradient.abs().max() > 0


@both
@torch.no_grad()
def test_in_training_objects_have_identities_by_chance_in_evaluation_their_own(method):
    net = make_tracker(method)
    assert net.start(noise()[:, 0], halves()).identities.tolist() == [0, 1]
    drawn = [tuple(net.train().start(noise()[:, 0], halves()).identities.tolist()) for _ in range(8)]
    assert len(set(drawn)) > 1


@torch.no_grad()
def test_keys_of_deaot_do_not_depend_on_masks_and_separate_branches_keep_looks_apart():
    for separate in (False, True):
        net = make_tracker("deaot", separate=separate)
        features = net.encode_frame(noise()[:, 1])
        looks = []
        for masks in (halves(), halves().flip(-1)):
            memory = net.start(noise()[:, 0], masks).long[0]
            looks.append((memory[0], net._run(features, lambda *_, memory=memory: (memory, memory))[0][1]))
        (keys, stream), (other_keys, other_stream) = looks
        assert torch.equal(keys, other_keys)
        same = torch.equal(stream[:, :16], other_stream[:, :16])
        assert same == separate
        assert not torch.equal(stream[:, 16:], other_stream[:, 16:])


@torch.no_grad()
def test_gated_propagation_without_gate_and_mixing_is_plain_attention():
    query, key, value = random(1, 6, 4), random(1, 6, 4, seed=1), random(1, 6, 8, seed=2)
    gated = GatedPropagation(8, 8)
    nn.init.dirac_(gated.near.weight, groups=8)
    gated.leave.weight.data, gated.leave.bias.data = torch.eye(8)[..., None, None], torch.zeros(8)
    read = attend(query, key, value, 1)
    torch.testing.assert_close(gated(read, torch.ones(1, 6, 8), (2, 3)), read, atol=1e-6, rtol=0)
    expected = (query @ key.transpose(1, 2) / 2).softmax(dim=-1) @ value
    torch.testing.assert_close(read, expected, atol=1e-5, rtol=0)
