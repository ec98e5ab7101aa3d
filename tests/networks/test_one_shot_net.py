# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.networks import (
    FeatureEnhancement,
    MobileNetV2Encoder,
    OneShotNet,
    PriorMask,
    SupportQueryFusion,
    occurring_classes,
    soft_aggregate,
)
from monai_i2v.propagation import propagate


def papers_net(**options):
    torch.manual_seed(0)
    return OneShotNet(MobileNetV2Encoder(output_stride=8, frozen=(4, 8, 16)), width=32, **options)


def test_the_prior_is_the_only_way_of_gradients_to_the_last_stage(disc):
    frames, masks = disc
    net = papers_net(dropout=0.0)
    net(frames[1:2], frames[:1], masks[:1]).square().sum().backward()
    stages = net.encoder.stages()
    assert any(parameter.grad.abs().sum() > 0 for parameter in stages[32].parameters())
    assert all(parameter.grad is None for stage in (4, 8, 16) for parameter in stages[stage].parameters())


@pytest.mark.parametrize("options", [{}, {"token": "map"}, {"middle_stages": (8,)}, {"prior": PriorMask((16, 32))}])
@pytest.mark.parametrize("size", [(16, 16), (17, 31), (64, 50), (90, 33)])
def test_any_size_from_16_px_gives_logits_of_that_size(options, size):
    net = papers_net(**options).eval()
    image = torch.rand(2, 3, *size)
    logits = net(image, image.flip(0), torch.ones(2, 1, *size))
    assert logits.shape == (2, 2, *size)
    assert logits.isfinite().all()


def test_without_support_the_image_is_its_own():
    net, image = papers_net().eval(), torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(net(image), net(image, image, torch.ones(1, 1, 32, 32)))


def test_objects_do_not_disturb_each_other(image_net, disc):
    frames, masks = disc
    other = masks[:1].roll(20, dims=-1)
    both, alone = (image_net.encode_support(frames[:1], m) for m in (torch.cat([masks[:1], other], 1), other))
    features = image_net.encode_frame(frames[1:2])
    torch.testing.assert_close(image_net.embed(features, both)[1:], image_net.embed(features, alone), atol=1e-5, rtol=0)


