# SPDX-License-Identifier: Apache-2.0
import copy

import pytest
import torch

from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks import OneShotMemoryNet, SegmentationHead
from monai_i2v.networks.one_shot_memory_net import widen_head
from monai_i2v.propagation import propagate


@pytest.mark.parametrize("train", [False, True])
def test_identity_head_equals_the_image_network(image_net, disc, train):
    frames, masks = disc
    net = OneShotMemoryNet(image_net, head_init="identity", key="matching").train(train)
    image_net.train(train)
    for part in (net.net.fusion, net.net.head, image_net.fusion, image_net.head):
        for dropout in (module for module in part.modules() if isinstance(module, torch.nn.Dropout2d)):
            dropout.p = 0.0
    ours, theirs = (list(propagate(one, frames.split(1), masks[:1])) for one in (net, image_net))
    assert max((a - b).abs().max() for a, b in zip(ours, theirs, strict=True)) < 1e-5


def test_blend_head_sees_the_average_of_features_and_readout():
    torch.manual_seed(0)
    head = SegmentationHead(8, 8).eval()
    features, readout = torch.randn(2, 1, 8, 5, 5)
    blended = widen_head(head, "blend", 0.25).eval()(torch.cat([features, readout], dim=1))
    torch.testing.assert_close(blended, head(0.75 * features + 0.25 * readout), atol=2e-6, rtol=0)


def test_random_head_keeps_only_the_last_convolution():
    head = SegmentationHead(8, 8)
    wide = widen_head(head, "random")
    assert torch.equal(wide.classify.weight, head.classify.weight)
    assert wide.conv.weight.shape == (8, 16, 3, 3)


def test_unknown_head_names_the_choices():
    with pytest.raises(ValueError, match="one of 'identity', 'blend', 'random', got 'zero'"):
        widen_head(SegmentationHead(8, 8), "zero")


def test_every_fourth_frame_is_remembered(image_net, disc):
    frames, masks = disc
    net = OneShotMemoryNet(image_net, key="matching")
    state = net.start(frames[:1], masks[:1])
    lengths = [len(state.bank)]
    for index in range(9):
        _, state = net.step(frames[index % 6][None], state)
        lengths.append(len(state.bank))
    assert lengths == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]


def test_a_further_annotated_frame_tells_what_to_look_for_and_stays_in_the_memory(image_net, disc):
    frames, masks = disc
    net = OneShotMemoryNet(
        image_net, key="matching", policy=MemoryPolicy(mem_every=1, max_mem_frames=2, top_fraction=0.2)
    ).eval()
    nothing = torch.zeros_like(masks[:1])
    with torch.no_grad():
        assert not net.step(frames[1:2], net.start(frames[:1], nothing))[0].any()
        state = net.add_support(frames[2:3], masks[2:3], net.start(frames[:1], nothing))
        assert net.step(frames[1:2], state)[0].amax() > 0
    assert (len(state.supports), len(state.bank), state.bank.permanent) == (2, 3, 2)


def test_state_is_all_that_a_video_leaves_behind(image_net, disc):
    frames, masks = disc
    net = OneShotMemoryNet(image_net, key="matching")
    before = copy.deepcopy(net.state_dict())
    first = [prob.clone() for prob in propagate(net, frames.split(1), masks[:1])]
    again = list(propagate(net, frames.split(1), masks[:1]))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_forward_is_the_loop(image_net, disc):
    frames, masks = disc
    net = OneShotMemoryNet(image_net)
    clip = net(frames.unsqueeze(0), masks[:1])
    assert torch.equal(clip, torch.stack(list(propagate(net, frames.split(1), masks[:1])), dim=1))
    assert net(frames.unsqueeze(0)[:, :2]).shape == (1, 2, 1, 64, 80)


def test_matching_key_needs_a_network_that_has_one(image_net):
    image_net.prior.key = None
    with pytest.raises(ValueError, match="prior has no key; use key='encoder'"):
        OneShotMemoryNet(image_net, key="matching")
