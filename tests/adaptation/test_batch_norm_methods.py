# SPDX-License-Identifier: Apache-2.0
"""RBN, Tent and InTEnt: what they share, then each by itself."""

import copy
import logging

import pytest
import torch
from adapting import annotated, masks_of, same_weights

from monai_i2v.adaptation import RBN, InTEnt, Tent, image_net_adaptation
from monai_i2v.adaptation.intent import balanced_entropy
from monai_i2v.errors import UsageError
from monai_i2v.networks import batch_norms_of, calibrate_batch_norms, optimize_for_inference


@pytest.fixture
def net(image_net, disc):
    """The image network, with the statistics of the disc's mirrored frames."""
    return calibrate_batch_norms(image_net, disc[0].flip(-1).roll(7, -2).split(1))


def statistics(net):
    return [(norm.running_mean.clone(), norm.running_var.clone()) for norm in batch_norms_of(net)]


@pytest.mark.parametrize("method", [RBN(), Tent(), InTEnt(mixtures=2)])
@pytest.mark.parametrize("objects", [1, 2])
def test_the_given_network_is_bit_identical_afterwards(net, disc, method, objects):
    before, video = copy.deepcopy(net), annotated(disc, ref_frame=2, objects=objects)
    prob = masks_of(method.adapt(net, video).network, video)
    assert same_weights(net, before)
    assert [p.requires_grad for p in net.parameters()] == [p.requires_grad for p in before.parameters()]
    assert not any(module.training for module in net.modules())
    assert prob.shape == (6, objects, 64, 80)
    assert prob.isfinite().all()
    assert not torch.equal(prob, masks_of(net, video))


@pytest.mark.parametrize("method", [RBN(), Tent(), InTEnt()])
def test_folded_networks_are_refused_in_a_sentence(image_net, disc, method):
    with pytest.raises(UsageError, match="has no batch norms, but this method changes them; load it without"):
        method.adapt(optimize_for_inference(image_net), annotated(disc))


@pytest.mark.parametrize("method", [RBN(), Tent(), InTEnt(mixtures=2)])
def test_videos_of_one_frame(net, disc, method):
    frames, masks = disc
    video = annotated((frames[:1], masks[:1]))
    assert torch.equal(masks_of(method.adapt(net, video).network, video), masks[:1])


@pytest.mark.parametrize("method", [RBN(), Tent()])
def test_several_videos_of_several_sizes(net, disc, method):
    frames, masks = disc
    videos = [annotated(disc), annotated((frames[..., :48], masks[..., :48]))]
    adapted = method.adapt(net, videos)
    assert masks_of(adapted.network, videos[1]).isfinite().all()


def test_presets_by_name():
    assert image_net_adaptation("image_only") is None
    assert isinstance(image_net_adaptation("tent"), Tent)
    with pytest.raises(UsageError, match="preset is 'bn', expected one of rbn, tent, intent, image_only"):
        image_net_adaptation("bn")


def test_rbn_changes_statistics_and_nothing_else(net, disc):
    adapted = RBN().adapt(net, annotated(disc)).network
    names = {name for name, value in adapted.state_dict().items() if not torch.equal(value, net.state_dict()[name])}
    assert {name.rpartition(".")[2] for name in names} <= {"running_mean", "running_var", "num_batches_tracked"}
    assert len(names) >= 2 * len(batch_norms_of(net))


def test_the_first_norm_gets_the_mean_of_the_frames(net, disc):
    frames, _ = disc
    first = next(iter(net.encoder.modules()))
    with torch.no_grad():
        stem = first.features[0][0]((frames[:4] - first.mean) / first.std)
    adapted = RBN(frames=4).adapt(net, annotated((frames[:4], disc[1][:4]))).network
    torch.testing.assert_close(batch_norms_of(adapted)[0].running_mean, stem.mean(dim=(0, 2, 3)), atol=1e-5, rtol=1e-4)


def test_prior_strength_mixes_by_frames(net, disc):
    """Six frames against a prior that counts for two: three quarters of the way."""
    source, target = statistics(net), statistics(RBN().adapt(net, annotated(disc)).network)
    mixed = statistics(RBN(prior_strength=2).adapt(net, annotated(disc)).network)
    for given, full, part in zip(source, target, mixed, strict=True):
        for a, b, c in zip(given, full, part, strict=True):
            torch.testing.assert_close(c, 0.25 * a + 0.75 * b)


