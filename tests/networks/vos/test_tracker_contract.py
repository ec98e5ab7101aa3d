# SPDX-License-Identifier: Apache-2.0
import copy
from dataclasses import fields, is_dataclass

import pytest
import torch
from tiny_trackers import BUILDERS, halves, make_tracker, moving_ellipse, noise

from monai_i2v.errors import UsageError
from monai_i2v.inferers import AutocastInferer
from monai_i2v.losses import ClipSegmentationLoss
from monai_i2v.memory import AdaptiveBank, MemoryBank
from monai_i2v.networks import ClipPrediction
from monai_i2v.networks.vos import LIGHT_FORMS, light_network
from monai_i2v.phantoms import Phantom
from monai_i2v.session import VideoSession

each_method = pytest.mark.parametrize("method", BUILDERS)
# Of identities, an object has its own; see `test_identity_trackers.py`.
alike = pytest.mark.parametrize("method", [method for method in BUILDERS if method not in ("aot", "deaot")])


def elements(thing):
    """Numbers that a state holds."""
    if isinstance(thing, torch.Tensor):
        return thing.numel()
    if isinstance(thing, MemoryBank):
        return thing.keys.numel() + thing.values.numel()
    if isinstance(thing, AdaptiveBank):
        return thing.keys.numel() + thing.values.numel()
    if isinstance(thing, list | tuple):
        return sum(map(elements, thing))
    return sum(elements(getattr(thing, one.name)) for one in fields(thing)) if is_dataclass(thing) else 0


def test_every_light_form_is_tested():
    assert LIGHT_FORMS.keys() == BUILDERS.keys()
    with pytest.raises(UsageError, match="method is 'siamese', expected one of tcmn, afb_urr, stcn"):
        light_network("siamese")


@each_method
@pytest.mark.parametrize("size", [(64, 64), (50, 70)])
@torch.no_grad()
def test_masks_have_the_size_of_the_frame_and_never_overlap(method, size):
    prob = make_tracker(method)(noise(size=size), halves(size=size))
    assert prob.shape == (1, 4, 2, *size)
    assert prob.isfinite().all()
    assert prob.min() >= 0
    assert prob.sum(dim=2).max() <= 1 + 1e-6


@alike
@torch.no_grad()
def test_order_of_objects_changes_nothing(method):
    net, clip, masks = make_tracker(method), noise(), halves()
    torch.testing.assert_close(net(clip, masks.flip(1)), net(clip, masks).flip(2), atol=1e-5, rtol=0)


@each_method
@torch.no_grad()
def test_an_empty_mask_gives_zeros_and_disturbs_no_other(method):
    net, clip = make_tracker(method), noise()
    one = halves()[:, :1]
    prob = net(clip, torch.cat([one, torch.zeros_like(one)], dim=1))
    assert not prob[:, :, 1].any()
    torch.testing.assert_close(prob[:, :, :1], net(clip, one), atol=1e-5, rtol=0)


@each_method
@torch.no_grad()
def test_videos_do_not_mix_in_a_batch_nor_in_turn(method):
    net, clip, masks = make_tracker(method), noise(videos=2), halves(videos=2)
    masks[1] = masks[1].flip(-2)
    together = net(clip, masks)
    states = [net.start(clip[video : video + 1, 0], masks[video : video + 1]) for video in (0, 1)]
    for t in range(1, 4):
        for video in (0, 1):
            prob, states[video] = net.step(clip[video : video + 1, t], states[video])
            torch.testing.assert_close(together[video : video + 1, t], prob, atol=1e-5, rtol=0)


@each_method
@torch.no_grad()
def test_a_copy_of_the_state_goes_its_own_way_and_a_step_may_be_taken_apart(method):
    net, clip = make_tracker(method), noise()
    state = net.start(clip[:, 0], halves())
    other = copy.deepcopy(state)
    for t in (3, 2):
        _, other = net.step(clip[:, t], other)
    for t in (1, 2, 3):
        prob, state = net.step_from(net.encode_frame(clip[:, t]), state)
    torch.testing.assert_close(prob, net(clip, halves())[:, 3], atol=1e-6, rtol=0)
    assert state.trace == {}


@each_method
@torch.no_grad()
def test_what_is_remembered_is_bounded(method):
    net, state, sizes = make_tracker(method), None, []
    for t, frame in enumerate(noise(frames=25).unbind(1)):
        state = net.step(frame, state)[1] if t else net.start(frame, halves())
        if t in (12, 24):
            sizes.append(elements(state))
    assert 0 < sizes[1] <= sizes[0]


@each_method
@torch.no_grad()
def test_a_further_annotated_frame_brings_an_object_that_the_first_lacks(method):
    net, clip, masks = make_tracker(method), noise(frames=3), halves()
    first = masks.clone()
    first[:, 1] = 0
    assert not net.step(clip[:, 2], net.start(clip[:, 0], first))[0][:, 1].any()
    state = net.add_support(clip[:, 1], masks, net.start(clip[:, 0], first))
    assert net.step(clip[:, 2], state)[0][:, 1].amax() > 0


@each_method
def test_a_frame_of_another_size_is_refused(method):
    net = make_tracker(method)
    with torch.no_grad(), pytest.raises(ValueError, match="frame 1 is 32x48 px, but the video began with 64x64 px"):
        net.step(torch.rand(1, 3, 48, 32), net.start(noise()[:, 0], halves()))


@each_method
def test_all_that_is_trained_has_a_gradient_also_in_mixed_precision(method):
    net, clip = make_tracker(method).train(), noise(frames=3)
    truth = halves().unsqueeze(1).expand(-1, 3, -1, -1, -1)
    prediction = AutocastInferer()(clip, net, truth[:, 0], truth)
    assert isinstance(prediction, ClipPrediction)
    assert prediction.further >= 0
    assert {part.dtype for part in prediction} == {torch.float32}
    weight = 0.05 if method == "tcmn" else 0.0
    loss = ClipSegmentationLoss(contrast_weight=weight, dice_weight=1.0)(prediction, truth)
    loss.backward()
    assert loss.isfinite()
    trained = [(name, param.grad) for name, param in net.named_parameters() if param.requires_grad]
    assert [name for name, grad in trained if grad is None or not grad.isfinite().all()] == []


@each_method
def test_it_learns_to_follow_an_ellipse(method):
    net, (clip, masks) = make_tracker(method).train(), moving_ellipse()
    loss = ClipSegmentationLoss(contrast_weight=0.0, dice_weight=1.0)
    optimizer = torch.optim.AdamW([param for param in net.parameters() if param.requires_grad], lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        prediction = net(clip, masks[:, 0], masks)
        loss(prediction, masks).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        found, true = prediction.prob[:, 1:] > 0.5, masks[:, 1:] > 0.5
        if (found & true).sum() > 0.9 * (found | true).sum():
            return
    pytest.fail(f"after 60 steps the masks of {method} still miss the ellipse")


@each_method
def test_a_session_carries_masks_both_ways_from_what_is_drawn(method):
    phantom = Phantom(length=5, size=(64, 64))
    session = VideoSession(make_tracker(method), phantom, size=64)
    for index in (1, 3):
        session.annotate(index, phantom.label_map(index))
    assert len(list(session.propagate())) > 0
    assert session[4].label_map.shape == (64, 64)
