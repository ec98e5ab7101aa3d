# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.networks.prior_mask import downsample_mask, nearest_similarity, normalize_prior


def features(seed=0):
    return torch.randn(1, 6, 4, 5, generator=torch.Generator().manual_seed(seed))


def half_marked():
    cells = torch.zeros(1, 1, 4, 5)
    cells[..., :2] = 1
    return cells


def test_an_image_is_its_own_most_similar_support_inside_the_object():
    prior = nearest_similarity(features(), features().unsqueeze(1), half_marked())
    torch.testing.assert_close(prior[..., :2], torch.ones(1, 1, 4, 2))
    assert prior[..., 2:].max() < 1


def test_order_of_support_cells_changes_nothing():
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    support, cells = features(1).unsqueeze(1), half_marked()
    shuffled = [tensor.flatten(-2)[..., order].unflatten(-1, (4, 5)) for tensor in (support, cells)]
    torch.testing.assert_close(
        nearest_similarity(features(), *shuffled), nearest_similarity(features(), support, cells)
    )


def test_an_empty_mask_gives_finite_priors():
    prior = nearest_similarity(features(), features(1).unsqueeze(1), torch.zeros(1, 2, 4, 5))
    assert (prior == -1).all()
    assert (normalize_prior(prior) == 0).all()


def test_one_support_serves_many_queries():
    queries = torch.cat([features(0), features(2)])
    together = nearest_similarity(queries, features(1).unsqueeze(1), half_marked())
    alone = [nearest_similarity(query, features(1).unsqueeze(1), half_marked()) for query in queries.split(1)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_normalized_priors_span_zero_to_one():
    prior = normalize_prior(features())
    assert prior.amin().item() == 0
    assert prior.amax(dim=(-2, -1)) == pytest.approx(torch.ones(1, 6), abs=1e-5)


def test_tiny_objects_survive_and_large_ones_keep_their_share():
    masks = torch.zeros(1, 3, 16, 16)
    masks[0, 0, 3, 3] = 1  # 1 of 64 px of a cell
    masks[0, 1, :8, :8] = 1
    masks[0, 1, :2, 8:] = 1  # 16 of 64 px of another
    small = downsample_mask(masks, (2, 2))
    assert small[0, 0].tolist() == [[1, 0], [0, 0]]
    assert small[0, 1].tolist() == [[1, 0.25], [0, 0]]
    assert small[0, 2].sum() == 0