def test_one_support_serves_a_batch_of_frames(image_net, disc):
    frames, masks = disc
    support = image_net.encode_support(frames[:1], masks[:1].repeat(1, 2, 1, 1))
    together = image_net.embed(image_net.encode_frame(frames[1:4]), support)
    alone = torch.cat([image_net.embed(image_net.encode_frame(frame), support) for frame in frames[1:4].split(1)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_an_absent_object_stays_absent_and_the_others_are_as_if_alone(image_net, disc):
    frames, masks = disc
    with_empty = torch.cat([torch.zeros_like(masks[:1]), masks[:1]], dim=1)
    _, prob = propagate(image_net, frames[:2].split(1), with_empty)
    _, alone = propagate(image_net, frames[:2].split(1), masks[:1])
    assert (prob[:, 0] == 0).all()
    torch.testing.assert_close(prob[:, 1:], alone, atol=1e-5, rtol=0)


def test_episodes_in_another_order_give_outputs_in_that_order(image_net, disc):
    frames, masks = disc
    logits = image_net(frames[:3], frames[3:], masks[3:])
    turned = image_net(frames[:3].flip(0), frames[3:].flip(0), masks[3:].flip(0))
    torch.testing.assert_close(turned.flip(0), logits, atol=1e-5, rtol=0)


def test_soft_aggregation_normalizes_odds():
    prob = soft_aggregate(torch.tensor([3.0, 4.0]).log().view(1, 2, 1, 1))  # odds 3, 4 and 1 for the background
    assert prob.flatten().tolist() == pytest.approx([3 / 8, 4 / 8])


def test_soft_aggregation_of_one_object_is_its_sigmoid_and_of_many_never_overlaps():
    logits = 5 * torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(soft_aggregate(logits[:, :1]), logits[:, :1].sigmoid())
    assert soft_aggregate(logits).sum(dim=1).max() <= 1 + 1e-6


def test_what_is_absent_gets_nothing_and_the_others_share_the_rest():
    logits = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    present = torch.tensor([[True, True, False, True], [False, True, True, False]]).view(2, 4, 1, 1)
    prob = soft_aggregate(logits, present)
    torch.testing.assert_close(prob[:1, [0, 2]], soft_aggregate(logits[:1, [0, 2]]))
    assert (prob[0, 1] == 0).all()
    torch.testing.assert_close(prob[1, :2], logits[1, :2].softmax(dim=0))
    assert (prob[1, 2] == 0).all()


def test_a_frame_that_is_labelled_throughout_has_no_background():
    masks = torch.zeros(4, 2, 10, 20)
    masks[0, 0, :5], masks[0, 1, 5:] = 1, 1
    masks[1] = masks[0]
    masks[1, 1, 9, 18:] = 0  # 1 % of the pixels
    masks[2, 0, :, :19] = 1
    masks[3, 0, :5], masks[3, 1, 4:] = 1, 1  # overlaps do not make up for gaps
    masks[3, 1, 9] = 0
    assert occurring_classes(masks).flatten(1).tolist() == [
        [False, True, True],
        [True, True, True],
        [True, True, False],
        [True, True, True],
    ]
    assert occurring_classes(masks, keep_background=True)[:, 0].all()


@pytest.mark.parametrize("sure_of_background", [False, True])
def test_no_pixel_is_background_after_such_a_frame(image_net, disc, sure_of_background):
    frames, masks = disc
    everything = torch.cat([masks[:1], 1 - masks[:1]], dim=1)
    if sure_of_background:
        with torch.no_grad():
            image_net.head.classify.bias.copy_(torch.tensor([50.0, -50.0]))
    for prob in propagate(image_net, frames[:2].split(1), everything):
        torch.testing.assert_close(prob.sum(dim=1), torch.ones(1, 64, 80))


def test_node_sources_are_those_of_giraffedet():
    neck = FeatureEnhancement(32, levels=3, layers=3)
    # Layer 3 goes from coarse to fine: own level at layers 2 and 1, both neighbors at layer 2, coarser one at layer 3.
    assert sorted(neck._sources(3, 1)) == [(1, 1), (2, 0), (2, 1), (2, 2), (3, 2)]
    assert sorted(neck._sources(2, 0)) == [(0, 0), (1, 0), (1, 1)]


def test_untrained_enhancement_keeps_odd_grids():
    assert FeatureEnhancement(32)(torch.rand(1, 32, 33, 17)).shape == (1, 32, 33, 17)


def test_gap_token_ignores_where_the_object_is_and_map_does_not():
    features, cells = torch.rand(1, 8, 4, 4), torch.zeros(1, 1, 4, 4)
    cells[..., 0, 0] = 1
    for token, same in (("gap", True), ("map", False)):
        fusion = SupportQueryFusion(8, 8, token=token).eval()
        here = fusion.encode_support(features, cells)
        there = fusion.encode_support(features.roll(2, -1), cells.roll(2, -1))
        assert torch.allclose(here, there) == same


def test_unknown_token_names_the_choices():
    with pytest.raises(ValueError, match="token must be one of 'gap', 'map', got 'cat'"):
        SupportQueryFusion(8, 8, token="cat")
    with pytest.raises(ValueError, match="token must be one of 'gap', 'map', got 'cat'"):
        papers_net(token="cat")


def test_it_overfits_one_episode(disc):
    frames, masks = disc
    net = papers_net(dropout=0.0)
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=3e-3)
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(net(frames[3:4], frames[:1], masks[:1]), masks[3:4, 0].long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    inside = net.eval()(frames[3:4], frames[:1], masks[:1]).argmax(1)
    overlap = (inside * masks[3:4, 0]).sum() * 2 / (inside.sum() + masks[3:4].sum())
    assert overlap > 0.9
