# SPDX-License-Identifier: Apache-2.0
"""STCN, XMem, Cutie, RDE and AFB-URR: numbers that can be checked by hand or against a plain form."""

import math

import pytest
import torch
from tiny_trackers import halves, make_tracker, noise

from monai_i2v.memory import MemoryPolicy, affinity, similarity
from monai_i2v.networks.vos import rde
from monai_i2v.networks.vos.object_summary import ObjectSummary
from monai_i2v.networks.vos.object_transformer import ObjectTransformer, hidden_cells
from monai_i2v.networks.vos.rde import perturb, read_cells
from monai_i2v.networks.vos.refinement import Refinement, uncertainty
from monai_i2v.networks.vos.two_to_one import TwoToOne
from monai_i2v.networks.vos.xmem import memory_rows, query_rows


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_stcn_without_frame_and_cbam_is_tcmn():
    tcmn, stcn = make_tracker("tcmn"), make_tracker("stcn", attention=False)
    weights = tcmn.state_dict()
    first = "mask_encoder.features.1.weight"
    drawn = torch.zeros_like(stcn.state_dict()[first])
    drawn[:, 3 * 16 :] = weights[first]  # 16 channels of each of frame (3), mask, others
    stcn.load_state_dict({**weights, first: drawn})
    torch.testing.assert_close(stcn(noise(), halves()), tcmn(noise(), halves()), atol=1e-6, rtol=0)


@torch.no_grad()
def test_stcn_reads_its_own_value_when_keys_are_sharp_and_writing_twice_changes_nothing():
    net = make_tracker("stcn", policy=MemoryPolicy())
    features, masks = net.encode_frame(noise()[:, 0]), halves()
    state = net.start_from(features, masks)
    other = net.encode_key(net.encode_frame(noise(seed=1)[:, 0]))
    once = state.bank.read(other)
    net.remember(features, masks, state)
    torch.testing.assert_close(state.bank.read(other), once, atol=1e-5, rtol=0)
    net.project_key.weight.data *= 100
    state, own = net.start_from(features, masks), net.encode_value(features, masks)
    assert (own - own.roll(1, dims=-1)).abs().max() > 0.1
    torch.testing.assert_close(state.bank.read(net.encode_key(features)), own, atol=1e-4, rtol=0)


@torch.no_grad()
def test_stcn_remembers_every_fifth_frame():
    net = make_tracker("stcn", policy=MemoryPolicy())
    state, written = net.start(noise()[:, 0], halves()), [0]
    for t, frame in enumerate(noise(frames=11, seed=1).unbind(1), start=1):
        _, state = net.step(frame, state)
        written += [t] * state.remembered
    assert written == [0, 5, 10]


def rows(cells):
    return cells.flatten(2).transpose(1, 2)


def test_the_similarity_of_xmem_is_what_its_formula_says_and_without_terms_that_of_stcn():
    key, query, sharp = random(1, 6, 2, 3), random(1, 6, 2, 3, seed=1), 1 + random(1, 1, 2, 3, seed=2).square()
    chosen = random(1, 6, 2, 3, seed=3).sigmoid()
    found = rows(query_rows(query, chosen)) @ rows(memory_rows(key, sharp)).transpose(1, 2)
    expected = torch.zeros(6, 6)
    k, q, s, e = (rows(x)[0] for x in (key, query, sharp, chosen))
    for place in range(6):
        for cell in range(6):
            for channel in range(6):
                miss = (k[cell, channel] - q[place, channel]) ** 2
                expected[place, cell] -= s[cell, 0] * e[place, channel] * miss / math.sqrt(6)
    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=0)
    ones = torch.ones(1, 6, 2, 3)
    plain = rows(query_rows(query, ones)) @ rows(memory_rows(key, ones[:, :1])).transpose(1, 2)
    stcn = affinity(similarity(rows(query), rows(key)))
    torch.testing.assert_close(plain.softmax(dim=-1), stcn, atol=1e-6, rtol=0)


