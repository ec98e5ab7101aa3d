# SPDX-License-Identifier: Apache-2.0
import copy

import numpy as np
import pytest
import torch
from adapting import annotated, same_weights

from monai_i2v.adaptation import (
    Schedule,
    TemporalConsistencyRegularization,
    TemporalPseudoSupervision,
    TestTimeTrainer,
    affinity,
    at_rest,
    registration,
)
from monai_i2v.adaptation.adaptation_step import AdaptationStep, ReferenceView
from monai_i2v.networks import OneShotMemoryNet

TERMS = [TemporalConsistencyRegularization, TemporalPseudoSupervision]


@pytest.fixture
def make_step(image_net, disc):
    """A window of the disc, with logits of one's choice: (T, 2, h, w)."""
    frames, masks = disc

    def make(logits, still=False):
        net = OneShotMemoryNet(image_net, key="matching").eval().requires_grad_(False)
        count = len(logits)
        window = frames[:1].expand(count, -1, -1, -1) if still else frames[:count]
        with torch.no_grad():
            annotated_features = net.net.encode_annotated(frames[:1], masks[:1])
            support = net.net.project_support(annotated_features)
            features = net.net.encode_frame(window)
            return AdaptationStep(
                student=net,
                support=support,
                bank=net.start_from(annotated_features.whole, support, masks.shape[-2:]).bank,
                frame=lambda place: window[place].unsqueeze(0),
                features=features,
                embedded=net.net.embed(features, support),
                logits=logits,
                teacher_features=torch.zeros(()),
                teacher_logits=torch.zeros(()),
                view=ReferenceView(features, masks[:1]),
                random=np.random.RandomState(0),
            )

    return make


def logits_of(*foreground):
    """Logits (T, 2, 8, 10) of one value each."""
    frames = [torch.stack([torch.zeros(8, 10), torch.full((8, 10), float(value))]) for value in foreground]
    return torch.stack(frames).requires_grad_(True)


def test_an_unsure_frame_follows_a_sure_one(make_step):
    logits = logits_of(4.0, 0.5)
    loss = TemporalConsistencyRegularization(displacement=at_rest)(make_step(logits))
    assert loss.item() == pytest.approx((torch.tensor([4.0, 0.5]).sigmoid().diff().abs()).item(), abs=1e-5)
    loss.backward()
    assert logits.grad[1, 1].max() < 0  # more foreground would lower the loss
    assert logits.grad[0].abs().max() == 0  # the sure frame is the target


def test_a_sure_frame_does_not_follow_an_unsure_one(make_step):
    logits = logits_of(0.5, 4.0)
    loss = TemporalConsistencyRegularization(displacement=at_rest)(make_step(logits))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.abs().max() == 0


@pytest.mark.parametrize("displacement", [at_rest, affinity, registration])
def test_a_still_video_with_the_same_masks_has_nothing_to_learn(make_step, displacement):
    step = make_step(logits_of(3.0, 3.0, 3.0), still=True)
    assert TemporalConsistencyRegularization(displacement=displacement)(step).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("term", TERMS)
def test_a_window_of_one_frame_has_no_neighbors(make_step, term):
    loss = term()(make_step(logits_of(1.0)))
    assert loss.item() == 0
    assert not loss.requires_grad


def test_unsure_masks_supervise_nothing(make_step):
    step = make_step(logits_of(0.5, 0.5))
    assert TemporalPseudoSupervision()(step).item() == 0
    assert TemporalPseudoSupervision(threshold=0.0)(step).item() > 0


def test_pseudo_supervision_pulls_the_student_towards_the_masks_of_the_frame_before(make_step):
    for sign in (1, -1):
        step = make_step(logits_of(6.0 * sign, 0.0), still=True)
        step.student.net.head.requires_grad_(True)
        loss = TemporalPseudoSupervision()(step)
        loss.backward()
        bias = step.student.net.head.classify.bias.grad
        assert bias[1] * sign < 0 < bias[0] * sign


@pytest.mark.parametrize("term", TERMS)
def test_a_network_learns_from_it_and_the_given_one_stays(image_net, disc, term):
    before = copy.deepcopy(image_net)
    trainer = TestTimeTrainer([term(threshold=0.0) if term is TERMS[1] else term()], schedule=Schedule(passes=1))
    adapted = trainer.adapt(image_net, annotated(disc))
    assert same_weights(image_net, before)
    assert {term.__name__, "ref_dice"} <= set(adapted.log[0])
    assert not same_weights(adapted.network.net.enhance, image_net.enhance)
