# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.networks import RelearningNet
from monai_i2v.propagation import propagate


def segment(net, frames, masks):
    with torch.no_grad():
        return torch.cat(list(propagate(net, frames.split(1), masks)))


@pytest.mark.parametrize("objects", [1, 2])
def test_before_relearning_it_is_the_image_network_to_the_last_bit(image_net, disc, objects):
    frames, masks = disc
    given = torch.cat([masks[:1], masks[:1].roll(30, -1)][:objects], dim=1)
    assert torch.equal(segment(RelearningNet(image_net), frames, given), segment(image_net, frames, given))


def test_it_is_a_copy_in_the_mode_of_the_image_network(image_net):
    net = RelearningNet(image_net)
    assert not net.training
    net.net.head.classify.bias.data += 1
    assert not torch.equal(net.net.head.classify.bias, image_net.head.classify.bias)
    assert RelearningNet(image_net.train()).training


def test_each_frame_sees_the_last_frames_and_no_others(image_net, disc):
    frames, masks = disc
    net = RelearningNet(image_net, window=3, scale=1.0)
    state = net.start(frames[:1], masks[:1])
    lengths = [state.window.shape[1]]
    with torch.no_grad():
        for frame in frames[1:].split(1):
            _, state = net.step(frame, state)
            lengths.append(state.window.shape[1])
    assert lengths == [1, 2, 3, 3, 3, 3]
    changed = frames.clone()
    changed[2] = 0  # outside the windows of the frames from 5 on
    before, after = segment(net, frames, masks[:1]), segment(net, changed, masks[:1])
    differs = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert differs == [False, False, True, True, True, False]


def test_the_same_annotated_frame_twice_changes_nothing(image_net, disc):
    frames, masks = disc
    net = RelearningNet(image_net)
    once = net.start(frames[:1], masks[:1])
    twice = net.add_support(frames[:1], masks[:1], net.start(frames[:1], masks[:1]))
    with torch.no_grad():
        torch.testing.assert_close(net.step(frames[3:4], once)[0], net.step(frames[3:4], twice)[0])


def test_several_annotated_frames_are_averaged_after_the_fusion(image_net, disc):
    frames, masks = disc
    net = RelearningNet(image_net)
    state = net.add_support(frames[2:3], masks[2:3], net.start(frames[:1], masks[:1]))
    with torch.no_grad():
        features = net.net.encode_frame(frames[4:5])
        middle = net.net._middle(features)
        fused = [net.net.fusion(middle, one.token, net.net.prior(features, one.prior)) for one in state.supports]
        logits = net.net.head(net.net.enhance((fused[0] + fused[1]) / 2))
        prob, _ = net.step(frames[4:5], state)
    expected = net.net.to_probabilities(net.net.upsample(logits, (64, 80)), state.supports[0].present)
    torch.testing.assert_close(prob, expected)


def test_an_annotated_frame_without_an_object_says_nothing_about_it(image_net, disc):
    frames, masks = disc
    net = RelearningNet(image_net)
    two = masks[:1].repeat(1, 2, 1, 1)
    only_first = two.clone()
    only_first[:, 1] = 0
    state = net.add_support(frames[2:3], only_first, net.start(frames[:1], two))
    with torch.no_grad():
        features = net.net.encode_frame(frames[4:5])
        both, one = (net.net.embed(features, *supports) for supports in (state.supports, state.supports[:1]))
    torch.testing.assert_close(both[1], one[1])
    assert not torch.allclose(both[0], one[0], atol=1e-3)


def test_frames_after_the_reference_alone_and_clips_of_one_frame(image_net, disc):
    frames, masks = disc
    net = RelearningNet(image_net, scale=1.0)
    assert torch.equal(segment(net, frames[:1], masks[:1]), masks[:1])
    assert net(frames[:2].unsqueeze(0), masks[:1]).isfinite().all()
