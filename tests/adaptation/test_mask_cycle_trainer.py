# SPDX-License-Identifier: Apache-2.0
import copy
import math

import numpy as np
import pytest
import torch
from adapting import annotated, same_weights

from monai_i2v.adaptation import CycleSchedule, Guard, MaskCycleTrainer, memory_net_trainer
from monai_i2v.adaptation.frame_features import FrameFeatures
from monai_i2v.adaptation.mask_cycle_trainer import GUARD_INTERVAL, _Pupil
from monai_i2v.errors import UsageError
from monai_i2v.networks import MobileNetV2Encoder, SlimMaskEncoder, TemporalContrastiveMemoryNet
from monai_i2v.tracking import AnnotatedVideo


@pytest.fixture
def net():
    """A small, untrained memory network, in evaluation mode."""
    torch.manual_seed(0)
    encoder = MobileNetV2Encoder(last_stage=16)
    return TemporalContrastiveMemoryNet(
        encoder, SlimMaskEncoder(16), key_channels=16, value_channels=32, widths=(32, 16, 16)
    ).eval()


def steps(number, **options):
    return CycleSchedule(steps=number, **options)


def test_the_given_network_is_bit_identical_afterwards_and_the_encoder_too(net, disc):
    before = copy.deepcopy(net)
    adapted = MaskCycleTrainer(schedule=steps(2)).adapt(net, annotated(disc)).network
    assert same_weights(net, before)
    assert [p.requires_grad for p in net.parameters()] == [p.requires_grad for p in before.parameters()]
    assert same_weights(adapted.encoder, net.encoder)
    for part in ("project_key", "mask_encoder", "fuse_value", "decoder"):
        assert not same_weights(getattr(adapted, part), getattr(net, part)), part
    assert not adapted.training
    assert not any(p.requires_grad for p in adapted.parameters())


def test_same_seed_same_result_and_another_seed_another(net, disc):
    def adapt(seed):
        return MaskCycleTrainer(schedule=steps(2), seed=seed).adapt(net, annotated(disc)).network

    assert same_weights(adapt(0), adapt(0))
    assert not same_weights(adapt(0), adapt(1))


def test_cycles_close_on_a_video(net, disc):
    trainer = MaskCycleTrainer(schedule=steps(40), learning_rate=1e-2, guard=None)
    log = trainer.adapt(net, annotated(disc)).log
    cycles = [step["cycle"] for step in log]
    assert sum(cycles[-5:]) < 0.7 * sum(cycles[:5])
    assert log[-1]["ref_dice"] > log[0]["ref_dice"]


def test_only_the_view_term_when_cycles_weigh_nothing(net, disc):
    log = MaskCycleTrainer(schedule=steps(1), cycle_weight=0.0).adapt(net, annotated(disc)).log
    assert log[0]["loss"] == pytest.approx(log[0]["view"])
    assert log[0]["cycle"] > 0


def test_without_steps_the_network_is_a_copy(net, disc):
    adapted = memory_net_trainer("memory_only").adapt(net, annotated(disc))
    assert adapted.log == []
    assert same_weights(adapted.network, net)
    assert adapted.network is not net


def test_the_guard_takes_back_what_harms(net, disc):
    never = Guard(max_dice_loss=-math.inf)
    adapted = MaskCycleTrainer(schedule=steps(20), guard=never).adapt(net, annotated(disc))
    assert same_weights(adapted.network, net)
    assert len(adapted.log) == GUARD_INTERVAL


def test_several_videos_share_one_network(net, disc):
    log = MaskCycleTrainer(schedule=steps(2)).adapt(net, [annotated(disc), annotated(disc, 5)]).log
    assert [step["video"] for step in log] == [0, 1, 0, 1]


def test_a_video_of_one_frame_is_learned_from(net, disc):
    frames, masks = disc
    log = MaskCycleTrainer(schedule=steps(1)).adapt(net, AnnotatedVideo(frames[:1].split(1), masks[:1])).log
    assert math.isfinite(log[0]["loss"])


def test_pairs_lie_on_one_side_of_the_reference_within_the_jump(disc):
    encoded = []

    def encode(frame):
        encoded.append(frame)
        return {16: frame}

    frames = torch.arange(21.0).view(21, 1, 1, 1, 1)
    features = FrameFeatures(encode, AnnotatedVideo(frames, torch.ones(1, 1, 1, 1), 10), max_frames=100)
    random = np.random.RandomState(0)
    pairs = [tuple(int(part[16]) for part in features.draw_pair(3, random)) for _ in range(300)]
    assert all((near - 10) * (far - 10) > 0 for near, far in pairs)
    assert all(abs(near - 10) <= abs(far - 10) <= abs(near - 10) + 3 for near, far in pairs)
    assert {near for near, _ in pairs} == set(range(21)) - {10}
    assert len(encoded) == 20  # each frame once


def test_at_most_so_many_frames_are_learned_from(disc):
    features = FrameFeatures(lambda frame: {16: frame}, annotated(disc), max_frames=3)
    assert features.frames.tolist() == [1, 3, 5]


def test_wrong_settings_are_refused():
    with pytest.raises(UsageError, match="preset is 'paper', expected one of memory_only, anchored"):
        memory_net_trainer("paper")
    with pytest.raises(UsageError, match=r"preset is \['a'\]"):
        memory_net_trainer(["a"])
    with pytest.raises(UsageError, match="max_seconds is 0"):
        memory_net_trainer("anchored", max_seconds=0)


def test_the_result_may_lie_between_the_given_and_the_adapted_weights(net, disc):
    def adapted(share):
        return MaskCycleTrainer(schedule=steps(2), share=share).adapt(net, annotated(disc)).network.state_dict()

    whole, part, none = adapted(1.0), adapted(0.25), adapted(0.0)
    assert all(torch.equal(none[key], before) for key, before in net.state_dict().items())
    for key, before in net.state_dict().items():
        if before.is_floating_point():
            torch.testing.assert_close(part[key], 0.75 * before + 0.25 * whole[key], rtol=1e-5, atol=1e-7)
    assert not torch.equal(part["project_key.weight"], none["project_key.weight"])


def test_objects_that_were_not_given_do_not_count(net, disc):
    pupil = _Pupil(net, [annotated(disc)], MaskCycleTrainer())
    masks = disc[1][:1]
    prob, missing = 0.9 * masks, torch.zeros_like(masks)
    alone = pupil._loss(prob, masks, given=masks)
    given = torch.cat([masks, missing], dim=1)
    beside = pupil._loss(torch.cat([prob, missing], dim=1), given, given=given)
    lost = pupil._loss(
        torch.cat([prob, missing], dim=1),
        torch.cat([masks, masks.roll(24, -1) * (1 - masks)], dim=1),
        given=given,
    )
    torch.testing.assert_close(beside, alone)
    torch.testing.assert_close(lost, alone)
