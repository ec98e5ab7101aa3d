# SPDX-License-Identifier: Apache-2.0
import copy
import math
from types import SimpleNamespace

import pytest
import torch
from adapting import annotated, same_weights

from monai_i2v.adaptation import (
    Guard,
    ReferenceSchedule,
    ReferenceTrainer,
    frame_features,
    memory_net_trainer,
    reference_trainer,
)
from monai_i2v.adaptation.frame_features import FrameFeatures
from monai_i2v.adaptation.reference_trainer import GUARD_INTERVAL, _Pupil
from monai_i2v.errors import UsageError
from monai_i2v.networks import MobileNetV2Encoder, SlimMaskEncoder, TemporalContrastiveMemoryNet
from monai_i2v.propagation import propagate
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
    return ReferenceSchedule(steps=number, **options)


def test_the_given_network_is_bit_identical_afterwards_and_encoder_and_keys_too(net, disc):
    before = copy.deepcopy(net)
    adapted = ReferenceTrainer(schedule=steps(2)).adapt(net, annotated(disc)).network
    assert same_weights(net, before)
    assert [p.requires_grad for p in net.parameters()] == [p.requires_grad for p in before.parameters()]
    for part in ("encoder", "project_key"):
        assert same_weights(getattr(adapted, part), getattr(net, part)), part
    for part in ("mask_encoder", "fuse_value", "decoder"):
        assert not same_weights(getattr(adapted, part), getattr(net, part)), part
    assert not adapted.training
    assert not any(p.requires_grad for p in adapted.parameters())


def test_same_seed_same_result_and_another_seed_another(net, disc):
    def adapt(seed):
        return ReferenceTrainer(schedule=steps(2), seed=seed).adapt(net, annotated(disc)).network

    assert same_weights(adapt(0), adapt(0))
    assert not same_weights(adapt(0), adapt(1))


def test_the_drawn_frame_is_learned_and_the_others_are_kept(net, disc):
    log = ReferenceTrainer(schedule=steps(40), learning_rate=1e-2, guard=None).adapt(net, annotated(disc)).log
    early, late = log[:5], log[-5:]
    assert sum(step["view"] for step in late) < 0.8 * sum(step["view"] for step in early)
    free = ReferenceTrainer(schedule=steps(40), learning_rate=1e-2, keep_weight=0.0, guard=None)
    unkept = free.adapt(net, annotated(disc)).log[-5:]
    assert sum(step["keep"] for step in late) < sum(step["keep"] for step in unkept)


def test_the_loss_is_the_weighted_sum_of_its_terms(net, disc):
    trainer = ReferenceTrainer(schedule=steps(1), view_weight=0.5, keep_weight=2.0)
    (step,) = trainer.adapt(net, annotated(disc)).log
    assert step["loss"] == pytest.approx(0.5 * step["view"] + 2 * step["keep"], rel=1e-5)
    assert min(step["view"], step["keep"]) > 0


def test_what_is_kept_are_the_masks_of_the_given_network(net, disc):
    video = annotated(disc, ref_frame=2)
    pupil = _Pupil(copy.deepcopy(net), [video], ReferenceTrainer())
    assert sorted(pupil.found[0]) == list(range(6))
    for direction in video.directions():
        masks = propagate(net, [video.frames[index] for index in direction], video.masks)
        for index, prob in zip(direction, masks, strict=True):
            torch.testing.assert_close(pupil.found[0][index].float(), prob, atol=1e-3, rtol=0)


def test_what_is_far_away_is_not_learned_from(net, monkeypatch):
    monkeypatch.setattr(frame_features, "REACH", 3)
    asked = []

    class Frames(list):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    masks = torch.zeros(1, 1, 32, 32)
    masks[..., 8:24, 8:24] = 1
    video = AnnotatedVideo(Frames(torch.rand(40, 1, 3, 32, 32)), masks, 20)
    ReferenceTrainer(schedule=steps(8)).adapt(net, video)
    assert set(asked) == set(range(17, 24))
    assert max(asked.count(index) for index in set(asked) - {20}) == 1  # each is decoded and encoded once


def test_what_is_looked_at_before_counts_in_the_time(net, disc, monkeypatch):
    clock = iter([100.0, 107.0])
    monkeypatch.setattr(reference_trainer, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    limits = []
    monkeypatch.setattr(_Pupil, "run", lambda self, *args, **options: limits.append(options["max_seconds"]))
    ReferenceTrainer(schedule=steps(1, max_seconds=60)).adapt(net, annotated(disc))
    assert limits == [53]


def test_annealed_steps_are_judged_once(net, disc):
    never = Guard(max_dice_loss=-math.inf)
    adapted = ReferenceTrainer(schedule=steps(7, anneal=True), guard=never).adapt(net, annotated(disc))
    assert same_weights(adapted.network, net)
    assert len(adapted.log) == 7


def test_without_steps_the_network_is_a_copy(net, disc):
    adapted = memory_net_trainer("memory_only").adapt(net, annotated(disc))
    assert adapted.log == []
    assert same_weights(adapted.network, net)
    assert adapted.network is not net


def test_the_guard_takes_back_what_harms(net, disc):
    never = Guard(max_dice_loss=-math.inf)
    adapted = ReferenceTrainer(schedule=steps(20), guard=never).adapt(net, annotated(disc))
    assert same_weights(adapted.network, net)
    assert len(adapted.log) == GUARD_INTERVAL


def test_several_videos_share_one_network(net, disc):
    log = ReferenceTrainer(schedule=steps(2)).adapt(net, [annotated(disc), annotated(disc, 5)]).log
    assert [step["video"] for step in log] == [0, 1, 0, 1]


def test_a_video_of_one_frame_is_learned_from(net, disc):
    frames, masks = disc
    log = ReferenceTrainer(schedule=steps(1)).adapt(net, AnnotatedVideo(frames[:1].split(1), masks[:1])).log
    assert math.isfinite(log[0]["loss"])


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
        return ReferenceTrainer(schedule=steps(2), share=share).adapt(net, annotated(disc)).network.state_dict()

    whole, part, none = adapted(1.0), adapted(0.25), adapted(0.0)
    assert all(torch.equal(none[key], before) for key, before in net.state_dict().items())
    for key, before in net.state_dict().items():
        if before.is_floating_point():
            torch.testing.assert_close(part[key], 0.75 * before + 0.25 * whole[key], rtol=1e-5, atol=1e-7)
    assert any(not torch.equal(part[key], none[key]) for key in part if key.startswith("decoder."))


def test_objects_that_were_not_given_do_not_count(net, disc):
    pupil = _Pupil(net, [annotated(disc)], ReferenceTrainer())
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
