# SPDX-License-Identifier: Apache-2.0
import copy
import math

import pytest
import torch
from adapting import annotated, masks_of, same_weights

from monai_i2v.adaptation import ConsistencyRelearner, ConsistencyWeights, Guard, Schedule, relearner
from monai_i2v.errors import UsageError


def relearn(net, video, passes=1, **settings):
    schedule = Schedule(passes=passes, window=settings.pop("window", 3))
    return ConsistencyRelearner(schedule=schedule, **settings).adapt(net, video)


def parts_changed(relearned, image_net):
    net = relearned.network.net
    return {part for part, child in net.named_children() if not same_weights(child, getattr(image_net, part))}


def test_head_and_encoder_stay_and_the_rest_learns(image_net, disc):
    before = copy.deepcopy(image_net)
    relearned = relearn(image_net, annotated(disc))
    assert parts_changed(relearned, image_net) == {"prior", "fusion", "enhance"}
    assert same_weights(image_net, before)
    assert not any(p.requires_grad for p in relearned.network.parameters())
    assert relearned.network.attention.scale.abs().max() > 0


def test_the_encoder_learns_when_asked(image_net, disc):
    relearned = relearn(image_net, annotated(disc), train_encoder=True)
    assert parts_changed(relearned, image_net) == {"encoder", "prior", "fusion", "enhance"}


def test_with_a_trained_encoder_the_first_step_sees_what_a_frozen_one_sees(image_net, disc):
    frozen, trained = (relearn(image_net, annotated(disc), train_encoder=one).log[0] for one in (False, True))
    assert trained == pytest.approx(frozen, rel=1e-4, abs=1e-6)


def test_at_the_start_only_the_temporal_loss_speaks(image_net, disc):
    log = relearn(image_net, annotated(disc)).log
    assert log[0]["feature"] == pytest.approx(0, abs=1e-10)
    assert log[0]["prediction"] == pytest.approx(0, abs=1e-10)
    assert log[0]["temporal"] > 0
    assert log[0]["loss"] == pytest.approx(0.1 * log[0]["temporal"], rel=1e-4)


def test_gradients_of_the_first_step(image_net, disc, monkeypatch):
    """At scale 0 the enhancement and the scale learn; what is behind the scale waits for the second step."""
    seen = {}

    def note(self, *args, **kwargs):
        for group in self.param_groups:
            for param in group["params"]:
                seen.setdefault(id(param), 0.0 if param.grad is None else param.grad.abs().max().item())

    monkeypatch.setattr(torch.optim.Adam, "step", note)
    net = relearn(image_net, annotated(disc)).network
    assert seen[id(net.attention.scale)] > 0
    assert max(seen[id(param)] for param in net.net.enhance.parameters()) > 0
    behind = [param for name, param in net.attention.named_parameters() if name != "scale"]
    assert [seen[id(param)] for param in behind] == [0.0] * len(behind)


def test_a_still_video_has_nothing_to_agree_on(image_net, disc):
    frames, masks = disc
    log = relearn(image_net, annotated((frames[:1].expand(5, -1, -1, -1), masks[:1].expand(5, -1, -1, -1)))).log
    assert log[0]["temporal"] == pytest.approx(0, abs=1e-6)


def test_neighboring_features_come_nearer(image_net, disc):
    log = relearn(image_net, annotated(disc), passes=8, learning_rate=1e-3, guard=None).log
    assert log[-1]["temporal"] < 0.8 * log[0]["temporal"]


def test_without_the_prediction_loss_masks_stop_moving(image_net, disc):
    """The negative test of the method: features that never change are the temporal loss's best."""
    video = annotated(disc)
    weights = ConsistencyWeights(temporal=1.0, feature=0.0, prediction=0.0)
    collapsed = relearn(image_net, video, passes=40, weights=weights, learning_rate=3e-3, guard=None).network

    def motion(net):
        prob = masks_of(net, video)[1:]
        return (prob[1:] - prob[:-1]).abs().mean().item()

    assert motion(collapsed) < 0.5 * motion(image_net)


def test_without_passes_it_is_the_image_network(image_net, disc):
    relearned = relearner("image_only").adapt(image_net, annotated(disc, ref_frame=2))
    assert relearned.log == []
    assert torch.equal(
        masks_of(relearned.network, annotated(disc, ref_frame=2)), masks_of(image_net, annotated(disc, ref_frame=2))
    )


def test_same_seed_same_result_and_another_seed_another(image_net, disc):
    first, again, other = (relearn(image_net, annotated(disc), seed=seed).network for seed in (0, 0, 1))
    assert same_weights(first, again)
    assert not same_weights(first, other)


def test_the_guard_takes_back_what_harms(image_net, disc):
    relearned = relearn(image_net, annotated(disc), passes=3, guard=Guard(max_dice_loss=-math.inf))
    assert same_weights(relearned.network.net, image_net)
    assert len(relearned.log) == 2  # four windows, two per step: the guard looks after each pass


def test_several_videos_share_one_network(image_net, disc):
    frames, masks = disc
    videos = [annotated(disc), annotated((frames.flip(-1), masks.flip(-1)), objects=2)]
    log = relearn(image_net, videos).log
    assert sorted(step["video"] for step in log) == [0, 0, 1, 1]


@pytest.mark.parametrize(("length", "ref_frame"), [(1, 0), (2, 1), (3, 1)])
def test_videos_shorter_than_a_window(image_net, disc, length, ref_frame):
    frames, masks = disc
    video = annotated((frames[:length], masks[:length]), ref_frame=ref_frame)
    relearned = relearn(image_net, video, window=4)
    assert all(math.isfinite(step["loss"]) for step in relearned.log)
    assert masks_of(relearned.network, video).shape[0] == length


def test_the_random_start_is_the_papers(image_net, disc):
    log = relearner("paper", max_seconds=1).adapt(image_net, annotated(disc)).log
    assert log[0]["prediction"] > 1e-6


def test_unknown_preset_names_the_choices():
    with pytest.raises(UsageError, match="preset is 'rab', expected one of image_only, paper, relearning"):
        relearner("rab")
