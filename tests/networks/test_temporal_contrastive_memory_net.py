# SPDX-License-Identifier: Apache-2.0
import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from monai_i2v.inferers import AutocastInferer
from monai_i2v.losses import ClipSegmentationLoss, TemporalContrastiveLoss
from monai_i2v.memory import ConfidentPolicy, MemoryPolicy
from monai_i2v.networks import (
    MobileNetV2Encoder,
    ResNetMaskEncoder,
    SlimMaskEncoder,
    TemporalContrastiveMemoryNet,
)
from monai_i2v.propagation import propagate

SIZE = (48, 64)


EVERY_FRAME = MemoryPolicy(mem_every=1)  # as in training


def small_net(**settings):
    torch.manual_seed(0)
    settings = {"key_channels": 16, "value_channels": 32, "widths": (32, 16, 16), "policy": EVERY_FRAME, **settings}
    net = TemporalContrastiveMemoryNet(MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(32), **settings)
    calibrate(net.encoder)
    return net


def calibrate(encoder):
    """Give batch norms the statistics of noise: without any, an untrained encoder's features all but vanish."""
    for norm in (module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.train().momentum = 1.0
    with torch.no_grad():
        encoder(noise(frames=8)[0])
    encoder.train()


@pytest.fixture
def net():
    """A small, untrained network, in evaluation mode."""
    return small_net().eval()


def noise(frames=4, videos=1, size=SIZE, seed=0):
    return torch.rand(videos, frames, 3, *size, generator=torch.Generator().manual_seed(seed))


def halves(videos=1, size=SIZE):
    """Two objects, left and right, with a gap of 16 px between them."""
    masks = torch.zeros(videos, 2, *size)
    masks[:, 0, :, : size[1] // 2 - 8] = 1
    masks[:, 1, :, size[1] // 2 + 8 :] = 1
    return masks


def labelled(frames=4, videos=1):
    """A clip and masks (B, T, K, H, W) that stay where they are."""
    return noise(frames, videos), halves(videos).unsqueeze(1).expand(-1, frames, -1, -1, -1)


def no_gradient(net):
    return [name for name, parameter in net.named_parameters() if parameter.grad is None]


def test_forward_is_the_loop(net):
    clip, masks = noise(frames=7), halves()
    by_hand = torch.stack(list(propagate(net, clip.unbind(1), masks)), dim=1)
    assert torch.equal(net(clip, masks), by_hand)
    assert torch.equal(by_hand[:, 0], masks)
    assert (by_hand[:, 1] - by_hand[:, 6]).abs().max() > 1e-4


def test_training_and_evaluation_say_the_same_of_the_first_frames(net):
    clip, masks = noise(frames=2), halves()
    evaluated = net(clip, masks)
    torch.testing.assert_close(net.train()(clip, masks).prob, evaluated, atol=1e-6, rtol=0)


def test_every_fifth_frame_is_remembered_or_as_the_policy_says(net):
    def frames_remembered():
        state, written = net.start(clip[:, 0], masks), [0]
        for t in range(1, 12):
            before = len(state.bank)
            _, state = net.step(clip[:, t], state)
            written += [t] * (len(state.bank) - before)
        return written

    clip, masks = noise(frames=12), halves()
    with torch.no_grad():
        net.policy = MemoryPolicy()
        assert frames_remembered() == [0, 5, 10]
        net.policy = MemoryPolicy(mem_every=3)
        assert frames_remembered() == [0, 3, 6, 9]
        net.policy = EVERY_FRAME
        assert frames_remembered() == list(range(12))


def test_the_caller_may_decide_which_frames_are_remembered(net):
    clip, masks = noise(frames=3), halves()
    state = net.start(clip[:, 0], masks)
    lengths = []
    for t, remember in ((1, True), (2, False)):
        _, state = net.step_from(net.encode_frame(clip[:, t]), state, remember=remember)
        lengths.append(len(state.bank))
    net.policy = MemoryPolicy(mem_every=1)
    _, state = net.step_from(net.encode_frame(clip[:, 2]), state, remember=False)
    assert [*lengths, len(state.bank)] == [2, 2, 2]


def test_memory_may_be_bounded():
    net = small_net(policy=MemoryPolicy(mem_every=1, max_mem_frames=3)).eval()
    state = net.start(noise()[:, 0], halves())
    with torch.no_grad():
        for frame in noise(frames=6).unbind(1):
            _, state = net.step(frame, state)
    assert len(state.bank) == 3


def test_values_of_training_are_those_of_all_frames_and_their_masks(net):
    clip, masks = noise(), halves()
    prob, values, _ = net.train()(clip, masks)
    for t in range(4):
        expected = net.encode_value(net.encode_frame(clip[:, t]), prob[:, t])  # (B, K, V, h, w)
        torch.testing.assert_close(values[:, :, t], expected.flatten(3).transpose(2, 3), atol=1e-5, rtol=1e-4)


def test_one_object_has_the_sigmoid_of_its_logits(net):
    frame, mask = noise()[:, 0], halves()[:, :1]
    state, features = net.start(frame, mask), net.encode_frame(noise(seed=1)[:, 0])
    logits = net.decoder(state.bank.read(net.encode_key(features)), features)
    prob, _ = net.step_from(features, state)
    torch.testing.assert_close(prob, logits.sigmoid(), atol=1e-6, rtol=0)


def test_masks_of_two_objects_never_overlap(net):
    net.decoder.classify.bias.data += 3.0  # each object by itself would take all pixels
    prob = net(noise(), halves())[:, 1:]
    assert (net(noise(), halves()[:, :1])[:, 1:] > 0.5).all()
    assert ((prob > 0.5).sum(dim=2) <= 1).all()
    assert prob.sum(dim=2).max() <= 1 + 1e-6


def test_order_of_objects_changes_nothing(net):
    clip, masks = noise(frames=7), halves()
    torch.testing.assert_close(net(clip, masks.flip(1)), net(clip, masks).flip(2), atol=1e-5, rtol=0)


def test_videos_of_a_batch_do_not_see_each_other(net):
    clip, masks = noise(frames=7, videos=2), halves(videos=2)
    masks[1] = masks[1].flip(-2)
    together = net(clip, masks)
    for video in (0, 1):
        alone = net(clip[video : video + 1], masks[video : video + 1])
        torch.testing.assert_close(together[video : video + 1], alone, atol=1e-5, rtol=0)


def test_the_value_of_an_object_depends_on_where_the_others_are(net):
    features, masks = net.encode_frame(noise()[:, 0]), halves()
    both, alone = net.encode_value(features, masks), net.encode_value(features, masks[:, :1])
    assert (both[:, :1] - alone).abs().max() > 1e-3


def test_an_empty_mask_gives_zeros_and_disturbs_no_other(net):
    clip, masks = noise(), torch.cat([halves()[:, :1], torch.zeros(1, 1, *SIZE)], dim=1)
    prob = net(clip, masks)
    assert prob[:, :, 1].abs().max() == 0
    torch.testing.assert_close(prob[:, :, :1], net(clip, masks[:, :1]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("empty", [(1,), (0, 1)])
def test_empty_masks_have_finite_losses_and_gradients(net, empty):
    clip, masks = labelled(frames=3)
    masks = masks.clone()
    masks[:, :, list(empty)] = 0
    loss = ClipSegmentationLoss(dice_weight=1.0)(net.train()(clip, masks[:, 0]), masks)
    loss.backward()
    assert loss.isfinite()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters() if parameter.grad is not None)


def test_a_query_equal_to_the_memory_reads_its_own_values_when_the_key_is_sharp(net):
    net.project_key.weight.data *= 10
    features, masks = net.encode_frame(noise()[:, 0]), halves()
    state = net.start_from(features, masks)
    own = net.encode_value(features, masks)
    assert (own - own.roll(1, dims=-1)).abs().max() > 0.1
    torch.testing.assert_close(state.bank.read(net.encode_key(features)), own, atol=1e-4, rtol=0)


def test_key_starts_orthogonal(net):
    rows = net.project_key.weight.flatten(1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(16), atol=1e-5, rtol=0)
    assert net.project_key.bias.abs().max() == 0


def test_every_parameter_has_a_gradient(net):
    clip, masks = labelled(frames=3)
    ClipSegmentationLoss(contrast_weight=0.05)(net.train()(clip, masks[:, 0]), masks).backward()
    assert no_gradient(net) == []


def test_contrast_reaches_the_mask_encoder_through_the_value_of_the_last_frame(net):
    encoded = []
    net.mask_encoder.register_forward_hook(lambda module, masks, output: encoded.append(output))
    clip, masks = noise(frames=3), halves()
    values = net.train()(clip, masks).values
    at_values, at_encoder = torch.autograd.grad(TemporalContrastiveLoss()(values), [values, encoded[2]])
    assert at_values[:, :, 2].abs().max() > 0
    assert at_encoder.abs().max() > 0


def test_the_second_prediction_trains_the_first(net):
    """Gradient flows through the memory: what is predicted of frame 1 becomes a value that frame 2 reads."""
    logits = []
    net.decoder.register_forward_hook(lambda module, inputs, output: logits.append(output))
    prob = net.train()(noise(frames=3), halves()).prob
    (gradient,) = torch.autograd.grad(prob[:, 2, 0].sum(), logits[0])
    assert gradient.abs().max() > 0


def test_a_video_leaves_nothing_behind(net):
    clip, masks = noise(frames=7), halves()
    before = copy.deepcopy(net.state_dict())
    assert torch.equal(net(clip, masks), net(clip, masks))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_frames_of_any_size_are_padded_to_the_grid_and_cropped_back(net):
    clip, masks = noise(frames=3, size=(40, 50)), halves(size=(40, 50))
    pad = (0, 14, 0, 8)  # to 64 x 48
    padded = F.pad(clip.flatten(0, 1), pad, mode="replicate").unflatten(0, (1, 3))
    prob = net(clip, masks)
    assert prob.shape == (1, 3, 2, 40, 50)
    torch.testing.assert_close(prob[:, :2], net(padded, F.pad(masks, pad))[:, :2, :, :40, :50], atol=1e-6, rtol=0)


def test_a_missing_mask_is_an_object_that_fills_the_frame(net):
    clip = noise(frames=3)
    assert torch.equal(net(clip), net(clip, torch.ones(1, 1, *SIZE)))


def test_mixed_precision_gives_float32_nearer_to_full_precision_than_another_clip_is(net):
    clip, masks = noise(frames=3), halves()
    full, other = net.train()(clip, masks), net(noise(frames=3, seed=1), masks)
    mixed = AutocastInferer()(clip, net, masks)
    for in_full, in_mixed, of_other in zip(full[:2], mixed[:2], other[:2], strict=True):
        assert in_mixed.dtype == torch.float32
        assert 0 < (in_mixed - in_full).abs().mean() < 0.2 * (of_other - in_full).abs().mean()


def test_a_frame_of_another_size_is_refused(net):
    state = net.start(noise()[:, 0], halves())
    with pytest.raises(ValueError, match="frame 1 is 32x48 px, but the video began with 64x48 px"):
        net.step(torch.rand(1, 3, 48, 32), state)


def test_an_encoder_without_the_stages_is_refused():
    with pytest.raises(ValueError, match=r"the encoder has stages \(4, 8\), but 4, 8 and 16 are needed"):
        TemporalContrastiveMemoryNet(MobileNetV2Encoder(last_stage=8), SlimMaskEncoder(32))


def test_the_papers_network_has_its_sizes():
    net = TemporalContrastiveMemoryNet()
    assert net.encoder.channels == {4: 256, 8: 512, 16: 1024}
    assert net.project_key.weight.shape == (64, 1024, 3, 3)
    masks = F.interpolate(halves(), size=(64, 64))
    features = net.encode_frame(noise(size=(64, 64))[:, 0])
    assert net.encode_value(features, masks).shape == (1, 2, 512, 4, 4)
    assert isinstance(net.mask_encoder, ResNetMaskEncoder)


@pytest.mark.parametrize("make", [ResNetMaskEncoder, lambda: SlimMaskEncoder(32)])
@pytest.mark.parametrize("channel", [0, 1])
def test_a_mask_that_moves_16_px_moves_one_cell_in_its_encoding(make, channel):
    torch.manual_seed(0)
    encoder = make()
    masks = torch.zeros(3, 2, 352, 352)
    masks[1, channel, 170:200, 160:180] = 1
    masks[2, channel, 170:200, 176:196] = 1
    empty, here, there = encoder(masks)
    assert len(empty) == encoder.channels
    assert (here - empty)[:, 11, 10].abs().max() > 1e-3
    inner = slice(8, 15)  # far from the borders of 22 cells
    torch.testing.assert_close(there[:, inner, inner], here.roll(1, dims=2)[:, inner, inner], atol=1e-4, rtol=0)
    assert (there - here)[:, inner, inner].abs().max() > 1e-2


def test_batch_norms_of_the_mask_encoder_never_train():
    encoder = ResNetMaskEncoder()
    norms = [module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 15
    assert not any(norm.training for norm in norms)
    assert encoder.train().training
    assert not any(norm.training for norm in norms)


def moving_ellipse(length=6, size=96):
    """An ellipse that drifts over noise: clip (1, T, 3, H, W), masks (1, T, 1, H, W)."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    t = torch.arange(length).view(-1, 1, 1)
    inside = ((rows - 40.0 - 3 * t) / 14) ** 2 + ((columns - 30.0 - 6 * t) / 20) ** 2 < 1  # (T, H, W)
    color = torch.tensor([0.6, 0.4, 0.2]).view(3, 1, 1)
    clip = 0.2 * noise(length, size=(size, size)) + color * inside.unsqueeze(1)
    return clip, inside[None, :, None].float()


def overlap(net, clip, masks):
    """Mean region similarity J of the frames after the first."""
    with torch.no_grad():
        found = net.eval()(clip, masks[:, 0])[:, 1:] > 0.5
    true = masks[:, 1:] > 0.5
    return ((found & true).sum(dim=(-2, -1)) / (found | true).sum(dim=(-2, -1))).mean().item()


def test_it_learns_to_follow_a_moving_ellipse():
    net = small_net()
    clip, masks = moving_ellipse()
    loss = ClipSegmentationLoss(contrast_weight=0.05, dice_weight=1.0)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    before, steps = overlap(net, clip, masks), 0
    while overlap(net, clip, masks) <= 0.9 and steps < 290:
        net.train()
        for start in (0, 3) * 5:  # both halves of the clip
            part, truth = clip[:, start : start + 3], masks[:, start : start + 3]
            optimizer.zero_grad()
            loss(net(part, truth[:, 0]), truth).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 10.0)
            optimizer.step()
        steps += 10
    assert before < 0.5
    assert overlap(net, clip, masks) > 0.9


def test_a_further_annotated_frame_brings_an_object_that_the_first_lacks(net):
    clip, masks = noise(frames=3), halves()
    first = masks.clone()
    first[:, 1] = 0
    with torch.no_grad():
        state = net.start(clip[:, 0], first)
        assert not net.step(clip[:, 2], state)[0][:, 1].any()
        state = net.add_support(clip[:, 1], masks, net.start(clip[:, 0], first))
        assert net.step(clip[:, 2], state)[0][:, 1].amax() > 0
        assert len(state.bank) == 3  # two annotated frames, and the one that was segmented


def test_a_frame_labelled_throughout_leaves_no_background_later_but_training_keeps_it(net):
    clip, masks = torch.rand(1, 3, 3, 32, 48), torch.zeros(1, 2, 32, 48)
    masks[:, 0, :10], masks[:, 1, 10:] = 1, 1
    torch.testing.assert_close(net.eval()(clip, masks).sum(dim=2), torch.ones(1, 3, 32, 48))
    assert net.train()(clip, masks).prob[:, 1:].sum(dim=2).max() < 1


@torch.no_grad()
def test_the_reference_from_nearer_joins_the_memory_for_good():
    net = small_net(policy=MemoryPolicy(mem_every=1, max_mem_frames=2, reference_crops=(1.5, 2))).eval()
    clip, masks = torch.rand(1, 6, 3, 32, 48), torch.zeros(1, 1, 32, 48)
    masks[..., :16, :24] = 1
    state = net.start(clip[:, 0], masks)
    first = state.bank.values.clone()
    assert first.shape[2] == 1 + 4 + 4
    corner = net.encode_frame(F.interpolate(clip[:, 0, :, :16, :24], (32, 48), mode="bilinear"))
    torch.testing.assert_close(first[:, :, 5], net.encode_value(corner, torch.ones_like(masks)).flatten(3).mT)
    for frame in clip[0, 1:]:
        _, state = net.step(frame[None], state)
    assert torch.equal(state.bank.values[:, :, :9], first)
    assert len(state.bank) == 10
    plain = small_net(policy=MemoryPolicy(max_mem_frames=2)).eval()
    plain.load_state_dict(net.state_dict())
    assert len(plain.start(clip[:, 0], masks).bank) == 1


@torch.no_grad()
def test_background_is_one_more_object():
    net, plain = small_net(background=True).eval(), small_net().eval()
    plain.load_state_dict(net.state_dict())
    clip, masks = noise(frames=7), halves()
    masks[..., :10, :] = 0
    background = 1 - masks.sum(dim=1, keepdim=True)
    as_object = plain(clip, torch.cat([masks, background], dim=1))[:, :, :-1]
    torch.testing.assert_close(net(clip, masks), as_object, atol=1e-5, rtol=1e-4)
    assert net.train()(clip, masks).values.shape[1] == masks.shape[1]


@torch.no_grad()
def test_a_frame_labelled_throughout_has_no_background_to_remember_either():
    net = small_net(background=True).eval()
    masks = torch.zeros(1, 2, *SIZE)
    masks[:, 0, :20], masks[:, 1, 20:] = 1, 1
    torch.testing.assert_close(net(noise(), masks).sum(dim=2), torch.ones(1, 4, *SIZE))


def test_the_policy_of_the_state_decides_what_is_remembered(net, disc):
    frames, masks = disc
    net.policy = ConfidentPolicy(mem_every=1, min_confidence=0.5, novelty_threshold=0)
    state = net.start(frames[:1], masks[:1])
    features = net.encode_frame(frames[1:2])
    net.step_from(features, state)
    assert len(state.bank) == 1 + state.remembered
    state.policy = ConfidentPolicy(mem_every=1, min_confidence=1.0, novelty_threshold=0)
    lengths = []
    for remember in (None, True):
        net.step_from(features, state, remember=remember)
        lengths.append((len(state.bank), state.remembered))
    assert lengths[1] == (lengths[0][0] + 1, True)
    assert not lengths[0][1]