def test_tent_moves_the_affine_parts_of_norms_only(net, disc):
    adapted = Tent().adapt(net, annotated(disc)).network
    trained = {name for name, value in adapted.named_parameters() if not torch.equal(value, net.get_parameter(name))}
    norms = {id(norm) for norm in batch_norms_of(adapted)}
    modules = {name.rpartition(".")[0] for name in trained}
    assert modules
    assert all(id(adapted.get_submodule(name)) in norms for name in modules)


def test_tent_lowers_the_entropy(net, disc):
    frames, masks = disc
    with torch.no_grad():
        net.head.classify.weight *= 30  # an untrained network is unsure everywhere, whatever it sees
    still = annotated((frames[:1].expand(40, -1, -1, -1), masks[:1].expand(40, -1, -1, -1)))
    log = Tent(learning_rate=3e-3).adapt(net, still).log
    assert len(log) == 10
    assert log[-1]["loss"] < 0.9 * log[0]["loss"]


def test_tent_slides_both_ways_and_begins_with_the_source_affine(net, disc):
    video = annotated(disc, ref_frame=2)
    found = dict(Tent(window=3).adapt_sliding(net, video))
    assert list(found) == [1, 0, 2, 3, 4, 5]
    assert torch.equal(found[2], video.masks)
    untrained = dict(Tent(window=3, learning_rate=0.0).adapt_sliding(net, video))
    assert torch.equal(found[1], untrained[1])  # predictions are from before the step
    assert not torch.equal(found[3], untrained[3])


def test_tent_says_when_masks_vanish(net, disc, caplog):
    with torch.no_grad():
        net.head.classify.bias.copy_(torch.tensor([50.0, -50.0]))
    with caplog.at_level(logging.WARNING):
        Tent().adapt(net, annotated(disc))
    assert "masks vanish" in caplog.text


def test_intent_with_the_source_statistics_alone_is_the_image_network(net, disc):
    video = annotated(disc)
    torch.testing.assert_close(
        masks_of(InTEnt(mixtures=1).adapt(net, video).network, video), masks_of(net, video), atol=1e-5, rtol=1e-4
    )


def test_intent_averages_between_its_extremes(net, disc):
    """Of two mixtures, the surer one gets the weight 1 / (1 + 1/e)."""
    video = annotated(disc)
    segmenter = InTEnt(mixtures=2).adapt(net, video).network
    state = segmenter.start(video.frames[0], video.masks)
    parts = []
    for share in (0.0, 1.0):
        segmenter.shares = [share]
        parts.append(segmenter.step(video.frames[3], state)[0])
    segmenter.shares = [0.0, 1.0]
    both, _ = segmenter.step(video.frames[3], state)
    entropy = [balanced_entropy(part).item() for part in parts]
    sure = 1 / (1 + torch.tensor(-1.0).exp().item())
    weights = [sure, 1 - sure] if entropy[0] < entropy[1] else [1 - sure, sure]
    torch.testing.assert_close(both, weights[0] * parts[0] + weights[1] * parts[1], atol=1e-5, rtol=1e-4)


def test_balanced_entropy_by_hand():
    quarter = 0.8112781  # bits of p = 1/4
    prob = torch.tensor([[0.75, 0.5, 0.25, 0.0]])  # foreground: the first pixel
    assert balanced_entropy(prob).item() == pytest.approx((quarter + (1 + quarter + 0) / 3) / 2)
    assert balanced_entropy(torch.tensor([[0.5, 0.0]])).item() == pytest.approx(0.5)
    assert balanced_entropy(torch.tensor([[0.75, 0.75]])).item() == pytest.approx(quarter)  # no background


@torch.no_grad()
def test_intent_gives_each_video_of_a_batch_its_own_statistics(net, disc):
    frames, masks = disc
    segmenter = InTEnt(mixtures=3).adapt(net, annotated(disc)).network
    pair, both = frames[:2], masks[:1].expand(2, -1, -1, -1)
    together, _ = segmenter.step(2 * pair - pair.flip(0), segmenter.start(pair, both))
    for video in range(2):
        state = segmenter.start(pair[video : video + 1], both[:1])
        alone, _ = segmenter.step((2 * pair - pair.flip(0))[video : video + 1], state)
        torch.testing.assert_close(together[video : video + 1], alone)