def test_a_query_of_xmem_that_selects_nothing_reads_all_cells_alike():
    scores = rows(query_rows(random(1, 4, 1, 1), torch.zeros(1, 4, 1, 1))) @ rows(
        memory_rows(random(1, 4, 2, 2), 1 + random(1, 1, 2, 2).square())
    ).transpose(1, 2)
    torch.testing.assert_close(scores.softmax(dim=-1), torch.full((1, 1, 4), 0.25))


@torch.no_grad()
def test_cutie_without_blocks_leaves_the_cells_as_they_are():
    pixels = random(2, 16, 3, 4)
    transformer = ObjectTransformer(16, blocks=0)
    found, heads = transformer(pixels, random(2, 16, 16), torch.ones(1, 3, 1, 1, dtype=torch.bool))
    assert torch.equal(found, pixels)
    assert [head.shape for head in heads] == [(1, 2, 3, 4)]


@torch.no_grad()
def test_queries_of_one_side_do_not_see_cells_of_the_other():
    block = ObjectTransformer(16, blocks=1).blocks[0]
    query, pixels = random(1, 16, 16), random(1, 16, 2, 4, seed=1)
    inside = torch.tensor([1, 1, 0, 0, 1, 1, 0, 0]).bool()
    hidden = torch.stack([~inside, inside]).repeat_interleave(8, dim=0).unsqueeze(0)
    before = block.look_at(query, query, pixels, hidden)
    changed = pixels.clone()
    changed.flatten(2)[..., ~inside] += 1
    after = block.look_at(query, query, changed, hidden)
    assert torch.equal(after[:, :8], before[:, :8])
    assert (after - before)[:, 8:].abs().amax() > 0.01


@pytest.mark.parametrize("logit", [-9.0, 9.0])
def test_queries_whose_side_is_empty_see_all(logit):
    present = torch.ones(1, 2, 1, 1, dtype=torch.bool)
    hidden = hidden_cells(torch.full((1, 1, 2, 2), logit), present, 16)
    blind, seeing = (hidden[0, :8], hidden[0, 8:]) if logit < 0 else (hidden[0, 8:], hidden[0, :8])
    assert not blind.any()
    assert not seeing.any()  # as all cells are theirs


@torch.no_grad()
def test_summaries_add_up_over_frames_and_are_nothing_for_an_object_that_is_absent():
    summarize = ObjectSummary(8, 16)
    values, masks = random(3, 2, 8, 2, 3), random(3, 2, 2, 3, seed=1).sigmoid()
    masks[:, 1] = 0
    each = [summarize(value[None], mask[None]) for value, mask in zip(values, masks, strict=True)]
    cells = [torch.cat(list(x), dim=-1)[None] for x in (values, masks)]  # side by side, but at other positions
    assert summarize(*cells)[1].shape == (2, 16, 1)
    total = sum(sums for sums, _ in each)
    expected = torch.zeros(16, 16)
    for value, mask in zip(values, masks, strict=True):
        expected += summarize(value[None], mask[None])[0][0]
    torch.testing.assert_close(total[0], expected, atol=1e-6, rtol=0)
    assert not total[1, :8].any()
    assert total[1, 8:].abs().amax() > 0


@torch.no_grad()
def test_the_order_of_the_queries_of_a_side_changes_nothing():
    net = make_tracker("cutie")
    before = net(noise(), halves())
    order = torch.cat([torch.randperm(8), torch.arange(8, 16)])
    for parameter in (net.transformer.queries, net.transformer.places, net.summarize.choose[2].weight):
        parameter.data = parameter.data[order]
    net.summarize.choose[2].bias.data = net.summarize.choose[2].bias.data[order]
    torch.testing.assert_close(net(noise(), halves()), before, atol=1e-5, rtol=0)


