# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from tiny_nets import TinyEncoder, two_tones

from monai_i2v.networks.few_shot import DRA, SSP
from monai_i2v.networks.few_shot.dra import Rectifier, Style, StyleNoise, restyle, style_of


@pytest.fixture
def ssp():
    torch.manual_seed(0)
    return SSP(TinyEncoder(8), width=16).eval()


def silence(net):
    """Rectifiers that change nothing."""
    for rectifier in net.rectify.values():
        torch.nn.init.zeros_(rectifier.convs[-1].weight)
        torch.nn.init.zeros_(rectifier.convs[-1].bias)
    return net


@pytest.mark.parametrize("training", [False, True])
def test_without_perturbation_and_rectification_it_is_ssp_to_the_bit(ssp, training):
    query, _, support, mask = two_tones(count=2)
    net = silence(DRA(ssp, strength=0.0)).train(training)
    assert torch.equal(net(query, support, mask), ssp(query, support, mask))
    assert torch.equal(net.encode_frame(query).cycle, torch.zeros(()))


def test_only_the_rectifiers_learn(ssp):
    query, query_mask, support, support_mask = two_tones(count=2)
    net = DRA(ssp).train()
    prediction = net(query, support, support_mask, query_mask)
    (prediction.logits.square().mean() + prediction.further).backward()
    learning = {name.split(".")[0] for name, param in net.named_parameters() if param.grad is not None}
    assert learning == {"rectify"}
    assert all(param.grad.abs().sum() > 0 for param in net.rectify.parameters())


def test_a_style_can_be_given_and_taken():
    x = torch.rand(2, 3, 8, 8)
    other = Style(torch.full((2, 3, 1, 1), 5.0), torch.full((2, 3, 1, 1), 0.5))
    changed = restyle(x, style_of(x), other)
    torch.testing.assert_close(changed.mean(dim=(-2, -1)), torch.full((2, 3), 5.0))
    torch.testing.assert_close(changed.std(dim=(-2, -1), correction=0), torch.full((2, 3), 0.5), atol=1e-3, rtol=0)
    torch.testing.assert_close(restyle(changed, other, style_of(x)), x)


def test_a_rectifier_moves_means_by_its_mean_and_deviations_by_its_variance():
    x = torch.rand(1, 4, 9, 9) + 1
    rectifier = Rectifier(4)
    torch.nn.init.zeros_(rectifier.convs[-1].weight)
    torch.nn.init.constant_(rectifier.convs[-1].bias, 0.5)  # mean 0.5, variance 0
    before, after = style_of(x), style_of(rectifier(x))
    torch.testing.assert_close(after.mean, 1.5 * before.mean)
    torch.testing.assert_close(after.std, before.std)


def test_the_mean_style_begins_with_the_first_and_follows_slowly():
    noise, x = StyleNoise(3), torch.rand(4, 3, 8, 8)
    noise(x)
    first = style_of(x).mean.mean(dim=0, keepdim=True)
    torch.testing.assert_close(noise.mean, first)
    noise(x + 1)
    torch.testing.assert_close(noise.mean, first + 0.01)


def test_noise_changes_the_style_and_nothing_else():
    torch.manual_seed(0)
    x = torch.rand(2, 3, 8, 8)
    changed = StyleNoise(3)(x)
    flat, changed_flat = (one.flatten(2) - one.flatten(2).mean(dim=-1, keepdim=True) for one in (x, changed))
    alike = torch.cosine_similarity(flat, changed_flat, dim=-1).abs()
    torch.testing.assert_close(alike, torch.ones_like(alike))
    assert not torch.allclose(changed, x)
