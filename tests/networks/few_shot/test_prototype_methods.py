# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
import torch.nn.functional as F
from tiny_nets import make_net, two_tones

from monai_i2v.networks.few_shot.dcp import proxy_cells
from monai_i2v.networks.few_shot.prototypes import cell_cross_entropy, cosine_logits, masked_mean, object_prototypes
from monai_i2v.networks.few_shot.ssp import own_prototypes, sure_cells


def test_the_mean_of_a_mask_weighs_its_cells_and_that_of_an_empty_one_is_zero():
    features = torch.tensor([1.0, 2.0, 4.0, 8.0]).view(1, 1, 2, 2)
    cells = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.5], [0.0] * 4]).view(1, 3, 2, 2)
    assert masked_mean(features, cells).flatten().tolist() == pytest.approx([1.5, 4.5, 0.0])


def test_the_nearer_prototype_wins():
    features = torch.tensor([[2.0, 0.0, 1.0], [0.0, 5.0, 3.0]]).view(1, 2, 1, 3)
    logits = cosine_logits(features, torch.eye(2).view(1, 1, 2, 2), scale=20)
    assert logits.argmax(dim=1).flatten().tolist() == [0, 1, 1]


def test_panet_finds_the_support_in_itself(monkeypatch):
    images, masks = two_tones()[:2]
    net = make_net("panet")
    monkeypatch.setattr(net, "extract", lambda padded: F.avg_pool2d(padded - 0.5, 8))  # colors
    found = net(images, images, masks).argmax(dim=1, keepdim=True)
    assert (found * masks).sum() / (found + masks).clamp_max(1).sum() > 0.95


def test_with_the_true_mask_as_the_prediction_the_alignment_is_the_loss_of_the_logits():
    images, masks = two_tones()[:2]
    net = make_net("panet")
    features, support = net.encode_frame(images), net.encode_support(images, masks)
    aligned = net.align(features, support.cells, support)
    torch.testing.assert_close(aligned, cell_cross_entropy(net.match(features, support), support.cells))


def test_where_no_cell_is_sure_the_twelve_most_probable_are_taken():
    prob = torch.linspace(0.1, 0.5, 20).expand(2, -1).clone()
    prob[1, 3] = 0.9
    sure = sure_cells(prob, 0.7)
    assert sure[0].nonzero().flatten().tolist() == list(range(8, 20))
    assert sure[1].nonzero().flatten().tolist() == [3]


def test_of_one_sure_background_cell_every_cell_gets_its_feature():
    cells = torch.rand(1, 4, 20, generator=torch.Generator().manual_seed(0))
    logits = torch.zeros(1, 2, 20)
    logits[:, 0, 7], logits[:, 1, 5:7] = 9, 9
    own = own_prototypes(cells, logits)
    torch.testing.assert_close(own.background[..., 0], cells[..., 7])
    torch.testing.assert_close(own.foreground[..., 0], cells[..., 5:7].mean(dim=-1))
    torch.testing.assert_close(own.adaptive, cells[..., 7:8].expand(-1, -1, 20))


def test_ssp_learns_from_the_query_itself_without_the_support():
    query, query_mask, support, support_mask = two_tones(count=1)
    net = make_net("ssp")
    kept = net.encode_support(support, support_mask)
    prototypes = kept.prototypes.detach().requires_grad_()
    loss = net.self_loss(net.encode_frame(query), query_mask) + 0 * prototypes.sum()
    assert torch.autograd.grad(loss, prototypes)[0].abs().max() == 0
    further = net.further(net.encode_frame(query), kept._replace(prototypes=prototypes), torch.zeros(1), query_mask)
    own = cell_cross_entropy(cosine_logits(kept.features, prototypes, 10.0), kept.cells)
    torch.testing.assert_close(further, loss + 0.2 * own)


def test_the_four_proxies_of_dcp_share_all_cells():
    cells, guess = torch.rand(2, 3, 4, 4), torch.rand(2, 1, 4, 4).round()
    kinds = proxy_cells(cells, guess)
    torch.testing.assert_close(kinds[:, :, [0, 1, 4, 5]].sum(dim=2), torch.ones(2, 3, 4, 4))
    torch.testing.assert_close(kinds[:, :, [0, 1]].sum(dim=2), kinds[:, :, 2])
    torch.testing.assert_close(kinds[:, :, [4, 5]].sum(dim=2), kinds[:, :, 3])


@pytest.mark.parametrize(("bias", "empty"), [(99.0, (1, 5)), (-99.0, (0, 4))])
def test_a_proxy_without_cells_is_zero(bias, empty):
    images, masks = two_tones(count=2)[:2]
    net = make_net("dcp")
    with torch.no_grad():
        net.reason.classify.bias.copy_(torch.tensor([-bias, bias]))  # all is the object, or nothing
    proxies = net.encode_support(images, masks).proxies
    assert (proxies[:, 0, list(empty)] == 0).all()
    assert proxies.isfinite().all()


def test_dcp_learns_its_first_guess_from_both_images():
    query, query_mask, support, support_mask = two_tones(count=2)
    net = make_net("dcp")
    features, kept = net.encode_frame(query), net.encode_support(support, support_mask)
    logits = net.match(features, kept)
    cells = [net.cells_of(mask, logits.shape[-2:]) for mask in (query_mask, support_mask)]
    guesses = [net.reason(net.encode_frame(image).deep) for image in (query, support)]
    expected = sum(cell_cross_entropy(*pair) for pair in zip(guesses, cells, strict=True)) / 2
    torch.testing.assert_close(net.further(features, kept, logits, query_mask), expected)


def test_prototypes_of_each_object_have_all_else_as_background():
    features, cells = torch.rand(1, 2, 1, 4), torch.eye(4)[None, :2, None]
    prototypes = object_prototypes(features, cells)
    torch.testing.assert_close(prototypes[0, 1, 1], features[0, :, 0, 1])
    torch.testing.assert_close(prototypes[0, 1, 0], features[0, :, 0, [0, 2, 3]].mean(dim=-1))