@torch.no_grad()
def test_rde_starts_as_reading_the_last_frame_and_the_reference():
    net = make_tracker("rde")
    state = net.start(noise()[:, 0], halves())
    for t in (1, 2, 3):
        _, state = net.step(noise()[:, t], state)
    assert state.remembered
    query = net.encode_key(net.encode_frame(noise(seed=1)[:, 0]))
    expected = read_cells(query, [state.last, state.last, state.reference, state.reference], None)
    torch.testing.assert_close(net.read(query, state), expected, atol=1e-6, rtol=0)


def test_a_frame_that_is_there_twice_counts_as_with_log_2_added():
    key, values = random(1, 4, 2, 2), random(1, 1, 3, 8, seed=1)
    cells = [(random(1, 4, 2, 2, seed=seed), values[..., :4].unflatten(3, (2, 2)) + seed) for seed in (2, 3)]
    found = read_cells(key, [cells[0], cells[0], cells[1]], None)
    scores = similarity(rows(key), torch.cat([rows(one) for one, _ in cells], dim=1))
    scores[..., :4] += math.log(2)
    stored = torch.cat([one.flatten(3).transpose(2, 3)[0, 0] for _, one in cells])
    torch.testing.assert_close(found[0, 0].flatten(1).T, scores.softmax(dim=-1)[0] @ stored, atol=1e-5, rtol=0)


@torch.no_grad()
def test_what_cells_exchange_does_not_grow_with_what_they_hold():
    torch.manual_seed(0)
    fold = TwoToOne(16)
    torch.nn.init.ones_(fold.exchange.leave[1].weight)
    x = torch.rand(1, 2, 16, 4, 6)
    small, large = fold.exchange(10 * x), fold.exchange(1000 * x)
    assert small.std() > 0.5
    assert large.std() < 1.1 * small.std()


def test_what_rde_learns_beside_its_masks_is_0_where_nothing_differs(monkeypatch):
    net = make_tracker("rde").train()
    monkeypatch.setattr(rde, "perturb", lambda masks: masks)
    state = net.start(noise()[:, 0], halves())
    state.bank.write(*state.reference)
    state.frames = 2
    net.read(state.reference[0], state)
    assert len(state.losses) == 2
    torch.testing.assert_close(torch.stack(state.losses), torch.zeros(2), atol=1e-6, rtol=0)


def test_the_fourth_frame_of_rde_teaches_the_first_fold():
    net = make_tracker("rde").train()
    for parameter in net.fold_values.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    folds = []
    net.fold_values.register_forward_hook(lambda module, inputs, output: folds.append(output))
    prob = net(noise(frames=5), halves()).prob
    (gradient,) = torch.autograd.grad(prob[:, 4, 0].sum(), folds[0])
    assert gradient.abs().max() > 0


def test_a_mask_is_made_wrong_within_bounds():
    torch.manual_seed(0)
    masks = torch.zeros(1, 8, 64, 64)
    masks[:, :, 12:52, 12:52] = 1
    changed = perturb(masks)
    iou = torch.minimum(masks, changed).sum(dim=(-2, -1)) / torch.maximum(masks, changed).sum(dim=(-2, -1))
    assert iou.min() >= 0.85
    assert iou.max() < 1
    assert changed.sum(dim=(-2, -1)).unique().numel() == 2  # some grew, some shrank


def test_uncertainty_is_1_of_equals_and_in_the_refinement_never_below_its_least():
    assert uncertainty(torch.tensor([0.4, 0.4, 0.2]).view(1, 3, 1, 1)).item() == 1
    certain = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1).softmax(dim=1)  # as the paper takes it
    assert uncertainty(certain).item() == pytest.approx(math.exp(1 - math.e), abs=1e-4)


def test_with_equal_shares_the_neighborhood_is_a_plain_mean():
    refinement, features = Refinement(2, window=3), random(1, 2, 5, 5)
    found = refinement.nearby(features, torch.full((1, 1, 5, 5), 0.3))
    assert found[0, :, 2, 2].tolist() == pytest.approx(features[0, :, 1:4, 1:4].mean(dim=(1, 2)).tolist(), abs=1e-5)
