# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from tiny_nets import BUILDERS, COARSE, make_net, two_tones

from monai_i2v.adaptation import RBN, InTEnt, Tent
from monai_i2v.inferers import PropagationInferer
from monai_i2v.losses import EpisodeLoss
from monai_i2v.networks import EpisodePrediction
from monai_i2v.networks.few_shot import LIGHT_FORMS
from monai_i2v.phantoms import Phantom
from monai_i2v.propagation import propagate
from monai_i2v.session import VideoSession

each_method = pytest.mark.parametrize("method", BUILDERS)
trained = pytest.mark.parametrize("method", [method for method in BUILDERS if method != "dra"])


def episode(size, count=2):
    generator = torch.Generator().manual_seed(1)
    query, support = torch.rand(2, count, 3, *size, generator=generator)
    mask = torch.zeros(count, 1, *size)
    mask[..., size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
    return query, support, mask


def test_every_light_form_is_tested():
    assert LIGHT_FORMS.keys() == BUILDERS.keys()


@each_method
@pytest.mark.parametrize("size", [(64, 64), (50, 70)])
def test_logits_have_the_size_of_the_frame_also_without_an_object(method, size):
    query, support, mask = episode(size)
    mask[0] = 0
    logits = make_net(method)(query, support, mask)
    assert logits.shape == (2, 2, *size)
    assert logits.isfinite().all()


@each_method
def test_only_what_is_not_the_encoder_learns(method):
    query, support, mask = episode((64, 64))
    net = make_net(method).train()
    prediction = net(query, support, mask, mask)
    assert isinstance(prediction, EpisodePrediction)
    EpisodeLoss()(prediction, mask).backward()
    assert all(param.grad is None for param in net.encoder.parameters())
    assert any(param.grad is not None and param.grad.abs().sum() > 0 for param in net.parameters())


@each_method
def test_episodes_in_another_order_give_logits_in_that_order(method):
    query, support, mask = episode((64, 64), count=3)
    mask[1] = mask[1].roll(9, dims=-1)
    net = make_net(method)
    turned = net(query.flip(0), support.flip(0), mask.flip(0)).flip(0)
    torch.testing.assert_close(turned, net(query, support, mask), atol=1e-4, rtol=1e-4)


@each_method
def test_a_step_gives_what_forward_gives_and_two_objects_are_as_if_alone(method):
    query, support, mask = episode((50, 70), count=1)
    net, other = make_net(method), mask.roll((9, 15), dims=(-2, -1))
    alone = [net(query, support, one) for one in (mask, other)]
    for one, logits in zip((mask, other), alone, strict=True):
        prob, _ = net.step(query, net.start(support, one))
        torch.testing.assert_close(prob, logits.softmax(dim=1)[:, 1:], atol=1e-5, rtol=0)
    both = net.start(support, torch.cat([mask, other], dim=1))
    found = net.upsample(net.segment(net.encode_frame(query), both), query.shape[-2:])
    torch.testing.assert_close(found, torch.cat(alone), atol=1e-4, rtol=1e-4)


@each_method
def test_two_videos_at_a_time_do_not_mix(method):
    frames = torch.rand(3, 2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    masks = episode((64, 64))[2]
    masks[1] = masks[1].roll(9, dims=-1)
    net = make_net(method)
    together = torch.stack(list(propagate(net, frames, masks)))
    for video in range(2):
        alone = torch.stack(list(propagate(net, frames[:, video : video + 1], masks[video : video + 1])))
        torch.testing.assert_close(together[:, video : video + 1], alone, atol=1e-5, rtol=0)


@each_method
def test_an_object_is_looked_for_by_the_annotated_frames_that_show_it(method):
    query, support, mask = episode((64, 64), count=1)
    net, nothing = make_net(method), torch.zeros_like(mask)
    once = net.start(support, mask)
    twice = net.add_support(support, mask, net.add_support(query, nothing, once))
    torch.testing.assert_close(net.step(query, twice)[0], net.step(query, once)[0], atol=1e-5, rtol=0)
    assert (net.step(query, net.start(support, nothing))[0] == 0).all()


@trained
def test_it_learns_eight_episodes_by_heart(method):
    query, query_mask, support, support_mask = two_tones()
    net, loss = make_net(method).train(), EpisodeLoss()
    optimizer = torch.optim.Adam([param for param in net.parameters() if param.requires_grad], lr=1e-2)
    for _ in range(20 if method in COARSE - {"afa"} else 40):
        optimizer.zero_grad()
        loss(net(query, support, support_mask, query_mask), query_mask).backward()
        optimizer.step()
    found = net.eval()(query, support, support_mask).argmax(dim=1, keepdim=True)
    overlap = (found * query_mask).sum() / (found + query_mask).clamp_max(1).sum()
    assert overlap > 0.7


@pytest.mark.parametrize("method", ["panet", "hsnet"])
def test_methods_that_change_batch_statistics_take_any_of_the_networks(method):
    frames = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    mask = episode((64, 64), count=1)[2][0]
    net, inferer = make_net(method), PropagationInferer(size=64)
    for adaptation in (RBN(), Tent(), InTEnt(mixtures=2)):
        adapted = adaptation.adapt(net, inferer.annotate(list(frames), mask)).network
        found = [result.prob for result in inferer.stream(list(frames), adapted, mask)]
        assert torch.stack(found).isfinite().all()


def test_a_session_knows_all_frames_that_were_drawn():
    phantom = Phantom(length=4, size=(64, 64))
    session = VideoSession(make_net("panet"), phantom, size=64)
    for index in (0, 3):
        session.annotate(index, phantom.label_map(index))
    assert len(list(session.propagate())) > 0
    assert session[1].label_map.shape == (64, 64)
